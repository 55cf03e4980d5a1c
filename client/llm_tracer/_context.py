"""What holds for all spans begun in a block: user, session, tags, metadata; and its way to other threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import wraps
from itertools import islice
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar

from llm_tracer._encode import Copy, Cuts, copy
from llm_tracer._foreign import ask, is_given, text_of

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


class Ambient(NamedTuple):
    """What the ``with tracer.context(...)`` round the code says, inner blocks over outer ones."""

    stamp: dict[str, str]
    """``user_id`` and ``session_id``, as far as they were given."""
    tags: tuple[str, ...]
    metadata: tuple[Copy, ...]
    """Mappings; later ones win."""
    cuts: Cuts


MAX_TAGS: Final = 200
"""Of a span; the server keeps no more."""

ambient: ContextVar[Ambient | None] = ContextVar("llm_tracer_context", default=None)
NO_STAMP: Final[Mapping[str, str]] = {}
_NOTHING: Final = Ambient({}, (), (), {})


@contextmanager
def within(
    *, user_id: object, session_id: object, tags: Iterable[str] | None, metadata: Mapping[str, Any] | None
) -> Iterator[None]:
    """Spans begun inside carry what is given, in addition to what outer blocks gave."""
    outer = ambient.get() or _NOTHING
    copied, cuts = _copied(metadata) if is_given(metadata) else ((), {})
    all_tags = tuple(dict.fromkeys((*outer.tags, *texts_of(tags))))
    if len(all_tags) > MAX_TAGS:
        cuts["tags_items"] = len(all_tags) - MAX_TAGS
    inner = Ambient(
        {**outer.stamp, **stamp_of(user_id=user_id, session_id=session_id)},
        all_tags[:MAX_TAGS],
        (*outer.metadata, *copied),
        {**outer.cuts, **cuts},
    )
    token = ambient.set(inner)
    try:
        yield
    finally:
        # A generator that is closed in another context cannot put back what it changed in its own.
        ask(ambient.reset, token, otherwise=None)


def carried(function: Callable[Parameters, Returned]) -> Callable[Parameters, Returned]:
    """``function`` as it would run here and now, for another thread: same open span, same context."""
    context = copy_context()

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Returned:
        # A copy for each call: one context cannot be entered by two threads at once.
        return context.copy().run(function, *args, **kwargs)

    return call


def stamp_of(**members: object) -> dict[str, str]:
    """Short texts by name; ``None`` is left out."""
    return {name: text_of(value) for name, value in members.items() if value is not None}


def texts_of(values: object) -> list[str]:
    """Texts from a text, an iterable of them (which may have no end), or whatever was given instead."""
    if values is None:
        return []
    none: list[object] = []
    given = [values] if isinstance(values, str) else ask(_first_of, values, otherwise=none)
    return [text for text in map(text_of, given) if text]


def _first_of(values: Iterable[object]) -> list[object]:
    return list(islice(values, MAX_TAGS + 1))  # one more tells that there were more


def _copied(metadata: object) -> tuple[tuple[Copy, ...], Cuts]:
    copied, _, cuts = copy(metadata if isinstance(metadata, Mapping) else {"value": metadata})
    return (copied,), {f"metadata_{reason}": count for reason, count in (cuts or {}).items()}
