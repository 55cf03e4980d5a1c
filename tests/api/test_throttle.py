from __future__ import annotations

from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, span_in
from traces_app.api.throttle import TokenBuckets


def take(buckets: TokenBuckets, name: str = "k", *, weight: float = 1.0, at: float = 0.0) -> float:
    return buckets.take(name, per_minute=60, weight=weight, now_seconds=at)


def test_as_many_requests_as_a_minute_allows_may_come_at_once() -> None:
    buckets = TokenBuckets()
    assert [take(buckets) for _ in range(60)] == [0.0] * 60
    assert take(buckets) == pytest.approx(1.0)


def test_a_bucket_fills_with_time_and_never_above_the_brim() -> None:
    buckets = TokenBuckets()
    for _ in range(60):
        take(buckets)
    assert take(buckets, at=1.0) == 0.0
    assert take(buckets, at=1.5) == pytest.approx(0.5)
    assert [take(buckets, at=10_000) for _ in range(61)].count(0.0) == 60


def test_a_refused_request_costs_nothing() -> None:
    buckets = TokenBuckets()
    for _ in range(100):
        take(buckets)
    assert take(buckets, at=1.0) == 0.0


def test_a_clock_that_runs_backwards_takes_nothing_away() -> None:
    buckets = TokenBuckets()
    take(buckets, at=100.0)
    assert take(buckets, at=50.0) == 0.0


def test_light_calls_weigh_little() -> None:
    buckets = TokenBuckets()
    assert [take(buckets, weight=1 / 20) for _ in range(1190)].count(0.0) == 1190


def test_the_number_of_buckets_is_bounded() -> None:
    buckets = TokenBuckets(max_buckets=100)
    for number in range(1000):
        take(buckets, str(number))
    assert len(buckets) == 100


def test_too_many_batches_are_told_when_to_come_back(api: Api, settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 3
    assert [api.ingest(span_in()).status_code for _ in range(3)] == [202] * 3
    answer = api.ingest(span_in())
    assert (answer.status_code, answer["Content-Type"]) == (429, PROBLEM)
    assert 1 <= int(answer["Retry-After"]) <= 20
    assert "RATE_LIMIT_RPM: 3" in answer.json()["limit"]


def test_a_batch_counts_once_however_many_spans_it_holds(api: Api, settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 1
    assert api.ingest(*[span_in() for _ in range(50)]).status_code == 202


def test_keys_are_counted_apart_and_reading_apart_from_writing(
    api: Api, other_api: Api, settings: Any
) -> None:
    settings.RATE_LIMIT_RPM = 1
    assert api.ingest(span_in()).status_code == 202
    assert api.ingest(span_in()).status_code == 429
    assert other_api.ingest(span_in()).status_code == 202
    assert api.get("/api/v1/traces").status_code == 200
    assert api.get("/api/v1/traces").status_code == 429


def test_the_originals_client_is_not_cut_at_the_default(api: Api, settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 60
    for _ in range(5):
        trace_id = api.post("/api/traces", {"name": "run"}).json()["trace_id"]
        for _ in range(10):
            answer = api.post(f"/api/traces/{trace_id}/spans", {"name": "s"})
            assert api.patch(f"/api/spans/{answer.json()['span_id']}/complete", {}).status_code == 200
        assert api.patch(f"/api/traces/{trace_id}/complete", {}).status_code == 200


def test_zero_is_no_limit(api: Api, settings: Any) -> None:
    settings.RATE_LIMIT_RPM = 0
    assert {api.get("/api/v1/projects").status_code for _ in range(100)} == {200}
