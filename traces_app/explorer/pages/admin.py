"""What a project is run by: its keys, its prices, how long it keeps what, and who changed what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from traces_app.access import KeyRecord
from traces_app.audit import Entry
from traces_app.domain.pricing import PRICE_LABELS, OwnPrice
from traces_app.explorer.formats import Moment, moment, plural
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor


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
    rates: list[str]


@dataclass(frozen=True, slots=True)
class AdminPage:
    project: str
    may_write: bool
    keys: list[KeyLine]
    listed_keys: str
    prices: list[PriceLine]
    price_labels: list[tuple[str, str]]
    retention: str
    engine: str
    projects: list[str]


@dataclass(frozen=True, slots=True)
class AuditLine:
    at: Moment | None
    who: str
    action: str
    detail: str


def admin_page(
    keys: Sequence[KeyRecord],
    prices: Sequence[OwnPrice],
    *,
    visitor: Visitor,
    listed_keys: int,
    retention_days: int,
    engine: str,
) -> AdminPage:
    return AdminPage(
        project=visitor.project,
        may_write=visitor.may_write,
        keys=[_key(key, visitor) for key in reversed(keys)],
        listed_keys=_listed(listed_keys),
        prices=[_price(price, visitor.now_ns) for price in prices],
        price_labels=[(label.replace(" ", "_"), label) for label in PRICE_LABELS],
        retention=plural(retention_days, "day"),
        engine={"sqlite": "a local SQLite file", "dynamodb": "DynamoDB"}.get(engine, engine),
        projects=list(visitor.projects),
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
        rates=[f"${known[label]:g}" if label in known else "" for label in PRICE_LABELS],
    )
