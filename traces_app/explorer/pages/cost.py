"""The bill of a month: what keeping the traces costs, and beside it what their models did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.urls import reverse

from traces_app.bill import Bill, Month, month_named, month_of
from traces_app.domain.aws_prices import PRICES_AS_OF
from traces_app.domain.bill import DAY_H, Charges, ModelSpend, Used
from traces_app.domain.durations import HOUR_NS, HOUR_S
from traces_app.explorer.formats import Moment, bytes_text, cost_text, count_text, moment, plural
from traces_app.explorer.pages.charts import Chart, Series, bar_chart
from traces_app.explorer.pages.links import Link

MONTHS_OFFERED: Final = 6
LINES: Final = {"writes": "Writes", "reads": "Reads", "storage": "Storage", "lambda": "Lambda"}
_STYLES: Final = ("first", "second", "third", "good")


@dataclass(frozen=True, slots=True)
class BillLine:
    name: str
    used: str
    price: str
    spent: str
    forecast: str


@dataclass(frozen=True, slots=True)
class ProjectLine:
    name: str
    address: str
    traces: str
    spent: str
    forecast: str
    models: str


@dataclass(frozen=True, slots=True)
class CostPage:
    """``would`` is true where nothing is charged, because the store is a local file."""

    month: str
    months: list[Link]
    is_over: bool
    would: bool
    region: str
    prices_as_of: str
    tiles: list[tuple[str, str]]
    lines: list[BillLine]
    total: BillLine
    chart: Chart
    models: list[tuple[str, str]]
    model_chart: Chart
    projects: list[ProjectLine]
    notes: list[str]


def cost_page(
    bill: Bill, all_bills: Sequence[Bill], *, month: Month, engine: str, region: str, now_ns: int
) -> CostPage:
    """``all_bills`` are those of the projects that the visitor may see."""
    models = bill.ledger.total_models()
    is_over = month.end_hour * HOUR_NS <= now_ns
    return CostPage(
        month=_month_text(month),
        months=_months(month, now_ns),
        is_over=is_over,
        would=engine == "sqlite",
        region=region,
        prices_as_of=PRICES_AS_OF,
        tiles=[
            ("Forecast for the month", cost_text(total_usd(bill.forecast))),
            ("So far", cost_text(total_usd(bill.spent))),
            ("Per 1,000 traces", cost_text(bill.usd_per_1000_traces)),
            ("Traces", count_text(models.traces)),
            ("Kept at its end" if is_over else "Kept now", bytes_text(bill.ledger.kept_bytes)),
        ],
        lines=_lines(bill),
        total=BillLine(
            "Together", "", "", cost_text(total_usd(bill.spent)), cost_text(total_usd(bill.forecast))
        ),
        chart=_chart(bill, now_ns),
        models=_model_tiles(bill, models),
        model_chart=_model_chart(bill, now_ns),
        projects=[_project(one, month) for one in all_bills] if len(all_bills) > 1 else [],
        notes=_notes(bill),
    )


def bill_json(bill: Bill) -> dict[str, Any]:
    models = bill.ledger.total_models()
    used = bill.ledger.total_used()
    return {
        "project": bill.project,
        "month": bill.month.name,
        "used": used.consumed._asdict() | {"gb_months": used.gb_months, "kept_bytes": bill.ledger.kept_bytes},
        "spent": charges_json(bill.spent),
        "forecast": charges_json(bill.forecast),
        "usd_per_1000_traces": bill.usd_per_1000_traces,
        "days": [
            {"day": day, "spent": charges_json(bill.price(one)), "traces": _models_of(bill, day).traces}
            for day, one in sorted(bill.ledger.used.items())
        ],
        "models": {
            "traces": models.traces,
            "cost_usd": models.cost_usd,
            "forecast_usd": bill.ledger.forecast_model_usd,
            "unpriced_count": models.unpriced,
        },
        "unmetered_batches": bill.ledger.unmetered,
        "lossy_hours": bill.lossy_hours,
        "is_complete": bill.is_complete,
    }


def charges_json(charges: Charges | None) -> dict[str, float] | None:
    if charges is None:
        return None
    return {f"{name}_usd": getattr(charges, f"{name}_usd") for name in (*LINES, "total")}


def _lines(bill: Bill) -> list[BillLine]:
    spent, forecast, prices = bill.spent, bill.forecast, bill.prices
    used = bill.ledger.total_used()
    gb_seconds = used.consumed.work_us / 1e6 * bill.memory_mb / 1024
    told = {
        "writes": (f"{plural(used.consumed.write_units, 'unit')}", "${0.write_usd_per_million:g} a million"),
        "reads": (f"{used.consumed.read_halves / 2:,g} units", "${0.read_usd_per_million:g} a million"),
        "storage": (_gb_months_text(used.gb_months), "${0.stored_usd_per_gb_month:g} a GB and month"),
        "lambda": (
            f"{plural(used.consumed.requests, 'request')}, {gb_seconds:,.1f} GB-seconds",
            "${0.lambda_usd_per_million:.2f} a million, ${0.lambda_usd_per_gb_s:.10f} a GB-second",
        ),
    }
    return [
        BillLine(
            LINES[name],
            used_text,
            price.format(prices) if prices else "",
            cost_text(part_usd(spent, name)),
            cost_text(part_usd(forecast, name)),
        )
        for name, (used_text, price) in told.items()
    ]


def _gb_months_text(gb_months: float) -> str:
    return "< 0.000001 GB-months" if 0 < gb_months < 0.000001 else f"{gb_months:.6f} GB-months"  # noqa: PLR2004


def _chart(bill: Bill, now_ns: int) -> Chart:
    days = _days(bill.month)
    charges = [bill.price(bill.ledger.used.get(day, Used())) for day in days]
    series = [
        Series(label, style, [part_usd(one, name) for one in charges])
        for (name, label), style in zip(LINES.items(), _STYLES, strict=True)
    ]
    summary = f"{cost_text(total_usd(bill.spent))} in all, by day"
    return bar_chart("Cost of keeping", series, _moments(bill.month, now_ns), cost_text, summary=summary)


def _model_chart(bill: Bill, now_ns: int) -> Chart:
    values = [_models_of(bill, day).cost_usd for day in _days(bill.month)]
    summary = f"{cost_text(bill.ledger.total_models().cost_usd)} in all, by day"
    return bar_chart(
        "Model spend",
        [Series("models", "first", values)],
        _moments(bill.month, now_ns),
        cost_text,
        summary=summary,
    )


def _model_tiles(bill: Bill, models: ModelSpend) -> list[tuple[str, str]]:
    unpriced = f" and {plural(models.unpriced, 'call')} without a price" if models.unpriced else ""
    per = None if models.cost_usd is None or not models.traces else 1000 * models.cost_usd / models.traces
    return [
        ("Forecast for the month", cost_text(bill.ledger.forecast_model_usd)),
        ("So far", f"{cost_text(models.cost_usd)}{unpriced}"),
        ("Per 1,000 traces", cost_text(per)),
    ]


def _project(bill: Bill, month: Month) -> ProjectLine:
    models = bill.ledger.total_models()
    return ProjectLine(
        name=bill.project,
        address=f"{reverse('explorer:cost')}?project={bill.project}&month={month.name}",
        traces=count_text(models.traces),
        spent=cost_text(total_usd(bill.spent)),
        forecast=cost_text(total_usd(bill.forecast)),
        models=cost_text(models.cost_usd),
    )


def _notes(bill: Bill) -> list[str]:
    notes = []
    if not bill.is_complete:
        notes.append("Not all hours are added up yet: look again.")
    if bill.ledger.unmetered:
        count = f"{bill.ledger.unmetered:,}"
        notes.append(f"Batches of an earlier version ({count}) noted nothing: what they cost is not known.")
    if bill.lossy_hours:
        hours = plural(bill.lossy_hours, "hour")
        notes.append(f"Traces of {hours} may have expired before they were added up: the bill was higher.")
    return notes


def _models_of(bill: Bill, day: int) -> ModelSpend:
    return bill.ledger.models.get(day, ModelSpend())


def part_usd(charges: Charges | None, name: str) -> float | None:
    return None if charges is None else float(getattr(charges, f"{name}_usd"))


def total_usd(charges: Charges | None) -> float | None:
    return part_usd(charges, "total")


def _days(month: Month) -> range:
    return range(1, month.hours // DAY_H + 1)


def _moments(month: Month, now_ns: int) -> list[Moment | None]:
    hours = range(month.first_hour, month.end_hour, DAY_H)
    return [moment(hour * HOUR_NS, now_ns=now_ns) for hour in hours]


def _months(shown: Month, now_ns: int) -> list[Link]:
    """The newest first, and the one that is shown."""
    month, links = month_of(now_ns), []
    for _ in range(MONTHS_OFFERED):
        links.append(month)
        month = month_of((month.first_hour - 1) * HOUR_NS)
    if shown.name not in {one.name for one in links}:
        links.append(month_named(shown.name))
    return [Link(_month_text(one), f"?month={one.name}", is_current=one.name == shown.name) for one in links]


def _month_text(month: Month) -> str:
    return f"{datetime.fromtimestamp(month.first_hour * HOUR_S, UTC):%b %Y}"
