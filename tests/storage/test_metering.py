"""What a process consumed, by project: strangers can neither add to a project's account nor grow the book."""

from __future__ import annotations

import pytest
from django.test import Client

from traces_app.domain.metering import Consumed
from traces_app.storage.metering import MAX_ACCOUNTS, METER, Meter


@pytest.mark.usefixtures("store")
def test_forged_links_open_no_account() -> None:
    METER.forget()
    for number in range(5):
        token = f"stranger{number}.{'0' * 12}.{'1' * 10}.{'A' * 43}"
        assert Client().get(f"/dashboard/shared/{token}").status_code == 404
    assert set(METER._open) == {""}
    assert METER.take("dev").read_halves == 5 * 2


def test_there_is_a_most_of_accounts_and_nothing_is_lost() -> None:
    meter = Meter()
    for number in range(MAX_ACCOUNTS + 500):
        meter.note(f"project {number}", Consumed(read_halves=1))
    assert len(meter._open) <= MAX_ACCOUNTS + 1
    assert meter.take("project 0").read_halves == 1 + 500
    assert meter.take("project 0").read_halves == 0
    assert "project 0" not in meter._open
