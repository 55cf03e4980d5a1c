"""How traces were made: models, parameters, prompts. What differs is what to look at first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from traces_app.domain.chat import read_messages
from traces_app.domain.span import Span
from traces_app.domain.summary import prompt_label
from traces_app.explorer.pages.compare_text import FieldDiff, diff_of
from traces_app.explorer.pages.content import pretty
from traces_app.explorer.visible import visible_line
from traces_app.queries import Trace

CALLS_READ: Final = 12
"""Calls of models of each trace that are unpacked: their first ones tell how it was set up."""

MISSING: Final = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Change:
    """``values`` by trace; ``diff`` instead for texts too long to stand side by side."""

    label: str
    values: list[str]
    diff: FieldDiff | None = None


def changes_between(traces: Sequence[Trace]) -> list[Change]:
    """Only what is not the same in all."""
    configs = [_config(trace) for trace in traces]
    labels = dict.fromkeys(label for config in configs for label in config)
    changes = []
    for label in labels:
        values = [config.get(label) for config in configs]
        if any(value != values[0] for value in values):
            changes.append(_change(label, values))
    return changes


def _change(label: str, values: Sequence[str | None]) -> Change:
    if label == "System prompt" and values[0] and values[1]:
        return Change(label, [], diff_of(label, values[0], values[1]))
    return Change(label, [MISSING if value is None else visible_line(value, 300) for value in values])


def _config(trace: Trace) -> dict[str, str]:
    calls = [row for row in trace.rows if row.span.kind == "llm"][:CALLS_READ]
    spans = [trace.span(row.span.span_id) for row in calls]
    found = {
        "Models": _joined(row.span.model for row in trace.rows),
        "Release": trace.summary.release,
        "Environment": trace.summary.environment,
        "Prompt": _joined(prompt_label(span) for span in spans),
        **_parameters(spans),
        "Tools offered": _joined(_tool_names(span) for span in spans),
        "System prompt": next((text for span in spans if (text := _system_prompt(span))), None),
    }
    return {label: value for label, value in found.items() if value}


def _joined(values: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(value for value in values if value))


def _parameters(spans: Sequence[Span]) -> dict[str, str]:
    """Each parameter with the different values it had."""
    names = dict.fromkeys(name for span in spans for name in span.parameters or {})
    return {
        f"Parameter {visible_line(str(name), 60)}": _joined(
            pretty(span.parameters[name]) for span in spans if span.parameters and name in span.parameters
        )
        for name in names
    }


def _tool_names(span: Span) -> str:
    definitions: Any = (span.tool or {}).get("definitions")
    if not isinstance(definitions, list):
        return ""
    inner = [one.get("function", one) for one in definitions if isinstance(one, dict)]
    return ", ".join(str(one.get("name")) for one in inner if isinstance(one, dict))


def _system_prompt(span: Span) -> str:
    messages = read_messages(span.input) or []
    system = next((one for one in messages if one.role in ("system", "developer")), None)
    return "\n".join(pretty(part.value) for part in system.parts) if system else ""
