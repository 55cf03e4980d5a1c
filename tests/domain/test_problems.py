from __future__ import annotations

from traces_app.api.otlp.records import dropped_of
from traces_app.domain.problems import lost_spans


def test_what_limits_cut_from_spans_is_no_lost_span() -> None:
    assert lost_spans(dropped_of(3, 2, 1) | {"queue_full": 4}) == {"queue_full": 4}
