"""What a span used and what that cost, worked out."""

from __future__ import annotations

from dataclasses import dataclass

from traces_app.domain.pricing import worked_sum
from traces_app.domain.span import Span, Usage
from traces_app.explorer.formats import UNKNOWN, cost_text, count_text
from traces_app.explorer.visible import visible_line


@dataclass(frozen=True, slots=True)
class TokenLine:
    label: str
    tokens: str
    is_part: bool


@dataclass(frozen=True, slots=True)
class CostLine:
    label: str
    tokens: str
    usd_per_million: str
    usd: str


@dataclass(frozen=True, slots=True)
class CostView:
    total: str
    source: str
    prices_of: str
    lines: list[CostLine]
    worked: str


@dataclass(frozen=True, slots=True)
class Share:
    """A piece of the bar of tokens."""

    name: str
    x: str
    width: str
    title: str


def token_lines(usage: Usage | None) -> list[TokenLine]:
    if usage is None:
        return []
    known = [
        TokenLine("Input", count_text(usage.input_tokens), is_part=False),
        TokenLine("from cache", count_text(usage.cache_read_tokens), is_part=True),
        TokenLine("written to cache", count_text(usage.cache_write_tokens), is_part=True),
        TokenLine("audio", count_text(usage.input_audio_tokens), is_part=True),
        TokenLine("Output", count_text(usage.output_tokens), is_part=False),
        TokenLine("reasoning", count_text(usage.reasoning_tokens), is_part=True),
        TokenLine("audio", count_text(usage.output_audio_tokens), is_part=True),
    ]
    return [line for line in known if not line.is_part or line.tokens != UNKNOWN]


def token_shares(usage: Usage | None) -> list[Share]:
    """The parts of input and output side by side, as wide as they are many."""
    if usage is None or not (total := (usage.input_tokens or 0) + (usage.output_tokens or 0)):
        return []
    cached, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
    reasoning = usage.reasoning_tokens or 0
    parts = (
        ("cached", "from cache", cached),
        ("written", "written to cache", written),
        ("input", "input", max(0, (usage.input_tokens or 0) - cached - written)),
        ("reasoning", "reasoning", reasoning),
        ("output", "output", max(0, (usage.output_tokens or 0) - reasoning)),
    )
    shares, x = [], 0.0
    for name, label, tokens in parts:
        width = 100 * tokens / total
        if tokens:
            shares.append(Share(name, f"{x:.2f}%", f"{width:.2f}%", f"{tokens:,} {label}"))
        x += width
    return shares


def cost_view(span: Span) -> CostView | None:
    if span.cost_usd is None:
        return None
    return CostView(
        total=cost_text(span.cost_usd),
        source="sent by the client" if span.cost_source == "reported" else "computed from the price table",
        prices_of=visible_line(str((span.cost_detail or {}).get("prices_of") or "")),
        lines=_cost_lines(span),
        worked=" + ".join(
            f"{line.tokens} {line.label} \N{MULTIPLICATION SIGN} {line.usd_per_million}/M"
            for line in _cost_lines(span)
        ),
    )


def _cost_lines(span: Span) -> list[CostLine]:
    rates = (span.cost_detail or {}).get("usd_per_million")
    if span.usage is None or not isinstance(rates, dict):
        return []
    return [
        CostLine(line.label, f"{line.tokens:,}", f"${line.usd_per_million:g}", cost_text(line.usd))
        for line in worked_sum(span.usage, rates)
    ]
