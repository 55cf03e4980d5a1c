from __future__ import annotations

from traces_app.api.otlp.records import Record, dropped_of
from traces_app.api.otlp.translate import MAX_EVENTS, export_of_spans
from traces_app.domain.problems import lost_spans


def test_what_limits_cut_from_spans_is_no_lost_span() -> None:
    assert lost_spans(dropped_of(3, 2, 1) | {"queue_full": 4}) == {"queue_full": 4}


def test_events_beyond_the_limit_are_no_lost_spans() -> None:
    record = Record("a" * 32, "b" * 16, "n", 1, {}, {}, {}, events=[{"name": "e"}] * (MAX_EVENTS + 5))
    (span,) = export_of_spans([record]).spans
    assert list(span.dropped.values()) == [5]
    assert lost_spans(span.dropped) == {}
