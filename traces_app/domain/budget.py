"""A project's budget: what keeping may cost a month, what is thinned for it, and who is told of what.

A plain trace has no error and no score, is neither slow nor expensive, and came whole in one batch. Only such
are thinned: the summary stays in every list, so counts and sums stay exact; the spans' contents are not kept.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from traces_app.domain.durations import DAY_S
from traces_app.domain.span import Span
from traces_app.domain.summary import TraceSummary

DEFAULT_SLOW_S: Final = 30.0
DEFAULT_EXPENSIVE_USD: Final = 0.10
MAX_MONTHLY_USD: Final = 1_000_000.0
MAX_SLOW_S: Final = float(DAY_S)
MAX_EXPENSIVE_USD: Final = 10_000.0
MAX_ADDRESS_CHARACTERS: Final = 500
MAX_VALUE_CHARACTERS: Final = 200

EVERYTHING: Final = 1.0
MIN_KEEP_RATE: Final = 0.01
"""One in a hundred is kept in any case: something to look at."""

_STEPS: Final = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.75, 1.0)
"""A forecast wavers; a rate that wavers with it would be hard to understand."""

_RANDOM_DIGITS: Final = 14
"""As the client samples: the last 7 bytes of a trace id are random (W3C Trace Context, level 2)."""

WHAT: Final = ("bill", "models")
BY: Final = ("all", "user", "model", "tag")
_EMAIL: Final = re.compile(r"[^@\s,;<>\"]{1,64}@[A-Za-z0-9.-]{1,253}")
_WEBHOOK: Final = re.compile(r"https?://[^\s/@?#]+([/?][^\s#]*)?")


class Thinning(NamedTuple):
    """What is thinned now, and what never is."""

    keep_rate: float
    slow_ms: float
    expensive_usd: float

    def drops(self, trace: TraceSummary, spans: Sequence[Span]) -> bool:
        """Whether the contents of ``trace`` are not to be kept, where these spans are all of it."""
        return not self.takes(trace.trace_id) and is_whole(spans) and self.is_plain(trace, spans)

    def takes(self, trace_id: str) -> bool:
        """By the id alone: every process decides alike, and the client as the server."""
        return int(trace_id[-_RANDOM_DIGITS:], 16) >= (1 - self.keep_rate) * 16**_RANDOM_DIGITS

    def is_plain(self, trace: TraceSummary, spans: Sequence[Span]) -> bool:
        """An unknown cost is not known to be an expensive one."""
        return (
            all(span.status == "ok" and not span.scores for span in spans)
            and (trace.duration_ms or 0) < self.slow_ms
            and (trace.cost_usd or 0) < self.expensive_usd
        )


def is_whole(spans: Sequence[Span]) -> bool:
    """Its root is among them, ended, and so is every parent that a span names."""
    here = {span.span_id for span in spans}
    parents = {span.parent_span_id for span in spans}
    return None in parents and parents - {None} <= here and not any(span.is_pending for span in spans)


@dataclass(frozen=True, slots=True)
class Alert:
    """``by`` is ``all``, or the kind of ``value``. ``to`` is an e-mail address or the URL of a webhook."""

    alert_id: str
    what: str
    by: str
    value: str
    limit_usd: float
    to: str

    @property
    def subject(self) -> str:
        """What is watched, in words."""
        if self.what == "bill":
            return "the bill of keeping traces"
        return "model spend" if self.by == "all" else f"model spend of {self.by} {self.value}"

    @property
    def is_webhook(self) -> bool:
        return self.to.startswith(("https://", "http://"))


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an alert in a month. ``failure`` is empty once it was delivered."""

    at_ns: int
    spent_usd: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """``monthly_usd`` None: there is none. ``reason`` says why the rate is as it is."""

    monthly_usd: float | None = None
    slow_s: float = DEFAULT_SLOW_S
    expensive_usd: float = DEFAULT_EXPENSIVE_USD
    keep_rate: float = EVERYTHING
    reason: str = ""
    worked_out_at_ns: int | None = None
    thinned_since_ns: int | None = None
    history: tuple[tuple[int, float], ...] = ()
    """Since when which rate held, oldest first; before, everything was kept."""
    alerts: tuple[Alert, ...] = ()
    told: tuple[tuple[str, str, Told], ...] = ()
    """Id of the alert, month, and what became of it."""

    @property
    def thinning(self) -> Thinning | None:
        if self.monthly_usd is None or self.keep_rate >= EVERYTHING:
            return None
        return Thinning(self.keep_rate, self.slow_s * 1000, self.expensive_usd)

    def told_of(self, alert: Alert, month: str) -> Told | None:
        found = (one for alert_id, of, one in self.told if (alert_id, of) == (alert.alert_id, month))
        return next(found, None)


def mean_rate(history: Sequence[tuple[int, float]], since_ns: int, now_ns: int) -> float:
    """Of the time between."""
    changes = [(since_ns, EVERYTHING), *((max(at, since_ns), rate) for at, rate in history)]
    ends = [at for at, _ in changes[1:]] + [now_ns]
    lasted = [max(0, end - at) for (at, _), end in zip(changes, ends, strict=True)]
    weighed = sum(time * rate for time, (_, rate) in zip(lasted, changes, strict=True))
    return weighed / sum(lasted) if sum(lasted) else EVERYTHING


def work_out_rate(
    monthly_usd: float | None, spent_usd: float | None, forecast_usd: float | None, forecast_at: float
) -> tuple[float, str]:
    """The share of plain traces to keep, and why. What is to come was forecast from a time when the share was
    ``forecast_at``: a forecast that knows little of today's thinning must not thin once more.
    """
    if monthly_usd is None:
        return EVERYTHING, "no budget is set"
    if spent_usd is None or forecast_usd is None:
        return EVERYTHING, "the forecast is not known, so everything is kept"
    left_usd, coming_usd = monthly_usd - spent_usd, forecast_usd - spent_usd
    if forecast_at >= EVERYTHING and forecast_usd <= monthly_usd:
        return EVERYTHING, "the forecast is within the budget"
    if left_usd <= 0:
        return MIN_KEEP_RATE, "the budget of the month is spent"
    wanted = EVERYTHING if coming_usd <= 0 else forecast_at * left_usd / coming_usd
    rate = max((step for step in _STEPS if step <= wanted + 1e-9), default=MIN_KEEP_RATE)
    if rate >= EVERYTHING:
        return EVERYTHING, "the forecast is within the budget again"
    return rate, "the forecast passes the budget"


def share_text(rate: float) -> str:
    """``1 in 5 plain traces is kept whole``."""
    if rate >= EVERYTHING:
        return "all traces are kept whole"
    if rate > 0.5:  # noqa: PLR2004 - of more than half there is no "1 in"
        return f"{rate:.0%} of plain traces are kept whole"
    return f"1 in {round(1 / rate)} plain traces is kept whole"


def thinned_text(rate: float) -> str:
    return f"content not kept: the month's budget was reached ({share_text(rate)})"


# -- what people type ------------------------------------------------------------------------------
def read_usd(name: str, text: str, most: float) -> float:
    """Raises ValueError naming the field and the limit."""
    return _number(name, text.strip().removeprefix("$"), most, "dollars, as 2.50,")


def read_seconds(name: str, text: str) -> float:
    return _number(name, text.strip().removesuffix("s"), MAX_SLOW_S, "seconds")


def _number(name: str, text: str, most: float, unit: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= most:
        raise ValueError(f"{name}: write {unit} above 0, at most {most:,.0f}.")
    return value


def read_alert(alert_id: str, fields: dict[str, str], *, plain_http: bool) -> Alert:
    """Raises ValueError naming the field. ``plain_http``: a webhook need not be https."""
    what, by, value, to = (fields.get(name, "").strip() for name in ("what", "by", "value", "to"))
    by = by or "all"
    if what not in WHAT or by not in BY:
        raise ValueError(f"alert: what is one of {', '.join(WHAT)}; by is one of {', '.join(BY)}.")
    if what == "bill" and by != "all":
        raise ValueError("by: the bill is of the whole project; users, models and tags are of models.")
    if (by == "all") != (not value) or len(value) > MAX_VALUE_CHARACTERS:
        raise ValueError(f"value: name one {by}, at most {MAX_VALUE_CHARACTERS} characters; none for all.")
    limit_usd = read_usd("limit", fields.get("limit", ""), MAX_MONTHLY_USD)
    return Alert(alert_id, what, by, value, limit_usd, _read_address(to, plain_http=plain_http))


def _read_address(to: str, *, plain_http: bool) -> str:
    is_webhook = _WEBHOOK.fullmatch(to) is not None and (plain_http or to.startswith("https://"))
    if len(to) > MAX_ADDRESS_CHARACTERS or not (is_webhook or _EMAIL.fullmatch(to)):
        most = f"at most {MAX_ADDRESS_CHARACTERS} characters"
        raise ValueError(f"to: write an e-mail address, or an https:// address without a password, {most}.")
    return to
