"""The commands apply_retention and erase, as somebody at a terminal calls them."""

from __future__ import annotations

import time
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.builders import own_trace_id, put, span
from traces_app import audit, retention
from traces_app.access import Access
from traces_app.queries import TraceFilter, list_traces
from traces_app.storage.store import Store


def run(*words: str, **options: Any) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _traces(store: Store, access: Access) -> None:
    now_ns = time.time_ns()
    for number in range(3):
        trace = own_trace_id(now_ns // 10**6, number)
        fields = {"trace_id": trace, "start_ns": now_ns, "end_ns": now_ns + 1, "user_id": f"u{number}"}
        put(access, span(1, **fields, status="error" if number else "ok"), now_ns=now_ns)


def test_rules_are_applied_when_asked_for(store: Store) -> None:
    retention.set_rule("dev", condition="error:true", days="400", now_ns=time.time_ns())
    retention.set_rest("dev", days="5", now_ns=time.time_ns())
    counted = "dev: 3 traces: 2 kept longer, 1 kept shorter, 0 expired at once, 0 as they were\n"
    assert run("apply_retention") == counted + "Nothing was changed. Add --yes to do it.\n"
    assert run("apply_retention", "dev", "--yes") == counted
    assert run("apply_retention", "--yes").endswith("0 expired at once, 3 as they were\n")
    later = time.time_ns() + 6 * 86_400 * 10**9
    assert len(list_traces("dev", TraceFilter(), now_ns=later).traces) == 2
    assert audit.list_entries("dev", now_ns=time.time_ns())[0].action == "apply retention"


def test_a_user_is_erased_when_asked_for(store: Store) -> None:
    assert run("erase", "dev", "user", "u1") == "1 traces. Nothing was erased. Add --yes to do it.\n"
    assert run("erase", "dev", "user", "u1", "--yes").startswith("Erased 1 traces, 1 spans, 3 items, ")
    with pytest.raises(CommandError, match="Nothing is stored of that user"):
        run("erase", "dev", "user", "u1", "--yes")
    assert len(list_traces("dev", TraceFilter(), now_ns=time.time_ns()).traces) == 2
    entry = audit.list_entries("dev", now_ns=time.time_ns())[0]
    assert (entry.who, entry.action) == ("manage.py", "erase user")


def test_what_cannot_be_erased_is_said(store: Store) -> None:
    with pytest.raises(CommandError, match="32 hexadecimal digits"):
        run("erase", "dev", "trace", "nonsense")


def test_control_c_stops_applying_and_the_next_run_goes_on(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    retention.set_rest("dev", days="5", now_ns=time.time_ns())
    client: Any = store.engine.client
    call = client._make_api_call

    def send(operation: str, arguments: Any) -> Any:
        if operation == "UpdateItem":
            raise KeyboardInterrupt
        return call(operation, arguments)

    monkeypatch.setattr(client, "_make_api_call", send)
    with pytest.raises(SystemExit) as stopped:
        run("apply_retention", "--yes")
    monkeypatch.setattr(client, "_make_api_call", call)
    assert stopped.value.code == 130
    assert "3 kept shorter" in run("apply_retention", "--yes")
