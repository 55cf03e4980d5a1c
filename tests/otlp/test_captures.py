"""Real requests of real instrumentations, against facts that were written by hand."""

from __future__ import annotations

import pytest

from tests.otlp import facts
from tests.otlp.exports import CASES, expected_of, requests_of, send

ORDERS = ("in order", "in reverse order", "twice")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("case", [case for case in CASES if case != "malformed-requests"])
def test_every_fact_of_a_capture_holds(case: str, order: str) -> None:
    expected = expected_of(case)
    statuses = {body["file"]: body["expected_status"] for body in expected["bodies"]}
    requests = requests_of(case)
    if order == "in reverse order":
        requests.reverse()
    if order == "twice":
        requests = [*requests, *requests]
    for request in requests:
        answer = send(case, request)
        assert answer.status == statuses[request["file"]], answer.body
    report = facts.check(expected)
    print(f"{case}: {report.facts - len(report.differences)} of {report.facts} facts hold")  # noqa: T201
    assert report.differences == [], "\n" + "\n".join(report.differences)
