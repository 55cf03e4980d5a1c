"""Which convention is believed first, for each field: spans often speak several at once."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from traces_app.domain.conventions import (
    anthropic_sdk,
    langfuse,
    langsmith,
    litellm,
    mlflow,
    openinference,
    otel_genai,
    pydantic_ai,
    resource,
    traceloop,
    vercel,
)

VERSION: Final = 2
"""Of the tables and of what reads them; kept with each span, so that a better one can be run again."""

USUAL_ORDER: Final = (
    langfuse,
    mlflow,
    otel_genai,
    openinference,
    traceloop,
    vercel,
    pydantic_ai,
    langsmith,
    litellm,
    anthropic_sdk,
)

ORDER: Final[dict[str, tuple[ModuleType, ...]]] = {
    "kind": (langfuse, openinference, mlflow, langsmith, traceloop, vercel, otel_genai),
    "model": (langfuse, otel_genai, openinference, vercel, mlflow, langsmith),
    "requested_model": (otel_genai, openinference, vercel, mlflow, pydantic_ai),
    "provider": (otel_genai, openinference, vercel, mlflow, langsmith),
    "parameters": (otel_genai, openinference, langfuse, vercel, mlflow),
    "input_messages": (otel_genai, openinference, traceloop, vercel, pydantic_ai),
    "output_messages": (otel_genai, openinference, traceloop, pydantic_ai),
    "input_messages_as_text": (langsmith, langfuse, mlflow),
    "output_messages_as_text": (langsmith, langfuse, mlflow),
    "input_value": (langfuse, openinference, otel_genai, mlflow, traceloop, vercel, pydantic_ai, langsmith),
    "output_value": (langfuse, openinference, otel_genai, mlflow, traceloop, vercel, pydantic_ai, langsmith),
    "cost_usd": (langfuse, openinference, pydantic_ai, otel_genai, mlflow, litellm),
    "tool_name": (otel_genai, openinference, vercel, traceloop, mlflow),
    "session_id": (openinference, langfuse, traceloop, vercel, langsmith, mlflow, litellm, otel_genai),
    "user_id": (openinference, langfuse, otel_genai, traceloop, vercel, langsmith, mlflow, litellm),
    "error_message": (langfuse, otel_genai),
    "tags": (openinference, langfuse, pydantic_ai, vercel, langsmith),
    "display_name": (pydantic_ai, vercel),
}
"""Where it is not the usual one."""


def _sources() -> dict[str, tuple[str, ...]]:
    """Of each field: every attribute that may hold it, the most believed first."""
    fields = {field: None for convention in USUAL_ORDER for field in convention.FIELDS}
    return {
        field: tuple(
            dict.fromkeys(
                source
                for convention in ORDER.get(field, USUAL_ORDER)
                for source in convention.FIELDS.get(field, ())
            )
            | dict.fromkeys(resource.ANY_SPAN.get(field, ()))
        )
        for field in fields
    }


def _kind_rules() -> tuple[tuple[str, dict[str, str]], ...]:
    """Attributes that say what a span is, each with what its values mean; the first that is there decides."""
    return tuple(rule for convention in ORDER["kind"] for rule in convention.KINDS.items())


def content_switch(attributes: dict[str, Any]) -> str | None:
    """What turns prompts and answers on in the instrumentation a span comes from; ``None`` when unknown."""
    for convention, beginnings in _CONTENT_SIGNS:
        if any(key.startswith(beginnings) for key in attributes):
            return str(convention.CONTENT_SWITCH)
    return None


_CONTENT_SIGNS: Final = (
    (vercel, "ai."),
    (langfuse, "langfuse."),
    (openinference, ("openinference.", "llm.token_count.")),
    (traceloop, ("traceloop.", "llm.is_streaming", "llm.request.type", "gen_ai.is_streaming")),
    (pydantic_ai, ("logfire.", "model_request_parameters", "pydantic_ai.")),
    (anthropic_sdk, "anthropic."),
    (otel_genai, "gen_ai."),
)

SOURCES: Final = _sources()
KIND_RULES: Final = _kind_rules()
SIGNS: Final = tuple(dict.fromkeys(sign for convention in USUAL_ORDER for sign in convention.SIGNS))
"""Beginnings of attribute names by which a convention is known."""
