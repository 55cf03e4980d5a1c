"""Who is told when a limit of the month is passed: once, again where it failed, and never inside."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from tests.both_engines import both, ministack_client, ministack_url
from tests.budgets import HOUR_NS, six_spans, thin, trace_id
from tests.builders import NOW_NS, own_trace_id, put
from traces_app import budget
from traces_app.access import Access
from traces_app.alerting import AlertFailed, deliver
from traces_app.bill import month_of
from traces_app.spending import check_budget
from traces_app.storage.store import Store

__all__ = ["both", "ministack_client", "ministack_url"]


class _Hook(BaseHTTPRequestHandler):
    got: list[dict[str, Any]]
    status = 200

    def do_POST(self) -> None:
        self.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def hook() -> Iterator[tuple[str, type[_Hook]]]:
    handler = type("Hook", (_Hook,), {"got": []})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook?a=1", handler
    server.shutdown()
    thread.join()
    server.server_close()


def alert(to: str, **fields: str) -> None:
    known = {"what": "models", "by": "user", "value": "ana", "limit": "0.004", "to": to}
    budget.add_alert("dev", known | fields, now_ns=NOW_NS)


def test_an_alert_is_sent_once_a_month(both: Store, access: Access, hook: tuple[str, type[_Hook]]) -> None:
    alert(hook[0])
    alert("ops@example.com", by="model", value="gpt-4o", limit="0.009")
    alert("ops@example.com", by="tag", value="other", limit="0.001")
    alert("ops@example.com", what="bill", by="all", value="", limit="99")
    put(access, *six_spans(trace_id(1), user_id="ana"))
    assert [told.failure for _, told in check_budget("dev", now_ns=NOW_NS).told] == [""]
    assert (len(hook[1].got), len(mail.outbox)) == (1, 0)
    assert hook[1].got[0]["by"] == "user"
    assert hook[1].got[0]["spent_usd"] == pytest.approx(0.005)
    put(access, *six_spans(trace_id(2)))
    check_budget("dev", now_ns=NOW_NS)
    assert check_budget("dev", now_ns=NOW_NS).told == []
    assert (len(hook[1].got), len(mail.outbox)) == (1, 1)
    assert mail.outbox[0].to == ["ops@example.com"]
    assert "model spend of model gpt-4o passed $0.01" in mail.outbox[0].subject
    next_ns = month_of(NOW_NS).end_hour * HOUR_NS + HOUR_NS
    following = own_trace_id(next_ns // 10**6)
    put(access, *six_spans(following, user_id="ana", start_ns=next_ns), now_ns=next_ns)
    assert len(check_budget("dev", now_ns=next_ns + 60 * 10**9).told) == 1
    assert len(hook[1].got) == 2


@pytest.mark.parametrize("status", [500, 302])
def test_a_failed_alert_is_shown_and_tried_again(
    store: Store, access: Access, hook: tuple[str, type[_Hook]], status: int
) -> None:
    hook[1].status = status
    alert(hook[0])
    put(access, *six_spans(trace_id(1), user_id="ana"))
    ((one, told),) = check_budget("dev", now_ns=NOW_NS).told
    assert told.failure == f"the webhook answered {status}"
    known = budget.read_budget("dev", now_ns=NOW_NS).told_of(one, month_of(NOW_NS).name)
    assert known == told
    hook[1].status = 204
    assert [told.failure for _, told in check_budget("dev", now_ns=NOW_NS).told] == [""]
    assert len(hook[1].got) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://localhost/x",
        "https://10.0.0.1/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:169.254.169.254]/x",
        "https://[fe80::1]/x",
        "https://[64:ff9b::a9fe:a9fe]/x",
        "https://[2002:a9fe:a9fe::1]/x",
        "http://93.184.216.34/x",
    ],
)
def test_in_production_a_webhook_never_reaches_inside(settings: Any, url: str) -> None:
    settings.PRODUCTION = True
    with pytest.raises(AlertFailed, match=r"no public address|https in production"):
        deliver(url, "s", "t", {})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"to": "nobody"}, "to: write an e-mail address"),
        ({"to": "ftp://x"}, "to: write"),
        ({"to": "a@b\nBcc: c@d"}, "to: write"),
        ({"to": "https://user:pw@x/"}, "to: write"),
        ({"limit": "0"}, "limit: write dollars"),
        ({"limit": "nan"}, "limit: write dollars"),
        ({"what": "bill"}, "by: the bill is of the whole project"),
        ({"value": ""}, "value: name one user"),
        ({"by": "team"}, "by is one of all, user, model, tag"),
    ],
)
def test_an_alert_that_is_none_is_refused_by_field(store: Store, fields: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        alert("ops@example.com", **fields) if "to" not in fields else alert(**fields)
    assert budget.read_budget("dev", now_ns=NOW_NS).alerts == ()


def test_the_command_checks_every_project_and_fails_aloud(
    store: Store, access: Access, capsys: pytest.CaptureFixture[str]
) -> None:
    now_ns = time.time_ns()
    put(
        access,
        *six_spans(own_trace_id(now_ns // 10**6), start_ns=now_ns - 10**9, user_id="ana"),
        now_ns=now_ns,
    )
    thin()
    alert("http://127.0.0.1:9/closed")
    with pytest.raises(CommandError, match=r"1 alert\(s\) could not be delivered"):
        call_command("check_budgets")
    out = capsys.readouterr().out
    assert "dev: all traces are kept whole" in out
    assert "failed, tried again with the next run" in out
