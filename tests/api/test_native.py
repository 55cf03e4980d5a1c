from __future__ import annotations

import time
from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, span_in
from traces_app.api.body import JsonBody
from traces_app.api.native.schemas import MAX_SPANS_PER_BATCH
from traces_app.api.native.translate import batch_of


def stored(api: Api, span: dict[str, Any]) -> dict[str, Any]:
    answer = api.get(f"/api/v1/traces/{span['trace_id'].lower()}/spans/{span['span_id'].lower()}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_an_accepted_span_is_readable_when_the_answer_comes(api: Api) -> None:
    span = span_in(
        parent_span_id="00f067aa0ba902b7",
        status="error",
        error={"type": "TimeoutError", "message": "too slow", "stacktrace": "...", "causes": []},
        input=[{"role": "user", "content": "hi"}],
        output={"text": "ho"},
        model="gpt-4o",
        provider="openai",
        parameters={"temperature": 0},
        usage={"input_tokens": 10, "output_tokens": 5, "reasoning_tokens": 2},
        cost_usd=0.25,
        time_to_first_token_ms=12,
        tool={"name": "search"},
        documents=[{"id": 1}],
        prompt={"name": "greet", "version": "3"},
        session_id="s1",
        user_id="u1",
        tags=["a", "b"],
        metadata={"k": [1, None]},
        environment="staging",
        release="1.2",
        scores=[{"name": "good", "value": 1}],
        attributes={"x.y": 1},
        dropped={"queue full": 2},
    )
    answer = api.ingest(span)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    found = stored(api, span)
    assert found.pop("usage").items() >= span.pop("usage").items()
    for name, value in span.items():
        assert found[name] == value, name


def test_only_the_ids_and_the_name_are_required(api: Api) -> None:
    bare = {name: span_in()[name] for name in ("trace_id", "span_id", "name")}
    assert api.ingest(bare).json() == {"accepted": 1, "rejected": []}


def test_null_means_not_known_for_every_optional_field() -> None:
    ids = {name: span_in()[name] for name in ("trace_id", "span_id", "name")}
    fields = ["kind", "status", "tags", "metadata", "usage", "attributes", "scores", "dropped", "error"]
    batch = batch_of(JsonBody({"spans": [ids | dict.fromkeys(fields)]}, []))
    assert batch.rejected == []
    assert (batch.spans[0].kind, batch.spans[0].status, batch.spans[0].tags) == ("other", "ok", [])


def test_upper_case_ids_are_the_same_ids(api: Api) -> None:
    span = span_in(trace_id="4BF92F3577B34DA6A3CE929D0E0E4736", span_id="00F067AA0BA902B7")
    assert api.ingest(span).json()["accepted"] == 1
    assert stored(api, span)["span_id"] == "00f067aa0ba902b7"


def test_the_resource_is_stamped_on_spans_that_do_not_say_otherwise(api: Api) -> None:
    plain, special = span_in(), span_in(environment="dev")
    resource = {"environment": "prod", "release": "7", "service_name": "shop", "host": "h1"}
    api.ingest(plain, special, resource=resource)
    assert stored(api, plain)["environment"] == "prod"
    assert stored(api, plain)["release"] == "7"
    assert stored(api, plain)["attributes"] == {"resource": {"service_name": "shop", "host": "h1"}}
    assert stored(api, special)["environment"] == "dev"


def test_fields_of_a_newer_client_are_kept_as_attributes(api: Api) -> None:
    span = span_in(mood="fine", notices=["forged"], cost_source="computed")
    api.ingest(span)
    found = stored(api, span)
    assert found["attributes"] == {"mood": "fine", "notices": ["forged"], "cost_source": "computed"}
    assert (found["notices"], found["cost_source"]) == ([], None)


BAD_FIELDS = [
    ("trace_id", "xyz", "trace_id"),
    ("trace_id", "0" * 32, "trace_id"),
    ("trace_id", None, "trace_id"),
    ("span_id", "0" * 16, "span_id"),
    ("span_id", 7, "span_id"),
    ("parent_span_id", "short", "parent_span_id"),
    ("name", "", "name"),
    ("name", "n" * 1001, "name"),
    ("kind", "LLM call", "kind"),
    ("status", "fine", "status"),
    ("start_time_unix_nano", "1700000000000000000", "start_time_unix_nano"),
    ("start_time_unix_nano", 1.5, "start_time_unix_nano"),
    ("end_time_unix_nano", -1, "end_time_unix_nano"),
    ("end_time_unix_nano", True, "end_time_unix_nano"),
    ("usage", {"input_tokens": "ten"}, "usage.input_tokens"),
    ("usage", {"output_tokens": -1}, "usage.output_tokens"),
    ("cost_usd", "0.1", "cost_usd"),
    ("cost_usd", -0.1, "cost_usd"),
    ("tags", "a,b", "tags"),
    ("tags", ["a", 5], "tags.1"),
    ("metadata", [], "metadata"),
    ("error", "boom", "error"),
    ("error", {"message": 5}, "error.message"),
    ("session_id", 5, "session_id"),
    ("dropped", {"why": "many"}, "dropped.why"),
]


@pytest.mark.parametrize(("name", "value", "field"), BAD_FIELDS)
def test_a_bad_span_is_named_with_its_field_and_hurts_no_other(
    api: Api, name: str, value: Any, field: str
) -> None:
    bad, good = span_in(**{name: value}), span_in()
    answer = api.ingest(bad, good).json()
    assert answer["accepted"] == 1
    assert [(found["index"], found["field"]) for found in answer["rejected"]] == [(0, field)]
    assert answer["rejected"][0]["reason"]
    assert stored(api, good)["name"] == "chat"


@pytest.mark.parametrize("not_a_span", [None, 5, "span", [], {}])
def test_what_is_no_span_at_all_is_rejected(api: Api, not_a_span: Any) -> None:
    answer = api.ingest(span_in(), not_a_span).json()
    assert (answer["accepted"], answer["rejected"][0]["index"]) == (1, 1)


def test_rejections_of_ingest_keep_their_place_in_the_batch(api: Api) -> None:
    far_future_ns = time.time_ns() + 3 * 24 * 3600 * 10**9
    answer = api.ingest(span_in(name=5), span_in(), span_in(start_time_unix_nano=far_future_ns), {}).json()
    assert answer["accepted"] == 1
    assert [found["index"] for found in answer["rejected"]] == [0, 2, 3]


def test_times_that_run_backwards_are_accepted_and_shown_sanely(api: Api) -> None:
    span = span_in()
    span["end_time_unix_nano"] = span["start_time_unix_nano"] - 5
    assert api.ingest(span).json()["accepted"] == 1
    assert stored(api, span)["duration_ms"] == 0


def test_the_same_batch_twice_is_stored_once(api: Api) -> None:
    span = span_in(cost_usd=0.5)
    for _ in range(2):
        assert api.ingest(span).json()["accepted"] == 1
    trace = api.get(f"/api/v1/traces/{span['trace_id']}").json()
    assert (len(trace["spans"]), trace["trace"]["cost_usd"]) == (1, 0.5)
    assert api.get("/api/v1/stats").json()["total_spans"] == 1


def test_a_pending_span_is_replaced_by_the_whole_one(api: Api) -> None:
    whole = span_in(output="done")
    pending = {**whole, "status": "pending", "end_time_unix_nano": None, "output": None}
    for span in (pending, whole, pending):
        api.ingest(span)
    assert (stored(api, whole)["status"], stored(api, whole)["output"]) == ("ok", "done")


def test_a_span_of_five_megabytes_is_accepted(api: Api) -> None:
    span = span_in(input="word " * 1_000_000)
    assert api.ingest(span).json()["accepted"] == 1
    assert len(stored(api, span)["input"]) == 5_000_000


def test_a_span_beyond_the_limit_is_rejected_alone(api: Api) -> None:
    answer = api.ingest(span_in(input="x" * 17 * 2**20), span_in()).json()
    assert answer["accepted"] == 1
    assert "limit" in answer["rejected"][0]["reason"]


def test_a_value_nested_deeper_than_can_be_stored_is_rejected_alone(api: Api) -> None:
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    answer = api.ingest(span_in(input=deep), span_in()).json()
    assert (answer["accepted"], answer["rejected"][0]["index"]) == (1, 0)


def test_nul_characters_are_stored(api: Api) -> None:
    span = span_in(input="a\0b", name="n\0")
    assert api.ingest(span).json()["accepted"] == 1
    assert stored(api, span)["input"] == "a\0b"


def test_lone_surrogates_become_the_replacement_character_with_a_notice(api: Api) -> None:
    span = span_in(input={"deep": ["cut \ud83d", {"\ude00": "pair \ud83d\ude00"}]})
    assert api.ingest(span).json()["accepted"] == 1
    found = stored(api, span)
    assert found["input"] == {"deep": ["cut \ufffd", {"\ufffd": "pair \U0001f600"}]}
    assert "U+FFFD" in found["notices"][0]


def test_not_a_number_becomes_null_with_a_notice(api: Api) -> None:
    span = span_in(metadata={"score": float("nan"), "best": float("inf")})
    assert api.ingest(span).json()["accepted"] == 1
    assert stored(api, span)["metadata"] == {"score": None, "best": None}


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({}, "spans"),
        ({"spans": {}}, "spans"),
        ({"spans": [], "counters": {"queue full": "3"}}, "counters.queue full"),
        ({"spans": [], "resource": {"release": 5}}, "resource.release"),
    ],
)
def test_an_envelope_of_the_wrong_shape_names_the_field(api: Api, envelope: Any, field: str) -> None:
    answer = api.post("/api/ingest", envelope)
    assert (answer.status_code, answer["Content-Type"]) == (422, PROBLEM)
    assert answer.json()["field"] == field


def test_too_many_spans_name_the_limit(api: Api) -> None:
    answer = api.ingest(*[{}] * (MAX_SPANS_PER_BATCH + 1))
    assert answer.status_code == 413
    assert str(MAX_SPANS_PER_BATCH) in answer.json()["limit"]


def test_a_resource_too_large_for_the_number_of_its_spans_names_the_limit(api: Api) -> None:
    resource = {"about": "x" * 2**20}
    assert api.ingest(*[span_in()] * 2, resource=resource).status_code == 202
    answer = api.ingest(*[{}] * 200, resource=resource)
    assert (answer.status_code, answer.json()["field"]) == (413, "resource")
    assert "128 MiB" in answer.json()["limit"]


def test_a_resource_nested_too_deep_names_the_limit(api: Api) -> None:
    body = b'{"spans": [], "resource": {"deep": ' + b"[" * 400 + b"]" * 400 + b"}}"
    answer = api.post("/api/ingest", body)
    assert (answer.status_code, answer.json()["field"]) == (422, "resource")
    assert "200 levels" in answer.json()["detail"]


def test_an_empty_batch_is_fine_and_its_losses_are_counted(api: Api) -> None:
    assert api.ingest(counters={"queue full": 3}).json() == {"accepted": 0, "rejected": []}
    assert api.get("/api/v1/stats").json()["losses"] == {"queue full": 3}
