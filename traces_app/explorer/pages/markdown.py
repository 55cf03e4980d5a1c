"""A trace as Markdown: for an issue, a chat, or another model. Nothing of it can leave its fence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from traces_app.domain.chat import MEDIA, Message, Part, read_messages
from traces_app.domain.span import Span
from traces_app.domain.tree import TreeRow
from traces_app.explorer.formats import cost_text, count_text, duration_text, moment, tokens_text
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.visible import visible, visible_line
from traces_app.queries import Trace

MAX_TEXT_CHARACTERS: Final = 100_000
MAX_OUTLINE_ROWS: Final = 2000
_TICKS: Final = re.compile(r"`{3,}")
_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>#|~])")


def trace_markdown(trace: Trace, *, now_ns: int) -> Iterator[str]:
    summary = trace.summary
    yield f"# {_plain(summary.name or '(no name)')}\n\n"
    started = moment(summary.start_ns, now_ns=now_ns)
    facts = {
        "Trace": f"`{summary.trace_id}`",
        "Status": summary.status,
        "Started": started.iso if started else "not sent",
        "Duration": duration_text(None if summary.duration_ms is None else summary.duration_ms * 1e6),
        "Tokens": tokens_text(summary.input_tokens, summary.output_tokens),
        "Cost": cost_text(summary.cost_usd),
        "Spans": count_text(len(trace.rows)),
        "Errors": count_text(summary.error_count),
    }
    yield "".join(f"- {label}: {value}\n" for label, value in facts.items())
    yield "\n## Outline\n\n"
    yield from (_outline(row) for row in trace.rows[:MAX_OUTLINE_ROWS])
    for span in trace.spans():
        yield from _span(span)


def span_markdown(span: Span) -> str:
    return "".join(_span(span)).lstrip()


def _outline(row: TreeRow) -> str:
    mark = "" if row.span.status == "ok" else f" **{row.span.status}**"
    name = _plain(row.span.display_name or row.span.name)
    return f"{'  ' * min(row.depth, 20)}- {row.span.kind}: {name}, {duration_text(row.duration_ns)}{mark}\n"


def _span(span: Span) -> Iterator[str]:
    yield f"\n## {span.kind}: {_plain(span.display_name or span.name)}\n\n"
    yield f"`{span.span_id}` · {span.status} · {duration_text(span.duration_ns)}"
    if span.model:
        yield f" · {_plain(span.model)}"
    if span.usage:
        yield f" · {tokens_text(span.usage.input_tokens, span.usage.output_tokens)} tokens"
    if span.cost_usd is not None:
        yield f" · {cost_text(span.cost_usd)}"
    yield "\n"
    if span.error:
        yield f"\n### Error\n\n{_fenced(_error_text(span.error))}"
    for title, value in (("Input", span.input), ("Output", span.output)):
        if value is not None:
            yield f"\n### {title}\n\n"
            yield from _value(value)


def _value(value: Any) -> Iterator[str]:
    messages = read_messages(value)
    if messages is None:
        yield _fenced(pretty(value), "" if isinstance(value, str) else "json")
    else:
        yield from (_message(message) for message in messages)


def _message(message: Message) -> str:
    parts = "\n".join(_part(part) for part in message.parts) or "(no content)\n"
    return f"**{_plain(message.role)}**\n\n{parts}\n"


def _part(part: Part) -> str:
    if part.kind in MEDIA:
        return f"({part.kind})\n"
    title = {"tool_call": f"calls {part.name}", "tool_result": "result", "reasoning": "reasoning"}.get(
        part.kind
    )
    body = _fenced(pretty(part.value), "" if isinstance(part.value, str) else "json")
    return f"*{_plain(title)}*\n\n{body}" if title else body


def _error_text(error: dict[str, Any]) -> str:
    first = ": ".join(str(error[key]) for key in ("type", "message") if error.get(key))
    return "\n".join(filter(None, (first, str(error.get("stacktrace") or ""))))


def _fenced(text: str, language: str = "") -> str:
    """A fence longer than any in the text."""
    text = visible(text[:MAX_TEXT_CHARACTERS]) + ("\n… (cut)" if len(text) > MAX_TEXT_CHARACTERS else "")
    fence = "`" * max(3, *(len(ticks) + 1 for ticks in _TICKS.findall(text)), 3)
    return f"{fence}{language}\n{text}\n{fence}\n"


def _plain(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", visible_line(text))
