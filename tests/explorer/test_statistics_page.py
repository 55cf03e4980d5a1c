from __future__ import annotations

import pytest
from django.test import Client

from tests.explorer.conftest import Sender
from tests.explorer.pages import Page
from traces_app.domain.span import Usage
from traces_app.explorer.formats import UNKNOWN
from traces_app.explorer.pages.charts import Series, bar_chart, line_chart, nice_top

CALL = {
    "kind": "llm",
    "model": "gpt-4o",
    "usage": Usage(1000, 200),
    "cost_usd": 0.25,
    "time_to_first_token_ms": 400.0,
}


def write(value: float | None) -> str:
    return "none" if value is None else f"{value:g}"


def test_tiles_add_up_the_whole_time(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=7200)
    send(status="error", seconds_ago=60)
    tiles = dict(dev.get("/dashboard/statistics?range=24h").context["page"].tiles)
    assert (tiles["Traces"], tiles["With a failed span"], tiles["Cost"]) == ("2", "1 (50.0%)", "$0.2500")
    assert tiles["Tokens in → out"] == "1.0k → 200"
    assert tiles["First token p50"].endswith("ms")


@pytest.mark.parametrize(
    ("by", "name", "counted"),
    [
        ("name", "chat", "Traces"),
        ("model", "gpt-4o", "Calls"),
        ("tag", "vip", "Traces"),
        ("env", "prod", "Traces"),
        ("user", "ana", "Traces"),
        ("odd", "chat", "Traces"),
    ],
)
def test_the_table_is_by_what_is_asked(dev: Client, send: Sender, by: str, name: str, counted: str) -> None:
    send(CALL, name="chat", tags=["vip"], environment="prod", user_id="ana")
    page = dev.get(f"/dashboard/statistics?by={by}").context["page"]
    line = page.lines[0]
    assert (line.name, line.traces, line.cost, page.counted) == (name, "1", "$0.2500", counted)
    traces = dev.get(line.address).context["page"].lines
    assert [trace.name for trace in traces] == ["chat"]


def test_every_chart_has_its_numbers_as_a_table(dev: Client, send: Sender) -> None:
    send(CALL, seconds_ago=7200)
    page = Page(dev.get("/dashboard/statistics?range=24h"))
    figures = page.find("figure", "chart")
    assert len(figures) == 6
    for figure in figures:
        rows = [element for element in page.find("tr") if element.is_inside(figure)]
        columns = [element for element in page.find("rect", "over") if element.is_inside(figure)]
        assert len(rows) == len(columns) + 1 >= 24


def test_an_hour_without_traces_has_no_share_of_errors(dev: Client, send: Sender) -> None:
    send(status="error", seconds_ago=3 * 3600)
    send(seconds_ago=3 * 3600)
    charts = {
        chart.title: chart for chart in dev.get("/dashboard/statistics?range=24h").context["page"].charts
    }
    cells = [column.cells[0] for column in charts["With a failed span"].columns]
    assert (cells.count("50 %"), cells.count(UNKNOWN)) == (1, len(cells) - 1)


def test_a_time_without_traces_says_so(dev: Client, send: Sender) -> None:
    assert "No trace began in this time" in Page(dev.get("/dashboard/statistics")).text
    send()
    page = Page(dev.get("/dashboard/statistics?from=2001-01-01T00:00&to=2001-01-02T00:00"))
    assert "No trace began in this time" in page.text


def test_a_wrong_time_is_named(dev: Client) -> None:
    assert "from: write a time like" in Page(dev.get("/dashboard/statistics?from=yesterday")).text
    assert "range: write one of" in Page(dev.get("/dashboard/statistics?range=9y")).text


def test_the_json_has_hours_and_dimensions(dev: Client, send: Sender) -> None:
    send(CALL, name="chat")
    answer = dev.get("/dashboard/statistics.json?range=24h").json()
    assert answer["total"]["name"]["chat"]["cost_usd"] == 0.25
    assert [hour["count"] for hour in answer["hours"].values()] == [1]
    assert answer["total"]["model"]["gpt-4o"]["first_token_ms"]["p50"] == pytest.approx(400, rel=0.03)


def test_bars_stand_on_one_another_and_end_below_the_top() -> None:
    chart = bar_chart(
        "t", [Series("a", "a", [10, 0]), Series("b", "b", [30, None])], [None, None], write, summary=""
    )
    assert [(rect.y, rect.height) for rect in chart.rects] == [("80.00%", "20.00%"), ("20.00%", "60.00%")]
    assert [mark.text for mark in chart.marks] == ["25", "50"]
    assert chart.columns[1].cells == ["0", "none"]


def test_a_gap_stays_a_gap_and_a_lonely_value_is_a_dash() -> None:
    chart = line_chart("t", [Series("a", "a", [1, 2, None, 2])], [None] * 4, write, summary="")
    assert [(line.x1, line.x2) for line in chart.lines] == [("12.50%", "37.50%"), ("80.00%", "95.00%")]


def test_axes_end_at_round_numbers() -> None:
    assert [nice_top(value) for value in (0, 0.03, 1, 1.1, 43, 51)] == [1, 0.05, 1, 2, 50, 100]


@pytest.mark.parametrize("place", ["", "sessions", "users", "statistics"])
@pytest.mark.parametrize(
    ("time", "said"),
    [
        ("from=2026-01-02T10:00&to=2026-01-02T09:00", "to: write a time after from."),
        ("from=2026-01-02T10:00&to=2026-01-02T10:00", "to: write a time after from."),
        ("from=9999-12-31", "from: that time has not come yet."),
        ("to=1960-01-01", "to: write a time after 1970."),
        ("to=0001-01-01", "to: write a time after 1970."),
    ],
)
def test_a_time_in_which_nothing_can_be_is_told_and_left_out(
    dev: Client, send: Sender, place: str, time: str, said: str
) -> None:
    send(CALL, seconds_ago=60)
    assert said in Page(dev.get(f"/dashboard/{place}?{time}")).text
    twin = f"/dashboard/{place}.json?{time}" if place else f"/dashboard/?{time}"
    answer = dev.get(twin)
    assert answer.status_code == (400 if place else 200)
    assert not place or answer.json()["detail"] == said
