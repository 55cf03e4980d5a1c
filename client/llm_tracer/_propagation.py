"""Joining traces across processes by W3C Trace Context headers, as OpenTelemetry writes and reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from llm_tracer._foreign import ask

HEADER: Final = "traceparent"
_FORM: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-.*)?")
_VERSION: Final = "00"
_INVALID_VERSION: Final = "ff"


class RemoteParent(NamedTuple):
    """The span of another process that ours continues."""

    trace_id: str
    span_id: str


def traceparent_of(trace_id: str, span_id: str, *, is_sampled: bool) -> str:
    """``00-{trace}-{span}-{flags}``; bit 0 of the flags says whether the trace is being kept."""
    return f"{_VERSION}-{trace_id}-{span_id}-{is_sampled:02x}"


def remote_parent(headers: object) -> RemoteParent | None:
    """From headers (mapping, pairs, or the header's own text; names in any case); ``None`` if not valid.

    The sampled flag is not obeyed: proxies clear it for traces that they themselves do not keep.
    """
    text = ask(_header, headers, otherwise=None)
    found = _FORM.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        return None
    version, trace_id, span_id, more = found.groups()
    is_known = version != _INVALID_VERSION and not (version == _VERSION and more)
    is_whole = trace_id.strip("0") and span_id.strip("0")
    return RemoteParent(trace_id, span_id) if is_known and is_whole else None


def _header(headers: Any) -> str | None:
    if isinstance(headers, str):
        return headers
    pairs: Iterable[tuple[Any, Any]] = headers.items() if isinstance(headers, Mapping) else headers
    for name, value in pairs:
        if _text(name).lower() == HEADER:
            return _text(value)
    return None


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
