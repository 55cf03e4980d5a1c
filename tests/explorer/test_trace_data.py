"""What the trace page's script reads: columns, previews, search."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from tests.builders import span_id
from tests.explorer.conftest import Sender
from traces_app.domain.span import Usage


def skeleton(browser: Client, trace_id: str, query: str = "") -> Any:
    response = browser.get(f"/dashboard/t/{trace_id}/skeleton{query}")
    assert response.status_code == 200
    return response.json()


def test_a_skeleton_has_one_value_a_span_or_one_for_all(dev: Client, send: Sender) -> None:
    usage = Usage(100, 20, cache_read_tokens=50)
    trace_id = send(
        {
            "name": "call",
            "kind": "llm",
            "model": "gpt-4o-mini",
            "usage": usage,
            "time_to_first_token_ms": 1.5,
        },
        {
            "name": "tool",
            "kind": "tool",
            "parent_span_id": span_id(2),
            "status": "error",
            "error": {"type": "Timeout", "message": "late"},
        },
        name="root",
    )
    found = skeleton(dev, trace_id)
    columns = found["columns"]
    assert found["ids"].split(" ") == [span_id(1), span_id(2), span_id(3)]
    assert [found["names"][number] for number in columns["name"]] == ["root", "call", "tool"]
    assert [found["kinds"][number] for number in columns["kind"]] == ["other", "llm", "tool"]
    assert columns["up"] == [0, 1, 1]
    assert columns["start"] == [0, 1000, 1000]
    assert columns["duration"] == 250_000
    assert (columns["in"], columns["cached"], columns["ttft"]) == (
        [-1, 100, -1],
        [-1, 50, -1],
        [-1, 1500, -1],
    )
    assert found["errors"] == {"2": "Timeout: late"}


def test_nothing_new_is_said_in_a_few_bytes(dev: Client, send: Sender) -> None:
    trace_id = send({})
    rev = skeleton(dev, trace_id)["rev"]
    assert skeleton(dev, trace_id, f"?since={rev}") == {"rev": rev, "pending": False}
    assert "columns" in skeleton(dev, trace_id, "?since=other")


def test_a_span_takes_less_than_45_bytes_on_the_way(dev: Client, send: Sender) -> None:
    trace_id = send(*[{"name": f"step {number % 7}", "usage": Usage(number, 2)} for number in range(500)])
    response = dev.get(f"/dashboard/t/{trace_id}/skeleton", headers={"Accept-Encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"
    assert len(response.content) < 45 * 500
    assert json.loads(gzip.decompress(response.content))["count"] == 501


def test_previews_tell_what_was_asked_and_said(dev: Client, send: Sender) -> None:
    call = {"id": "c", "function": {"name": "weather", "arguments": '{"city": "Delft"}'}}
    trace_id = send(
        {
            "kind": "llm",
            "input": [{"role": "system", "content": "s"}, {"role": "user", "content": "Rain?"}],
            "output": {"role": "assistant", "content": None, "tool_calls": [call]},
        },
        {"kind": "tool", "status": "error", "error": {"type": "E", "message": "broke"}, "input": {"q": "x"}},
    )
    asked = ",".join(span_id(number) for number in (2, 3, 99))
    found = dev.get(f"/dashboard/t/{trace_id}/previews?spans={asked}").json()
    assert found[span_id(2)] == {
        "asked": {"role": "user", "text": "Rain?"},
        "said": {"role": "assistant", "text": "→ weather(Delft)"},
    }
    assert found[span_id(3)] == {
        "asked": {"role": "", "text": "x"},
        "said": {"role": "error", "text": "broke"},
    }
    assert span_id(99) not in found


def test_a_retrieval_tells_its_documents_where_it_has_no_output(dev: Client, send: Sender) -> None:
    found = [{"text": "Belém has\ntarts.", "score": 0.9}, {"content": "Sintra has palaces."}]
    trace_id = send(
        {"kind": "retrieval", "documents": found},
        {"kind": "retrieval", "documents": found[1:]},
        {"kind": "retrieval", "documents": [{"id": 7}, "bare"]},
        {"kind": "retrieval", "documents": found, "output": "its own words"},
        {"kind": "retrieval", "documents": []},
    )
    asked = ",".join(span_id(number) for number in range(2, 7))
    told = dev.get(f"/dashboard/t/{trace_id}/previews?spans={asked}").json()
    assert [told[span_id(number)]["said"] for number in range(2, 7)] == [
        {"role": "", "text": "2 documents: Belém has tarts."},
        {"role": "", "text": "1 document: Sintra has palaces."},
        {"role": "", "text": '2 documents: {"id":7}'},
        {"role": "", "text": "its own words"},
        None,
    ]


def test_search_counts_by_field_and_says_how_far_it_came(dev: Client, send: Sender) -> None:
    trace_id = send({"input": "find the NEEDLE", "output": "a needle"}, {"name": "needle"}, name="root")
    found = dev.get(f"/dashboard/t/{trace_id}/search?q=needle").json()
    assert found == {
        "matches": [span_id(2), span_id(3)],
        "counts": {"input": 1, "output": 1, "name": 1},
        "searched": 3,
        "total": 3,
    }
    assert dev.get(f"/dashboard/t/{trace_id}/search?q=n").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        'say "hi"',
        "a\\b",
        "line\nbreak",
        "\x1b[31m",
        "\N{MATHEMATICAL LEFT ANGLE BRACKET}ESC⟩[31m",
        "ÅNGSTRÖM",
    ],
)
def test_search_finds_in_json_what_stands_in_texts(dev: Client, send: Sender, text: str) -> None:
    """Quotation marks and controls are escaped there; a page shows controls by name."""
    said = 'say "hi" a\\b line\nbreak \x1b[31m ångström'
    trace_id = send({"input": {"deep": [said]}, "output": said})
    found = dev.get(f"/dashboard/t/{trace_id}/search", {"q": text}).json()
    assert found["counts"] == {"input": 1, "output": 1}


def test_the_skeleton_tells_of_scores(dev: Client, send: Sender) -> None:
    scores = [
        {"name": "quality", "value": 0.123456, "source": "judge", "comment": "long " * 100},
        {"name": "tone", "label": "kind"},
        {"name": "passed", "value": True},
        {"name": "\u202eevil", "value": 1234567.0},
    ]
    trace_id = send({}, {"scores": scores}, {"scores": [{"name": "n" * 99, "value": "v" * 99}]})
    found = skeleton(dev, trace_id)["scores"]
    assert found == {
        "2": {"chips": ["quality 0.1235", "tone kind", "passed True"], "more": "+1"},
        "3": {"chips": [f"{'n' * 23}… {'v' * 15}…"], "more": ""},
    }
    assert skeleton(dev, send({}))["scores"] == {}
    many = skeleton(dev, send({"scores": scores * 20}))["scores"]
    assert many["1"]["more"] == "+5 or more"


def test_what_is_not_there_is_404(dev: Client) -> None:
    for rest in ("skeleton", "previews?spans=a", "search?q=needle"):
        assert dev.get(f"/dashboard/t/nothing/{rest}").status_code == 404


def test_strangers_get_401(browser: Client, send: Sender) -> None:
    assert browser.get(f"/dashboard/t/{send()}/skeleton").status_code == 401
