"""What a span is: the first rule that matches decides."""

from __future__ import annotations

from typing import Any, Final

from traces_app.domain.conventions import KIND_RULES
from traces_app.domain.json_text import decoded
from traces_app.domain.span import KINDS, Kind

_MODEL_KEYS: Final = (
    "gen_ai.request.model",
    "gen_ai.response.model",
    "llm.model_name",
    "llm.request.model_name",
)
_GENERATION_KEYS: Final = ("langfuse.observation.model.name", "langfuse.observation.usage_details")


def kind_of(attributes: dict[str, Any], scope: str) -> Kind:
    """``other`` when nothing tells. Never from an agent's name: it is passed on to every child."""
    found = _kind_told(attributes) or _kind_implied(attributes, scope)
    return found if found in KINDS else "other"  # type: ignore[return-value]


def _kind_told(attributes: dict[str, Any]) -> str | None:
    for key, meanings in KIND_RULES:
        value = decoded(attributes.get(key)) if key in attributes else None
        if isinstance(value, str) and value:
            kind = _meaning(value.lower(), meanings)
            if kind == "function" and any(name in attributes for name in _GENERATION_KEYS):
                return "llm"  # Langfuse SDKs up to 3.3 call generations spans
            if kind is not None:
                return kind
    return None


def _meaning(value: str, meanings: dict[str, str]) -> str | None:
    if value in meanings:
        return meanings[value]
    ending = "*." + value.rpartition(".")[2]
    return meanings.get(ending) or meanings.get("*")


def _kind_implied(attributes: dict[str, Any], scope: str) -> str:
    if attributes.get("mcp.method.name") == "tools/call" or "gen_ai.tool.name" in attributes:
        return "tool"
    if "gen_ai.tool.call.id" in attributes:
        return "tool"
    if scope == "pydantic-ai":
        return _kind_in_pydantic_ai(attributes)
    if any(key in attributes for key in _MODEL_KEYS):
        return "llm"
    if attributes.get("logfire.span_type") == "log":
        return "other"
    return "function" if scope.startswith("logfire") else "other"


def _kind_in_pydantic_ai(attributes: dict[str, Any]) -> str:
    """Version 1: agents carry a name, calls of models do too, but say which model was asked for."""
    if "agent_name" in attributes and "gen_ai.request.model" not in attributes:
        return "agent"
    return "llm" if "gen_ai.request.model" in attributes else "chain"
