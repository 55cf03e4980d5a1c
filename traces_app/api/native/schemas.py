"""The native batch: what our client sends.

Written as pydantic's core reads it: the models above that core take longer to load than Django.
``documents`` describes the same rules in the API's document.
"""

from __future__ import annotations

from typing import Final, get_args

from pydantic_core import SchemaValidator
from pydantic_core import core_schema as rules

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

_Rule = rules.CoreSchema


def _record(
    title: str, nullable: dict[str, _Rule], *, required: dict[str, _Rule], never_null: dict[str, _Rule]
) -> rules.TypedDictSchema:
    """An object; fields not named here are kept."""
    fields = {name: rules.typed_dict_field(rule, required=True) for name, rule in required.items()}
    for name, rule in nullable.items():
        fields[name] = rules.typed_dict_field(rules.nullable_schema(rule), required=False)
    for name, rule in never_null.items():
        fields[name] = rules.typed_dict_field(rule, required=False)
    config = rules.CoreConfig(title=title, strict=True, extra_fields_behavior="allow")
    return rules.typed_dict_schema(fields, config=config)


def _part(title: str, nullable: dict[str, _Rule], **never_null: _Rule) -> _Rule:
    return _record(title, nullable, required={}, never_null=never_null)


def _hex(digits: int) -> _Rule:
    return rules.str_schema(pattern=HEX_NOT_ALL_ZERO, min_length=digits, max_length=digits, to_lower=True)


def _list(item: _Rule) -> _Rule:
    return rules.list_schema(item, max_length=MAX_LIST_ITEMS)


_ANYTHING: Final = rules.any_schema()
_TEXT: Final = rules.str_schema()
_NAME: Final = rules.str_schema(min_length=1, max_length=MAX_NAME_CHARACTERS)
_LABEL: Final = rules.str_schema(max_length=MAX_LABEL_CHARACTERS)
_TIME_UNIX_NANO: Final = rules.int_schema(ge=0, le=MAX_TIME_UNIX_NANO)
_COUNT: Final = rules.int_schema(ge=0, le=MAX_COUNT)
_AMOUNT: Final = rules.float_schema(ge=0, allow_inf_nan=False)
_OBJECT: Final = rules.dict_schema(_TEXT, _ANYTHING)
_COUNTS: Final = rules.dict_schema(_TEXT, _COUNT)

_CAUSE: Final = _part("Cause", {"type": _TEXT, "message": _TEXT})
_ERROR: Final = _part(
    "Error",
    {"type": _TEXT, "message": _TEXT, "stacktrace": _TEXT},
    causes=rules.list_schema(_CAUSE),
)
_USAGE: Final = _part(
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
_TOOL: Final = _part("Tool", {"name": _TEXT, "call_id": _TEXT, "definitions": rules.list_schema(_ANYTHING)})
_PROMPT: Final = _part(
    "Prompt",
    {
        "name": _TEXT,
        "version": rules.union_schema([_TEXT, rules.int_schema()]),
        "template": _ANYTHING,
        "variables": _ANYTHING,
    },
)

SPAN: Final = _record(
    "Span",
    {
        "kind": rules.literal_schema([*get_args(Kind)]),
        "parent_span_id": _hex(SPAN_ID_DIGITS),
        "start_time_unix_nano": _TIME_UNIX_NANO,
        "end_time_unix_nano": _TIME_UNIX_NANO,
        "status": rules.literal_schema([*get_args(Status)]),
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
        "documents": rules.list_schema(_ANYTHING),
        "prompt": _PROMPT,
        "session_id": _LABEL,
        "user_id": _LABEL,
        "tags": _list(_LABEL),
        "metadata": _OBJECT,
        "environment": _LABEL,
        "release": _LABEL,
        "scores": _list(_OBJECT),
        "attributes": _OBJECT,
        "dropped": _COUNTS,
        "cuts": _COUNTS,
    },
    required={"trace_id": _hex(TRACE_ID_DIGITS), "span_id": _hex(SPAN_ID_DIGITS), "name": _NAME},
    never_null={},
)
"""One span. Fields not named here become attributes."""

SPAN_FIELD_NAMES: Final = frozenset(SPAN["fields"])

_RESOURCE: Final = _part(
    "Resource",  # what is true of the whole sending process
    {"environment": _LABEL, "release": _LABEL, "service_name": _LABEL},
)


def batch_rules(span: _Rule) -> _Rule:
    """``counters`` are spans the sender lost since the last acknowledged batch, by reason."""
    return _record(
        "Batch",
        {"resource": _RESOURCE, "counters": _COUNTS, "client": _OBJECT},
        required={"spans": rules.list_schema(span)},
        never_null={},
    )


batch_validator: Final = SchemaValidator(batch_rules(_ANYTHING))
"""Of the envelope: spans are validated one by one, so that a bad one hurts no other."""

span_validator: Final = SchemaValidator(SPAN)
