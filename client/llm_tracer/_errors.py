"""What a span says of an exception: type, message, stack trace and causes, each bounded."""

from __future__ import annotations

from typing import Any, Final

from llm_tracer._encode import whole_text
from llm_tracer._foreign import ask

MAX_MESSAGE_CHARACTERS: Final = 8_000
MAX_STACKTRACE_CHARACTERS: Final = 16_000
MAX_CAUSES: Final = 8

_INTERRUPTIONS: Final = (GeneratorExit, KeyboardInterrupt, SystemExit)
_CANCELLED_NAMES: Final = frozenset({"CancelledError", "Cancelled"})
"""Of asyncio, concurrent.futures, trio: known by name, so that none of them is imported."""


def is_cancellation(exception: BaseException) -> bool:
    """True if somebody stopped the work, which is not a failure of it."""
    if isinstance(exception, _INTERRUPTIONS):
        return True
    return any(base.__name__ in _CANCELLED_NAMES for base in type(exception).__mro__)


def describe_exception(exception: BaseException) -> dict[str, Any]:
    """``{type, message, stacktrace, causes: [{type, message}]}``."""
    described: dict[str, Any] = _type_and_message(exception)
    described["stacktrace"] = ask(_stacktrace, exception, otherwise="")
    causes = _causes(exception)
    if causes:
        described["causes"] = [_type_and_message(cause) for cause in causes]
    return described


def message_of(error: object) -> str:
    """The text of an exception, or of whatever was given as an error."""
    return _cut_middle(ask(str, error, otherwise=f"<{type(error).__name__}>"), MAX_MESSAGE_CHARACTERS)


def _type_and_message(exception: BaseException) -> dict[str, Any]:
    kind = type(exception)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return {"type": f"{module}{kind.__qualname__}", "message": message_of(exception)}


def _stacktrace(exception: BaseException) -> str:
    import traceback  # noqa: PLC0415 - only failing spans pay for it

    lines = traceback.format_exception(type(exception), exception, exception.__traceback__, chain=False)
    return _cut_middle("".join(lines), MAX_STACKTRACE_CHARACTERS)


def _causes(exception: BaseException) -> list[BaseException]:
    """The chain of causes, and the members of an exception group; each once."""
    found: list[BaseException] = []
    waiting = [exception]
    while waiting and len(found) <= MAX_CAUSES:
        current = waiting.pop(0)
        if not any(current is known for known in found):
            found.append(current)
            waiting += _direct_causes(current)
    return found[1 : MAX_CAUSES + 1]


def _direct_causes(exception: BaseException) -> list[BaseException]:
    context = None if exception.__suppress_context__ else exception.__context__
    causes = [exception.__cause__ or context, *getattr(exception, "exceptions", ())]
    return [cause for cause in causes if isinstance(cause, BaseException)]


def _cut_middle(text: str, limit: int) -> str:
    """Both ends say most: where it began, and what was raised."""
    text = whole_text(text)
    if len(text) <= limit:
        return text
    head = limit // 4
    return f"{text[:head]}\n… [cut: {len(text) - limit:,} characters]\n{text[head - limit :]}"
