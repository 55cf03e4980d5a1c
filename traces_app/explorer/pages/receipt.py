"""The receipt of one trace: what it takes, what that cost, and for how long it is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from traces_app.bill import TraceReceipt
from traces_app.domain.durations import DAY_S
from traces_app.explorer.formats import (
    UNKNOWN,
    Moment,
    bytes_text,
    cost_text,
    count_text,
    duration_text,
    moment,
)
from traces_app.explorer.pages.cost import charges_json, part_usd
from traces_app.explorer.visible import visible_line


@dataclass(frozen=True, slots=True)
class SpanLine:
    name: str
    address: str
    size: str
    share: str
    percent: str


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    name: str
    trace_address: str
    would: bool
    region: str
    tiles: list[tuple[str, str]]
    costs: list[tuple[str, str, str]]
    """What for, of this trace, and of a thousand such."""
    expires: Moment | None
    biggest: list[SpanLine]
    is_known: bool


def receipt_page(receipt: TraceReceipt, *, engine: str, region: str, now_ns: int) -> ReceiptPage:
    address = reverse("explorer:trace", args=[receipt.trace_id])
    expires_ns = None if receipt.expires_at is None else receipt.expires_at * 10**9
    return ReceiptPage(
        name=visible_line(receipt.name or "(no name)"),
        trace_address=address,
        would=engine == "sqlite",
        region=region,
        tiles=_tiles(receipt),
        costs=_costs(receipt),
        expires=moment(expires_ns, now_ns=now_ns),
        biggest=[
            SpanLine(
                visible_line(one.name or "(no name)", 80),
                f"{address}/s/{one.span_id}#{one.span_id}",
                bytes_text(one.raw_bytes),
                f"{100 * one.raw_bytes / max(1, receipt.biggest[0].raw_bytes):.1f}%",
                f"{100 * one.raw_bytes / max(1, receipt.raw_bytes):.0f} %",
            )
            for one in receipt.biggest
        ],
        is_known=receipt.metered is not None,
    )


def receipt_json(receipt: TraceReceipt) -> dict[str, Any]:
    """As the page says it; ``null`` is unknown."""
    metered = receipt.metered
    return {
        "trace_id": receipt.trace_id,
        "raw_bytes": receipt.raw_bytes,
        "stored_bytes": receipt.stored_bytes,
        "kept_bytes": metered and metered.kept_bytes,
        "ratio": _ratio(receipt),
        "batches": receipt.batches,
        "write_units": metered and metered.own.write_units,
        "work_ms": metered.own.work_us / 1000 if metered and metered.own.work_us else None,
        "paid": charges_json(receipt.paid),
        "usd_a_month": receipt.usd_a_month,
        "expires_at": receipt.expires_at,
        "biggest": [
            {"span_id": one.span_id, "name": one.name, "raw_bytes": one.raw_bytes} for one in receipt.biggest
        ],
    }


def _ratio(receipt: TraceReceipt) -> float | None:
    return receipt.raw_bytes / receipt.stored_bytes if receipt.stored_bytes else None


def _tiles(receipt: TraceReceipt) -> list[tuple[str, str]]:
    ratio, metered = _ratio(receipt), receipt.metered
    work_ns = metered.own.work_us * 1000 if metered and metered.own.work_us else None
    return [
        ("As JSON", bytes_text(receipt.raw_bytes)),
        ("Packed", bytes_text(receipt.stored_bytes)),
        ("Smaller by", UNKNOWN if ratio is None else f"{ratio:.1f}x"),
        ("Kept, with keys and lists", bytes_text(metered.kept_bytes) if metered else UNKNOWN),
        ("Batches", count_text(receipt.batches)),
        ("Write units", count_text(metered and metered.own.write_units)),
        ("Server's work", duration_text(work_ns)),
    ]


def _costs(receipt: TraceReceipt) -> list[tuple[str, str, str]]:
    paid, monthly = receipt.paid, receipt.usd_a_month
    seconds = receipt.expires_at and receipt.expires_at - receipt.written_ns / 1e9
    until = None if monthly is None or seconds is None else monthly * seconds / (30 * DAY_S)
    costs = {
        "Writing": part_usd(paid, "writes"),
        "Lambda, to take it in": part_usd(paid, "lambda"),
        "Keeping until it expires": until,
        "Keeping for ever, a month": monthly,
    }
    return [
        (label, cost_text(usd), cost_text(None if usd is None else 1000 * usd))
        for label, usd in costs.items()
    ]
