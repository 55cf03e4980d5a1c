"""Whatever bytes and values come, the receiver answers, soon, and never with 500.

``OTLP_FUZZ_EXAMPLES=10000`` runs as many cases of each property; by default a handful.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.otlp.exports import CAPTURES, PROTOBUF, post
from traces_app.api.body import parse_json
from traces_app.api.errors import ProblemError
from traces_app.api.otlp import decode
from traces_app.api.otlp.translate import export_of_logs, export_of_spans
from traces_app.domain.conventions import KIND_RULES, SOURCES
from traces_app.domain.normalize import normalize
from traces_app.domain.packing import PackedSpan, pack_chunk, pack_payload

EXAMPLES = int(os.environ.get("OTLP_FUZZ_EXAMPLES", "150"))
NOW_NS = 1_795_465_000_000_000_000
CHECKS = settings(max_examples=EXAMPLES, deadline=2000, suppress_health_check=list(HealthCheck))

KEYS = sorted(
    {
        source.partition(" -> ")[0].replace(".*", ".k").replace(".N", ".0")
        for sources in SOURCES.values()
        for source in sources
    }
    | {key for key, _ in KIND_RULES}
    | {
        "llm.input_messages.0.message.role",
        "llm.input_messages.0.message.content",
        "llm.input_messages.3.message.contents.1.message_content.type",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments",
        "llm.input_messages.999999999.message.content",
        "gen_ai.prompt.0.tool_calls.0.name",
        "embedding.embeddings.0.embedding.vector",
        "logfire.msg",
        "logfire.span_type",
        "otel",
    }
)
KINDS = sorted({value for _, meanings in KIND_RULES for value in meanings})
EVENT_NAMES = [
    "exception",
    "gen_ai.choice",
    "gen_ai.user.message",
    "gen_ai.content.prompt",
    "gen_ai.evaluation.result",
    "First Token Stream Event",
    "gen_ai.client.inference.operation.details",
]

texts = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["", "\0", "\ud83d", "NaN", "null", '"x"', "[]", "{}", "1e999", "-5", "\u202eabc", *KINDS]
    ),
)
plain = st.one_of(
    st.none(),
    st.booleans(),
    texts,
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=True, allow_infinity=True),
)
MESSAGE_NAMES = """
    role content parts type tool_calls function arguments name id messages choices message text kwargs source
    image_url data output input embedding document score finish_reason tool_call evaluation total
    prompt_tokens
"""
OTLP_NAMES = """
    resourceSpans scopeSpans spans resource attributes key value arrayValue values kvlistValue stringValue
    intValue status events links traceId resourceLogs scopeLogs logRecords body
"""
message_names = st.sampled_from(MESSAGE_NAMES.split())
otlp_names = st.sampled_from(OTLP_NAMES.split())
nested = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(message_names, inner, max_size=4)),
    max_leaves=12,
)
json_texts = nested.map(json.dumps)
values = st.one_of(nested, json_texts, json_texts.map(json.dumps), json_texts.map(lambda text: text[:-1]))


def any_value(value: Any) -> Any:
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(item) for item in value]}}
    if isinstance(value, dict):
        pairs = [{"key": key, "value": any_value(inner)} for key, inner in value.items()]
        return {"kvlistValue": {"values": pairs}}
    names = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}
    return {names[type(value)]: str(value) if type(value) is int else value} if value is not None else {}


attributes = st.dictionaries(st.sampled_from(KEYS), values, max_size=8)
times = st.one_of(st.integers(0, 2**64 - 1), st.just(NOW_NS), st.none(), texts, st.floats())
spans = st.fixed_dictionaries(
    {
        "traceId": st.one_of(st.just("a" * 32), texts),
        "spanId": st.one_of(st.just("b" * 16), texts),
        "name": texts,
        "startTimeUnixNano": st.one_of(st.just(str(NOW_NS)), times),
        "endTimeUnixNano": st.one_of(st.just(str(NOW_NS)), times),
        "attributes": attributes,
        "events": st.lists(
            st.fixed_dictionaries({"name": st.sampled_from(EVENT_NAMES), "attributes": attributes}),
            max_size=2,
        ),
        "status": st.sampled_from([{}, {"code": 2, "message": "status_code: 429"}, {"code": 1}]),
        "flags": st.sampled_from([0, 0x100, 0x300]),
    }
)


def request_of(span: dict[str, Any]) -> bytes:
    def pairs(found: dict[str, Any]) -> list[Any]:
        return [{"key": key, "value": any_value(value)} for key, value in found.items()]

    wire = {
        **span,
        "attributes": pairs(span["attributes"]),
        "events": [{**event, "attributes": pairs(event["attributes"])} for event in span["events"]],
    }
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [wire]}]}]}).encode()


def keep(export: Any) -> None:
    """What ingest does with spans, without a disk."""
    for span in export.spans:
        if normalize(span, now_ns=NOW_NS) is None:
            orjson.loads(pack_payload(span))
            pack_chunk([PackedSpan(span, pack_payload(span))])


@CHECKS
@given(spans)
def test_any_span_of_known_names_and_wild_values_is_read_and_packed(span: dict[str, Any]) -> None:
    keep(export_of_spans(decode.read_spans_json(request_of(span))))


documents = st.recursive(
    plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(otlp_names, inner, max_size=4)),
    max_leaves=20,
)


def read_or_refuse(read: Any, export: Any, body: bytes) -> None:
    """What cannot be read is a 400, whatever it is."""
    try:
        keep(export(read(body)))
    except ProblemError as problem:
        if problem.status != 400:
            raise


@CHECKS
@given(documents)
def test_any_json_is_read_or_told_to_be_no_otlp(document: Any) -> None:
    body = json.dumps(document).encode()
    for read, export in ((decode.read_spans_json, export_of_spans), (decode.read_logs_json, export_of_logs)):
        read_or_refuse(read, export, body)


PROTOBUFS = [
    file.read_bytes()
    for file in sorted(CAPTURES.glob("*/body-1.bin"))
    if file.read_bytes()[:2] != b"\x1f\x8b" and 0 < file.stat().st_size < 20_000
]


changes_of_bytes = st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 255)), max_size=6)


@CHECKS
@given(st.sampled_from(PROTOBUFS), changes_of_bytes, st.integers(0, 20_000))
def test_real_bodies_with_broken_bytes_are_read_or_told_to_be_no_otlp(
    body: bytes, changes: list[tuple[int, int]], end: int
) -> None:
    broken = bytearray(body)
    for place, byte in changes:
        broken[place % len(broken)] = byte
    data = bytes(broken[: max(1, end % (len(broken) * 4))])
    for read, export in (
        (decode.read_spans_protobuf, export_of_spans),
        (decode.read_logs_protobuf, export_of_logs),
    ):
        read_or_refuse(read, export, data)


@CHECKS
@given(st.binary(max_size=200))
def test_any_bytes_are_json_or_are_told_not_to_be(data: bytes) -> None:
    read_or_refuse(parse_json, lambda _: export_of_spans([]), data)


@settings(max_examples=min(EXAMPLES, 400), deadline=5000, suppress_health_check=list(HealthCheck))
@given(spans, st.binary(max_size=60))
def test_over_http_the_answer_is_never_500(span: dict[str, Any], data: bytes) -> None:
    started = time.monotonic()
    assert post("/v1/traces", request_of(span), "application/json").status in (200, 400)
    assert post("/v1/traces", data, PROTOBUF).status in (200, 400)
    assert post("/v1/logs", data, PROTOBUF).status in (200, 400)
    assert time.monotonic() - started < 5
