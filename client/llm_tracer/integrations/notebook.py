"""A trace at a glance, in a notebook.

from llm_tracer.integrations.notebook import trace_summary

trace_summary(tracer, trace)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote, urlsplit

from llm_tracer._client import SyncTracerClient
from llm_tracer._span import Span

__all__ = ["TraceSummary", "trace_summary"]

MAX_ROWS: Final = 60
TIMEOUT_SECONDS: Final = 5.0
DELIVERY_SECONDS: Final = 10.0
"""A cell can wait for what it is to show."""

MAX_PREVIEW_CHARACTERS: Final = 300
_INDENT_EM: Final = 1.2
_MS_PER_SECOND: Final = 1_000
_COLUMNS: Final = ("span", "kind", "model", "time", "tokens", "cost")
_LEFT: Final = "text-align:left;padding:2px 12px 2px 0;white-space:nowrap"


def trace_summary(tracer: SyncTracerClient, trace: Span | str | None = None) -> TraceSummary:
    """What the server knows of ``trace`` (a span of it, or its id), else of the newest trace of the project.

    Delivers what is queued first. Raises nothing: a summary that could not be read says why.
    """
    try:
        tracer.flush(DELIVERY_SECONDS)
        trace_id = trace.trace_id if isinstance(trace, Span) else trace
        trace_id = trace_id or _newest(tracer)
        return TraceSummary(
            _read(tracer, f"/api/v1/traces/{quote(trace_id, safe='')}"), url=_url(tracer, trace_id)
        )
    except Exception as error:  # noqa: BLE001 - a cell shows what is wrong, the notebook goes on
        return TraceSummary(
            {}, url=f"{tracer.base_url}/dashboard/", problem=f"{type(error).__name__}: {error}"
        )


class TraceSummary:
    """A table of spans in notebooks, text elsewhere. ``trace`` and ``spans`` are as the read API has them."""

    def __init__(self, document: Mapping[str, Any], *, url: str, problem: str = "") -> None:
        self.trace: dict[str, Any] = document.get("trace") or {}
        self.spans: list[dict[str, Any]] = document.get("spans") or []
        self.url = url
        self.problem = problem
        """Why the trace could not be read; empty if it could."""

    def __repr__(self) -> str:
        if self.problem:
            return f"no trace: {self.problem}"
        lines = [f"{_title(self.trace)}  {self.url}"]
        lines += [
            "  " * span["depth"] + "  ".join(filter(None, _cells(span))) for span in self.spans[:MAX_ROWS]
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """HTML of which every text is escaped: what models say is not trusted."""
        if self.problem:
            return f"<p>No trace to show: {escape(self.problem)}</p>"
        head = "".join(f'<th style="{_LEFT}">{name}</th>' for name in _COLUMNS)
        rows = "".join(map(_row, self.spans[:MAX_ROWS]))
        return (
            f"<p>{self._link()}</p>{_preview('asked', self.trace)}{_preview('answered', self.trace)}"
            f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{self._rest()}"
        )

    def _link(self) -> str:
        title = escape(_title(self.trace))
        if urlsplit(self.url).scheme not in ("http", "https"):
            return f"<b>{title}</b>"
        return (
            f'<b>{title}</b> · <a href="{escape(self.url)}" target="_blank" rel="noopener">open the trace</a>'
        )

    def _rest(self) -> str:
        more = len(self.spans) - MAX_ROWS
        return f"<p>{more:,} more spans are on the trace's page.</p>" if more > 0 else ""


def _newest(tracer: SyncTracerClient) -> str:
    traces = _read(tracer, "/api/v1/traces?limit=1")["traces"]
    if not traces:
        raise LookupError("the project has no traces yet")
    return str(traces[0]["trace_id"])


def _read(tracer: SyncTracerClient, path: str) -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - only who asks pays for it

    headers = {"X-API-Key": tracer.api_key} if tracer.api_key else {}
    answer = httpx.get(tracer.base_url + path, headers=headers, timeout=TIMEOUT_SECONDS)
    if not answer.is_success:
        raise LookupError(f"{tracer.base_url} answered {answer.status_code}")
    document: dict[str, Any] = json.loads(answer.content)
    return document


def _url(tracer: SyncTracerClient, trace_id: str) -> str:
    return f"{tracer.base_url}/dashboard/t/{quote(trace_id, safe='')}"


def _title(trace: Mapping[str, Any]) -> str:
    facts = (trace.get("name"), trace.get("status"), *_numbers(trace, trace.get("total_tokens")))
    return " · ".join(str(fact) for fact in facts if fact)


def _cells(span: Mapping[str, Any]) -> tuple[str, ...]:
    usage = span.get("usage") or {}
    counts = [usage.get("input_tokens"), usage.get("output_tokens")]
    tokens = " → ".join("?" if count is None else f"{count:,}" for count in counts) if any(counts) else ""
    name = f"{span['name']} ({span['status']})" if span.get("status") not in ("ok", None) else span["name"]
    return (str(name), str(span.get("kind") or ""), str(span.get("model") or ""), *_numbers(span, tokens))


def _numbers(facts: Mapping[str, Any], tokens: Any) -> tuple[str, str, str]:
    """Time, tokens and cost; what is unknown is empty, never 0."""
    duration_ms, cost_usd = facts.get("duration_ms"), facts.get("cost_usd")
    time = "" if duration_ms is None else _duration(duration_ms)
    shown = f"{tokens:,} tokens" if isinstance(tokens, int) else str(tokens or "")
    return time, shown, "" if cost_usd is None else f"${cost_usd:.6f}"


def _duration(duration_ms: float) -> str:
    return (
        f"{duration_ms:.3g} ms" if duration_ms < _MS_PER_SECOND else f"{duration_ms / _MS_PER_SECOND:.2f} s"
    )


def _row(span: Mapping[str, Any]) -> str:
    first, *others = map(escape, _cells(span))
    indent = f"padding-left:{span['depth'] * _INDENT_EM:.1f}em"
    cells = f'<td style="{_LEFT};{indent}">{first}</td>'
    return f"<tr>{cells}" + "".join(f'<td style="{_LEFT}">{cell}</td>' for cell in others) + "</tr>"


def _preview(word: str, trace: Mapping[str, Any]) -> str:
    text = trace.get("input_preview" if word == "asked" else "output_preview")
    return f"<p>{word}: {escape(str(text)[:MAX_PREVIEW_CHARACTERS])}</p>" if text else ""
