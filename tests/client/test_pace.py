"""The arithmetic of when a batch may leave."""

from __future__ import annotations

from llm_tracer._delivery.pace import Pace


def test_sustained_traffic_stays_below_sixty_requests_a_minute() -> None:
    pace = Pace()
    sent, now = 0, 1000.0
    while now < 1060:
        if pace.may_send(now):
            pace.sent(now)
            sent += 1
        now += 0.1
    assert 40 < sent < 60


def test_the_first_batches_leave_at_once() -> None:
    pace = Pace()
    for _ in range(Pace.BURST_REQUESTS):
        assert pace.may_send(5.0)
        pace.sent(5.0)
    assert not pace.may_send(5.0)


def test_after_a_limit_batches_grow_up_to_a_bound() -> None:
    pace = Pace()
    for _ in range(5):
        pace.limited()
    assert not pace.may_send(0.0)
    assert pace.batch_bytes == Pace.MAX_GROWTH * Pace.BATCH_BYTES


def test_waits_double_are_spread_and_bounded() -> None:
    pace = Pace()
    waits = [pace.failed(None) for _ in range(12)]
    assert 0.15 <= waits[0] <= 0.25
    assert 3.0 <= waits[-1] <= Pace.MAX_BACKOFF_SECONDS
    pace.succeeded()
    assert pace.failed(None) <= 0.25


def test_the_wait_that_the_server_names_is_taken() -> None:
    assert Pace().failed(17.0) == 17.0
    assert Pace().failed(1e9) == Pace.MAX_RETRY_AFTER_SECONDS
