"""Our own JSON lines: one span a line, or one trace with its ``spans`` as pages export it."""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.ids import is_span_id, is_trace_id
from traces_app.domain.limits import MAX_COST_USD
from traces_app.domain.span import KINDS, SPAN_FIELDS, STATUSES, USAGE_FIELDS, Span, Usage
from traces_app.transfer.columns import SPAN_COLUMNS
from traces_app.transfer.formats.values import Made, NoRest, Unreadable

__all__ = ["Native"]

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "text": (str,),
    "integer": (int,),
    "time": (int,),
    "number": (int, float),
    "flag": (bool,),
    "texts": (list,),
}
_LISTS: Final = frozenset({"documents", "scores", "events"})
_ANYTHING: Final = frozenset({"input", "output"})
_CHOICES: Final = {"kind": KINDS, "status": STATUSES, "cost_source": ("reported", "computed")}


class Native(NoRest):
    def recognises(self, entry: dict[str, Any]) -> bool:
        if "trace_id" not in entry:
            return False
        return isinstance(entry.get("spans"), list) or ("span_id" in entry and "start_ns" in entry)

    def spans(self, entry: dict[str, Any]) -> Made:
        for told in entry.get("spans") or [entry]:
            if not isinstance(told, dict):
                raise Unreadable("spans: each must be an object")
            yield _span(told)


def _span(told: dict[str, Any]) -> Span:
    fields = {name: told[name] for name in SPAN_FIELDS if told.get(name) is not None}
    for name, value in fields.items():
        _check(name, value)
    if not is_trace_id(str(fields.get("trace_id"))) or not is_span_id(str(fields.get("span_id"))):
        raise Unreadable("trace_id and span_id: must be 32 and 16 hex digits in lower case")
    fields["usage"] = _usage(fields.get("usage"))
    if fields.get("cost_source") == "computed" and fields.get("cost_usd", 0) > MAX_COST_USD:
        fields["cost_usd"] = fields["cost_source"] = None  # nobody would report it: computed again
    return Span(**{"name": "", **fields})


def _usage(told: Any) -> Usage | None:
    if told is None:
        return None
    if not isinstance(told, dict):
        raise Unreadable("usage: must be an object")
    counts = {name: told[name] for name in USAGE_FIELDS if told.get(name) is not None}
    for name, count in counts.items():
        if type(count) is not int:
            raise Unreadable(f"usage.{name}: must be a whole number")
    return Usage(**counts)


def _check(name: str, value: Any) -> None:
    if name == "usage" or name in _ANYTHING:
        return
    type_ = SPAN_COLUMNS[name].type
    wanted = _TYPES.get(type_, (list,) if name in _LISTS else (dict,))
    is_right = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    if is_right and isinstance(value, list):
        inner = str if type_ == "texts" else dict if name in ("scores", "events") else object
        is_right = all(isinstance(item, inner) for item in value)
    if not is_right:
        raise Unreadable(f"{name}: must be of type {' or '.join(one.__name__ for one in wanted)}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise Unreadable(f"{name}: must be one of {', '.join(_CHOICES[name])}")
