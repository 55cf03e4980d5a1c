"""Links that show one trace to whoever holds them: signed, for some days, whole or with parts left out."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from traces_app import access, queries
from traces_app.domain.durations import DAY_S
from traces_app.domain.span import Span
from traces_app.domain.summary import TraceSummary
from traces_app.storage import get_store, keys

__all__ = [
    "REDACTIONS",
    "Share",
    "ShareNotFound",
    "check_new_share",
    "create_share",
    "list_shares",
    "open_share",
    "revoke_share",
    "revoke_shares",
]

REDACTIONS: Final = {
    "nothing": "everything",
    "people": "everything but users, sessions, tags, metadata, attributes, events, scorers and comments",
    "texts": "names, times, tokens and cost alone",
}
"""What a link shows, by what it leaves out; each leaves out what the one before does, and more."""

MAX_DAYS: Final = 90
MAX_SHARES: Final = 200
"""Of a project at a time: all are read to be listed."""

KEY_BYTES: Final = 32
_TOKEN: Final = re.compile(
    rf"({access.PROJECT_ID.pattern})\.([0-9a-f]{{12}})\.(\d{{10}})\.([A-Za-z0-9_-]{{43}})"
)


class ShareNotFound(LookupError):
    """No such link: never made, wrongly copied, over, revoked, or its trace is gone."""


@dataclass(frozen=True, slots=True)
class Share:
    """``key`` signs this link alone: deleting the record revokes it, and a new SECRET_KEY does not."""

    project: str
    share_id: str
    trace_id: str
    redaction: str
    who: str
    made_at_ns: int
    expires_at: int
    key: str

    @property
    def token(self) -> str:
        return f"{self.project}.{self.share_id}.{self.expires_at}.{self._signature()}"

    def is_signed(self, signature: str) -> bool:
        return hmac.compare_digest(signature, self._signature())

    def _signature(self) -> str:
        signed = ".".join((self.project, self.share_id, str(self.expires_at), self.trace_id, self.redaction))
        digest = hmac.new(self.key.encode(), signed.encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def check_new_share(project: str, trace_id: str, *, redaction: str, days: int, now_ns: int) -> None:
    """Raises ValueError naming what is wrong, and queries.TraceNotFound."""
    if redaction not in REDACTIONS:
        raise ValueError("Shows: choose one of " + ", ".join(REDACTIONS) + ".")
    if not 1 <= days <= MAX_DAYS:
        raise ValueError(f"Days: a link holds for 1 to {MAX_DAYS} days.")
    if len(list_shares(project, now_ns=now_ns)) >= MAX_SHARES:
        raise ValueError(f"A project has {MAX_SHARES} links at most: revoke one first.")
    queries.get_trace(project, trace_id, now_ns=now_ns)


def create_share(project: str, trace_id: str, *, redaction: str, days: int, who: str, now_ns: int) -> Share:
    """Raises what ``check_new_share`` raises, before anything is written."""
    check_new_share(project, trace_id, redaction=redaction, days=days, now_ns=now_ns)
    expires_at = now_ns // 10**9 + days * DAY_S
    share = Share(
        project, secrets.token_hex(6), trace_id, redaction, who, now_ns, expires_at,
        secrets.token_urlsafe(KEY_BYTES),
    )  # fmt: skip
    get_store().put_record(
        keys.shares_partition(project), share.share_id, _body(share), now_ns=now_ns, expires_at=expires_at
    )
    return share


def list_shares(project: str, *, now_ns: int) -> list[Share]:
    """Those that still open, the newest first."""
    found = get_store().list_records(keys.shares_partition(project), now_ns=now_ns)
    return sorted(
        (_share(project, value) for _, value in found), key=lambda share: share.made_at_ns, reverse=True
    )


def revoke_share(project: str, share_id: str, *, now_ns: int) -> Share | None:
    """The link that opens nothing any more; ``None`` when there was none."""
    partition = keys.shares_partition(project)
    value = get_store().get_record(partition, share_id, now_ns=now_ns)
    if value is None:
        return None
    get_store().delete_record(partition, share_id)
    return _share(project, value)


def revoke_shares(project: str, trace_id: str, *, now_ns: int) -> int:
    """No link opens the trace any more, nor what comes of it later; how many did."""
    found = [share for share in list_shares(project, now_ns=now_ns) if share.trace_id == trace_id]
    for share in found:
        get_store().delete_record(keys.shares_partition(project), share.share_id)
    return len(found)


def open_share(token: str, *, now_ns: int) -> tuple[Share, queries.Trace]:
    """The link and the trace as it shows it. Raises ShareNotFound: why is nobody's business."""
    parts = _TOKEN.fullmatch(token)
    value = parts and get_store().get_record(keys.shares_partition(parts[1]), parts[2], now_ns=now_ns)
    share = _share(parts[1], value) if parts and value else None
    if parts is None or share is None or not share.is_signed(parts[4]) or str(share.expires_at) != parts[3]:
        raise ShareNotFound
    try:
        trace = queries.get_trace(share.project, share.trace_id, now_ns=now_ns)
    except queries.TraceNotFound:
        raise ShareNotFound from None
    return share, trace if share.redaction == "nothing" else _RedactedTrace(trace, share.redaction)


def _body(share: Share) -> dict[str, Any]:
    """The project stands in the key alone: what a record says of itself opens no other one."""
    return {name: value for name, value in asdict(share).items() if name != "project"}


def _share(project: str, value: dict[str, Any]) -> Share:
    return Share(**{**value, "project": project})


class _RedactedTrace(queries.Trace):
    """A trace of which nothing that is left out can be asked."""

    def __init__(self, trace: queries.Trace, redaction: str) -> None:
        rows = [replace(row, span=_redacted(row.span, redaction)) for row in trace.rows]
        super().__init__(_redacted_summary(trace.summary, redaction), rows, {})
        self._whole = trace
        self._redaction = redaction

    def span(self, span_id: str) -> Span:
        return _redacted(self._whole.span(span_id), self._redaction)


def _redacted(span: Span, redaction: str) -> Span:
    span = replace(
        span,
        user_id=None,
        session_id=None,
        tags=[],
        metadata={},
        attributes={},
        events=[],
        scores=[_score(score, redaction) for score in span.scores],
    )
    if redaction != "texts":
        return span
    return replace(
        span,
        input=None,
        output=None,
        documents=None,
        prompt=_only(span.prompt, "name", "version"),
        tool=_only(span.tool, "name"),
        parameters=None,
        error=_only(span.error, "type"),
        notices=[],
    )


def _redacted_summary(summary: TraceSummary, redaction: str) -> TraceSummary:
    summary = replace(summary, user_id=None, session_id=None, tags=[], metadata={})
    if redaction != "texts":
        return summary
    return replace(summary, input_preview=None, output_preview=None, environment=None, release=None)


def _score(score: dict[str, Any], redaction: str) -> dict[str, Any]:
    """Not by whom, and no comment; a word said instead of a number is a text."""
    names = ["name", "value", "label", "source"]
    if redaction == "texts":
        names = ["name", "value"] if isinstance(score.get("value"), int | float) else ["name"]
    return {name: score[name] for name in names if name in score}


def _only(value: dict[str, Any] | None, *names: str) -> dict[str, Any] | None:
    return None if value is None else {name: value[name] for name in names if name in value}
