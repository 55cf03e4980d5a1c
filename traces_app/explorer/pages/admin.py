"""What a project is run by: its keys, its prices, how long it keeps what, and who changed what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from traces_app.access import KeyRecord
from traces_app.audit import Entry
from traces_app.domain.budget import Budget
from traces_app.domain.pricing import PRICE_LABELS, OwnPrice
from traces_app.domain.retention import Retention, Rule, days_text
from traces_app.erasing import Erasure, Line
from traces_app.explorer.formats import Moment, bytes_text, moment, plural
from traces_app.explorer.pages.budget import BudgetPanel
from traces_app.explorer.pages.forms import FORMS, Form
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor

MAX_ERASURES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class KeyLine:
    key_id: str
    label: str
    scope: str
    created: Moment | None
    revoked: Moment | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class PriceLine:
    model: str
    since: Moment | None
    since_ns: int
    rates: list[tuple[str, str]]
    """By label; empty where there is none."""


@dataclass(frozen=True, slots=True)
class RuleLine:
    """``list_query`` shows in the list what the rule holds for."""

    name: str
    condition: str
    days: str
    list_query: str


@dataclass(frozen=True, slots=True)
class ErasureLine:
    erasure_id: str
    what: str
    started: Moment | None
    who: str
    is_over: bool
    sums: str


@dataclass(frozen=True, slots=True)
class ErasedLine:
    trace_id: str
    spans: str
    items: str
    size: str


@dataclass(frozen=True, slots=True)
class AdminPage:
    project: str
    may_write: bool
    keys: list[KeyLine]
    listed_keys: str
    prices: list[PriceLine]
    price_labels: list[tuple[str, str]]
    rules: list[RuleLine]
    rest: str
    budget: BudgetPanel
    erasures: list[ErasureLine]
    engine: str
    projects: list[str]
    forms: Mapping[str, Form]
    """By the name of their address."""


@dataclass(frozen=True, slots=True)
class AuditLine:
    at: Moment | None
    who: str
    action: str
    detail: str


@dataclass(frozen=True, slots=True)
class Administered:
    """What is stored for a project beside its traces."""

    keys: Sequence[KeyRecord]
    listed_keys: int
    prices: Sequence[OwnPrice]
    kept: Retention
    budget: Budget
    erasures: Sequence[Erasure]
    engine: str


def admin_page(found: Administered, *, visitor: Visitor, budget: BudgetPanel) -> AdminPage:
    kept = found.kept
    return AdminPage(
        project=visitor.project,
        may_write=visitor.may_write,
        keys=[_key(key, visitor) for key in reversed(found.keys)],
        listed_keys=_listed(found.listed_keys),
        prices=[_price(price, visitor.now_ns) for price in found.prices],
        price_labels=[(label.replace(" ", "_"), label) for label in PRICE_LABELS],
        rules=[_rule(rule) for rule in sorted(kept.rules, key=lambda rule: rule.condition)],
        rest=days_text(kept.rest_days),
        budget=budget,
        erasures=[erasure_line(one, now_ns=visitor.now_ns) for one in found.erasures[:MAX_ERASURES_SHOWN]],
        engine={"sqlite": "a local SQLite file", "dynamodb": "DynamoDB"}.get(found.engine, found.engine),
        projects=list(visitor.projects),
        forms=FORMS
        | {
            "set_rest": FORMS["set_rest"].filled(
                {"days": "forever" if kept.rest_days is None else str(kept.rest_days)}
            ),
            "set_budget": FORMS["set_budget"].filled(budget.typed),
        },
    )


def audit_lines(entries: Sequence[Entry], *, now_ns: int) -> list[AuditLine]:
    return [
        AuditLine(
            at=moment(entry.at_ns, now_ns=now_ns),
            who=visible_line(entry.who),
            action=visible_line(entry.action),
            detail=visible_line(entry.detail, 500),
        )
        for entry in entries
    ]


def erasure_line(erasure: Erasure, *, now_ns: int) -> ErasureLine:
    subject = erasure.subject if erasure.kind == "trace" else f"whose id has the digest {erasure.subject}"
    return ErasureLine(
        erasure_id=erasure.erasure_id,
        what=f"{erasure.kind} {subject}",
        started=moment(erasure.started_at_ns, now_ns=now_ns),
        who=visible_line(erasure.who),
        is_over=erasure.ended_at_ns is not None,
        sums=f"{plural(erasure.traces, 'trace')}, {plural(erasure.spans, 'span')}, "
        f"{plural(erasure.items, 'item')}, {bytes_text(erasure.size_bytes)}",
    )


def erased_lines(lines: Sequence[Line]) -> list[ErasedLine]:
    return [
        ErasedLine(line.trace_id, f"{line.spans:,}", f"{line.items:,}", bytes_text(line.size_bytes))
        for line in lines
    ]


def _rule(rule: Rule) -> RuleLine:
    return RuleLine(
        name=visible_line(rule.name, 100),
        condition=visible_line(rule.condition, 300),
        days=days_text(rule.days),
        list_query=urlencode({"q": rule.condition}),
    )


def _key(key: KeyRecord, visitor: Visitor) -> KeyLine:
    return KeyLine(
        key_id=key.key_id,
        label=visible_line(key.label),
        scope=key.scope,
        created=moment(key.created_at_ns, now_ns=visitor.now_ns),
        revoked=moment(key.revoked_at_ns, now_ns=visitor.now_ns),
        is_own=key.key_id == visitor.key_id,
    )


def _listed(count: int) -> str:
    if not count:
        return ""
    return f"{plural(count, 'key')} more in the setting API_KEYS, which is where to change them."


def _price(price: OwnPrice, now_ns: int) -> PriceLine:
    known = price.usd_per_million
    return PriceLine(
        model=visible_line(price.model),
        since=moment(price.since_ns, now_ns=now_ns) if price.since_ns else None,
        since_ns=price.since_ns,
        rates=[(label, f"${known[label]:g}" if label in known else "") for label in PRICE_LABELS],
    )
