"""What LangChain hands to callbacks, as plain values that read well."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from langchain_core.documents import Document
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import Generation, LLMResult
from langchain_core.prompt_values import PromptValue

from llm_tracer.integrations._endpoint import Answer, known, listed, mapped
from llm_tracer.integrations._openai_chat import usage_of

MAX_DEPTH: Final = 8
"""Of states and outputs in which messages are looked for; what is nested deeper is kept as it is."""

_ROLES: Final = {"human": "user", "ai": "assistant"}
_PAIR_ROLES: Final = ("human", "user", "ai", "assistant", "system")
_NOT_PARAMETERS: Final = frozenset(
    {"model", "model_name", "_type", "stream", "tools", "functions", "messages"}
)


def readable(value: Any, depth: int = 0) -> Any:
    """The value with its messages and documents in the shapes that the trace page knows."""
    for kind, read in _READERS.items():
        if isinstance(value, kind):
            return read(value)
    if type(value) is dict and depth < MAX_DEPTH:
        return {key: readable(item, depth + 1) for key, item in value.items()}
    if _is_pair(value):
        return {"role": _ROLES.get(value[0], value[0]), "content": value[1]}
    if type(value) in (list, tuple) and depth < MAX_DEPTH:
        return [readable(item, depth + 1) for item in value]
    return value


def _is_pair(value: Any) -> bool:
    """``("user", "hello")`` is a message too."""
    return type(value) is tuple and len(value) == 2 and value[0] in _PAIR_ROLES and isinstance(value[1], str)  # noqa: PLR2004


def message(given: BaseMessage) -> dict[str, Any]:
    """``{role, content, tool_calls, ...}`` as OpenAI has it."""
    role = getattr(given, "role", None) or _ROLES.get(
        given.type.removesuffix("MessageChunk").lower(), given.type
    )
    told: dict[str, Any] = {"role": role, "content": given.content}
    if isinstance(given, ToolMessage):
        told["tool_call_id"] = given.tool_call_id
    if isinstance(given, AIMessage) and given.tool_calls:
        told["tool_calls"] = [_tool_call(mapped(call)) for call in given.tool_calls]
        told["content"] = _without_tool_calls(given.content)
    reasoning = given.additional_kwargs.get("reasoning_content")
    return told | known(name=given.name, reasoning_content=reasoning)


def document(given: Document) -> dict[str, Any]:
    """``{content, metadata, id}``."""
    return known(content=given.page_content, metadata=given.metadata or None, id=getattr(given, "id", None))


def answer(result: LLMResult) -> Answer:
    """What the model said, how it ended and what it used."""
    generations = result.generations[0] if result.generations else []
    said = [_said(generation) for generation in generations]
    first = getattr(generations[0], "message", None) if generations else None
    output = mapped(result.llm_output)
    about = mapped(getattr(first, "response_metadata", None))
    info = mapped(generations[0].generation_info if generations else None)
    return Answer(
        output=said[0] if len(said) == 1 else said or None,
        model=about.get("model_name") or about.get("model") or output.get("model_name"),
        usage=_usage(first, output),
        metadata=known(
            finish_reason=about.get("finish_reason") or about.get("stop_reason") or info.get("finish_reason"),
            response_id=about.get("id") or getattr(first, "id", None),
        ),
    )


def parameters(invocation: Mapping[str, Any]) -> dict[str, Any]:
    """Of the call, without the model and the tools."""
    return {
        name: value for name, value in invocation.items() if name not in _NOT_PARAMETERS and value is not None
    }


def tools(invocation: Mapping[str, Any]) -> list[Any]:
    return listed(invocation.get("tools")) or listed(invocation.get("functions"))


def _tool_call(call: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": call.get("name"), "arguments": call.get("args")}
    return {"id": call.get("id"), "type": "function", "function": function}


def _without_tool_calls(content: Any) -> Any:
    """Anthropic's content has the calls as blocks, which stand beside it already."""
    if not isinstance(content, list):
        return content
    return [part for part in content if mapped(part).get("type") not in ("tool_use", "input_json_delta")]


def _said(generation: Generation) -> dict[str, Any]:
    given = getattr(generation, "message", None)
    return message(given) if given is not None else {"role": "assistant", "content": generation.text}


def _usage(given: Any, llm_output: Mapping[str, Any]) -> dict[str, int | None]:
    """LangChain's own counts, which are inclusive, else what the provider's package left."""
    usage = mapped(getattr(given, "usage_metadata", None))
    if not usage:
        return usage_of(mapped(llm_output.get("token_usage")))
    asked, said = mapped(usage.get("input_token_details")), mapped(usage.get("output_token_details"))
    return {
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cache_read_tokens": asked.get("cache_read"),
        "cache_write_tokens": asked.get("cache_creation"),
        "input_audio_tokens": asked.get("audio"),
        "reasoning_tokens": said.get("reasoning"),
        "output_audio_tokens": said.get("audio"),
    }


_READERS: Final[dict[type, Callable[[Any], Any]]] = {
    BaseMessage: message,
    Document: document,
    PromptValue: lambda prompt: [message(one) for one in prompt.to_messages()],
}
