"""Links to single traces for those who have no key."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from traces_app.explorer.formats import Moment, moment
from traces_app.explorer.visitor import Visitor
from traces_app.sharing import REDACTIONS, Share

OFFERED_DAYS: Final = (1, 7, 30, 90)


@dataclass(frozen=True, slots=True)
class ShareLine:
    share_id: str
    trace_id: str
    trace_address: str
    address: str
    shows: str
    who: str
    made: Moment | None
    until: Moment | None


@dataclass(frozen=True, slots=True)
class SharesPage:
    """``trace_id`` is the one that a new link may be made for; without it the page lists all links."""

    trace_id: str
    trace_address: str
    lines: list[ShareLine]
    may_write: bool
    days: Sequence[int]
    redactions: list[tuple[str, str]]
    once: str
    """Tells this form from every other: sent twice, it makes one link."""


def shares_page(shares: Sequence[Share], *, trace_id: str, base_url: str, visitor: Visitor) -> SharesPage:
    shown = [share for share in shares if trace_id in ("", share.trace_id)]
    return SharesPage(
        trace_id=trace_id,
        trace_address=reverse("explorer:trace", args=[trace_id]) if trace_id else "",
        lines=[_line(share, base_url, visitor.now_ns) for share in shown],
        may_write=visitor.may_write,
        days=OFFERED_DAYS,
        redactions=list(REDACTIONS.items()),
        once=secrets.token_hex(8),
    )


def _line(share: Share, base_url: str, now_ns: int) -> ShareLine:
    return ShareLine(
        share_id=share.share_id,
        trace_id=share.trace_id,
        trace_address=reverse("explorer:trace", args=[share.trace_id]),
        address=base_url + reverse("explorer:shared", args=[share.token]),
        shows=REDACTIONS[share.redaction],
        who=share.who,
        made=moment(share.made_at_ns, now_ns=now_ns),
        until=moment(share.expires_at * 10**9, now_ns=now_ns),
    )
