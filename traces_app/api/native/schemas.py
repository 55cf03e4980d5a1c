"""The native batch: what our client sends.

Written as pydantic's core reads it: the models above that core take longer to load than Django.
``documents`` describes the same rules in the API's document.
"""

from __future__ import annotations

from typing import Any, Final, cast, get_args

from pydantic_core import SchemaValidator

from traces_app.domain.ids import HEX_NOT_ALL_ZERO, SPAN_ID_DIGITS, TRACE_ID_DIGITS
from traces_app.domain.span import Kind, Status

__all__ = [
    "MAX_SPANS_PER_BATCH",
    "SPAN",
    "SPAN_FIELD_NAMES",
    "batch_rules",
    "batch_validator",
    "span_validator",
]

MAX_SPANS_PER_BATCH: Final = 10_000
"""A client that sends more at once has lost count; the answer to so many would be late."""

MAX_NAME_CHARACTERS: Final = 1_000
MAX_LABEL_CHARACTERS: Final = 1_000
"""Of models, users, sessions, releases and the like: names, not texts."""

MAX_LIST_ITEMS: Final = 1_000
MAX_COUNT: Final = 2**53
"""Of tokens and losses: what every JSON reader takes for a whole number."""

MAX_TIME_UNIX_NANO: Final = 2**63 - 1
"""The year 2262."""

_Rule = dict[str, Any]


def _record(
    title: str,
    nullable: dict[str, _Rule],
    *,
    required: dict[str, _Rule] | None = None,
    never_null: dict[str, _Rule] | None = None,
) -> _Rule:
    """An object; fields not named here are kept."""
    fields = {name: _field(rule, required=True) for name, rule in (required or {}).items()}
    for name, rule in nullable.items():
        fields[name] = _field({"type": "nullable", "schema": rule}, required=False)
    for name, rule in (never_null or {}).items():
        fields[name] = _field(rule, required=False)
    config = {"title": title, "strict": True, "extra_fields_behavior": "allow"}
    return {"type": "typed-dict", "fields": fields, "config": config}


def _field(rule: _Rule, *, required: bool) -> _Rule:
    return {"type": "typed-dict-field", "schema": rule, "required": required}


def _hex(digits: int) -> _Rule:
    rule = {"type": "str", "pattern": HEX_NOT_ALL_ZERO, "to_lower": True}
    return {**rule, "min_length": digits, "max_length": digits}


def _one_of(words: Any) -> _Rule:
    return {"type": "literal", "expected": [*get_args(words)]}


def _list(item: _Rule, **limits: int) -> _Rule:
    return {"type": "list", "items_schema": item, **limits}


def _by_name(value: _Rule) -> _Rule:
    return {"type": "dict", "keys_schema": _TEXT, "values_schema": value}


_ANYTHING: Final[_Rule] = {"type": "any"}
_TEXT: Final[_Rule] = {"type": "str"}
_NAME: Final[_Rule] = {"type": "str", "min_length": 1, "max_length": MAX_NAME_CHARACTERS}
_LABEL: Final[_Rule] = {"type": "str", "max_length": MAX_LABEL_CHARACTERS}
_TIME_UNIX_NANO: Final[_Rule] = {"type": "int", "ge": 0, "le": MAX_TIME_UNIX_NANO}
_COUNT: Final[_Rule] = {"type": "int", "ge": 0, "le": MAX_COUNT}
_AMOUNT: Final[_Rule] = {"type": "float", "ge": 0, "allow_inf_nan": False}
_TEXT_OR_NUMBER: Final[_Rule] = {"type": "union", "choices": [_TEXT, {"type": "int"}]}
_OBJECT: Final = _by_name(_ANYTHING)
_COUNTS: Final = _by_name(_COUNT)

_CAUSE: Final = _record("Cause", {"type": _TEXT, "message": _TEXT})
_ERROR: Final = _record(
    "Error",
    {"type": _TEXT, "message": _TEXT, "stacktrace": _TEXT},
    never_null={"causes": _list(_CAUSE)},
)
_USAGE: Final = _record(
    "Usage",  # input and output are inclusive: the others are parts of them
    {
        "input_tokens": _COUNT,
        "output_tokens": _COUNT,
        "cache_read_tokens": _COUNT,
        "cache_write_tokens": _COUNT,
        "reasoning_tokens": _COUNT,
        "input_audio_tokens": _COUNT,
        "output_audio_tokens": _COUNT,
    },
)
_TOOL: Final = _record("Tool", {"name": _TEXT, "call_id": _TEXT, "definitions": _list(_ANYTHING)})
_PROMPT: Final = _record(
    "Prompt",
    {
        "name": _TEXT,
        "version": _TEXT_OR_NUMBER,
        "template": _ANYTHING,
        "variables": _ANYTHING,
    },
)

SPAN: Final = _record(
    "Span",
    {
        "kind": _one_of(Kind),
        "parent_span_id": _hex(SPAN_ID_DIGITS),
        "start_time_unix_nano": _TIME_UNIX_NANO,
        "end_time_unix_nano": _TIME_UNIX_NANO,
        "status": _one_of(Status),
        "error": _ERROR,
        "input": _ANYTHING,
        "output": _ANYTHING,
        "model": _LABEL,
        "provider": _LABEL,
        "parameters": _OBJECT,
        "usage": _USAGE,
        "cost_usd": _AMOUNT,
        "time_to_first_token_ms": _AMOUNT,
        "tool": _TOOL,
        "documents": _list(_ANYTHING),
        "prompt": _PROMPT,
        "session_id": _LABEL,
        "user_id": _LABEL,
        "tags": _list(_LABEL, max_length=MAX_LIST_ITEMS),
        "metadata": _OBJECT,
        "environment": _LABEL,
        "release": _LABEL,
        "scores": _list(_OBJECT, max_length=MAX_LIST_ITEMS),
        "attributes": _OBJECT,
        "dropped": _COUNTS,
        "cuts": _COUNTS,
    },
    required={"trace_id": _hex(TRACE_ID_DIGITS), "span_id": _hex(SPAN_ID_DIGITS), "name": _NAME},
)
"""One span. Fields not named here become attributes."""

SPAN_FIELD_NAMES: Final = frozenset(SPAN["fields"])

_RESOURCE: Final = _record(
    "Resource",  # what is true of the whole sending process
    {"environment": _LABEL, "release": _LABEL, "service_name": _LABEL},
)


def batch_rules(span: _Rule) -> _Rule:
    """``counters`` are spans the sender lost since the last acknowledged batch, by reason."""
    return _record(
        "Batch",
        {"resource": _RESOURCE, "counters": _COUNTS, "client": _OBJECT},
        required={"spans": _list(span)},
    )


def _validator(rule: _Rule) -> SchemaValidator:
    return SchemaValidator(cast("Any", rule))


batch_validator: Final = _validator(batch_rules(_ANYTHING))
"""Of the envelope: spans are validated one by one, so that a bad one hurts no other."""

span_validator: Final = _validator(SPAN)
