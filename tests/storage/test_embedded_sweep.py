"""Expired items leave the local file by themselves."""

from __future__ import annotations

from pathlib import Path

from traces_app.storage.dynamodb import batch_put
from traces_app.storage.embedded.client import WRITES_BETWEEN_SWEEPS, EmbeddedClient
from traces_app.storage.embedded.sweep import STEP_ITEMS
from traces_app.storage.engine import Engine, bind_models
from traces_app.storage.models import EXPIRY_ATTRIBUTE, MODELS, SpanItem
from traces_app.storage.tables import create_table

NOW_S = 1_800_000_000


def left() -> list[str]:
    return [item.sk for item in SpanItem.query("T")]


def test_what_has_expired_goes_and_the_rest_stays(embedded: Engine) -> None:
    SpanItem("T", "past", v=1, expires_at=NOW_S - 1).save()
    SpanItem("T", "now", v=1, expires_at=NOW_S).save()
    SpanItem("T", "future", v=1, expires_at=NOW_S + 1).save()
    SpanItem("T", "never", v=1).save()

    assert embedded.sweep(NOW_S) == 2

    assert left() == ["future", "never"]
    assert embedded.sweep(NOW_S) == 0


def test_more_than_one_step_is_swept(embedded: Engine) -> None:
    count = STEP_ITEMS + 30
    embedded.batch_put(SpanItem("T", f"{number:05}", v=1, expires_at=NOW_S) for number in range(count))

    assert embedded.sweep(NOW_S) == count


def test_a_later_expiry_replaces_the_earlier(embedded: Engine) -> None:
    SpanItem("T", "a", v=1, expires_at=NOW_S).save()
    SpanItem("T", "a", v=1, expires_at=NOW_S + 100).save()

    assert embedded.sweep(NOW_S) == 0


def test_expiry_switched_on_later_counts_for_items_already_there(embedded: Engine) -> None:
    def switch(is_on: bool) -> None:
        specification = {"AttributeName": EXPIRY_ATTRIBUTE, "Enabled": is_on}
        embedded.client._make_api_call(
            "UpdateTimeToLive",
            {"TableName": SpanItem.Meta.table_name, "TimeToLiveSpecification": specification},
        )

    switch(False)
    SpanItem("T", "a", v=1, expires_at=NOW_S).save()
    assert embedded.sweep(NOW_S) == 0

    switch(True)

    assert embedded.sweep(NOW_S) == 1


def test_writers_sweep_now_and_then(tmp_path: Path) -> None:
    client = EmbeddedClient(tmp_path / "traces.sqlite3", clock=lambda: NOW_S)
    bind_models(client, "traces", "spans")
    for model in MODELS:
        create_table(client, model)
    SpanItem("T", "past", v=1, expires_at=NOW_S - 1).save()

    for number in range(WRITES_BETWEEN_SWEEPS):
        batch_put(client, [SpanItem("T", f"{number:03}", v=1)])

    assert "past" not in left()
    Engine("sqlite", client).close()
