from __future__ import annotations

import gzip
import io
import json
import zlib
from typing import Any

import pytest

from tests.api.calls import PROBLEM, Api, Zeros, call_wsgi, span_in
from traces_app.api.body import MAX_DISCARDED_BYTES, MAX_JSON_BYTES

BATCH = json.dumps({"spans": [span_in()]}).encode()
ACCEPTED = {"accepted": 1, "rejected": []}


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", BATCH),
        ("gzip", gzip.compress(BATCH)),
        ("GZIP", gzip.compress(BATCH)),
        ("gzip", gzip.compress(BATCH[:100]) + gzip.compress(BATCH[100:])),
        ("deflate", zlib.compress(BATCH)),
    ],
)
def test_bodies_are_inflated(api: Api, encoding: str, body: bytes) -> None:
    answer = api.post("/api/ingest", body, **{"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()) == (202, ACCEPTED)


def test_a_large_compressed_body_arrives_whole(api: Api) -> None:
    spans = [span_in(input=str(number) * 50_000) for number in range(100)]
    body = gzip.compress(json.dumps({"spans": spans}).encode(), 1)
    assert api.post("/api/ingest", body, **{"Content-Encoding": "gzip"}).json()["accepted"] == 100


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(BATCH)[:-20], gzip.compress(BATCH) + b"junk"])
def test_broken_compression_is_told(api: Api, body: bytes) -> None:
    answer = api.post("/api/ingest", body, **{"Content-Encoding": "gzip"})
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


def test_an_unknown_encoding_names_the_known_ones(api: Api) -> None:
    answer = api.post("/api/ingest", BATCH, **{"Content-Encoding": "br"})
    assert answer.status_code == 415
    assert (answer.json()["field"], answer.json()["limit"]) == (
        "Content-Encoding",
        "identity, gzip or deflate",
    )


def test_a_gzip_bomb_stops_at_the_limit(api: Api) -> None:
    bomb = gzip.compress(bytes(MAX_JSON_BYTES), 1)
    nested = bomb * 4  # 256 MiB in a quarter of a megabyte each
    answer = api.post("/api/ingest", nested, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert str(MAX_JSON_BYTES) in answer.json()["limit"]


def test_a_body_of_a_hundred_megabytes_is_refused_by_its_length() -> None:
    stream = Zeros(100_000_000)
    answer = call_wsgi("/api/ingest", stream, CONTENT_LENGTH="100000000")
    assert answer.status == 413
    assert "24 MiB" in answer.json()["limit"]
    assert stream.taken == 100_000_000  # heard to the end, kept nowhere: the client can read the answer


def test_what_is_listened_to_after_a_refusal_is_bounded() -> None:
    stream = Zeros(10 * MAX_DISCARDED_BYTES)
    assert call_wsgi("/api/ingest", stream, CONTENT_LENGTH=str(stream.size)).status == 413
    assert stream.taken < 1.1 * MAX_DISCARDED_BYTES


def test_a_chunked_body_is_read_where_the_server_ends_it() -> None:
    answer = call_wsgi(
        "/api/ingest",
        io.BytesIO(BATCH),
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input_terminated": True},
    )
    assert (answer.status, answer.json()) == (202, ACCEPTED)


def test_a_chunked_body_beyond_the_limit_is_refused() -> None:
    answer = call_wsgi(
        "/api/ingest",
        Zeros(MAX_JSON_BYTES + 1),
        HTTP_TRANSFER_ENCODING="chunked",
        **{"wsgi.input_terminated": True},
    )
    assert answer.status == 413


def test_a_chunked_body_that_cannot_be_read_is_never_taken_for_an_empty_one() -> None:
    answer = call_wsgi("/api/ingest", io.BytesIO(BATCH), HTTP_TRANSFER_ENCODING="chunked")
    assert (answer.status, answer.headers["Content-Type"]) == (411, PROBLEM)


def test_a_body_shorter_than_its_length_is_told() -> None:
    answer = call_wsgi("/api/ingest", io.BytesIO(BATCH), CONTENT_LENGTH=str(len(BATCH) + 1))
    assert (answer.status, answer.json()["title"]) == (400, "Body cut short")


@pytest.mark.parametrize("error", [ConnectionResetError, LookupError])
def test_a_connection_that_breaks_is_told(error: type[Exception]) -> None:
    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise error("as each server says it")

    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    answer = call_wsgi("/api/ingest", Broken(), **chunked)
    assert (answer.status, answer.json()["title"]) == (400, "Body cut short")


def test_no_second_request_is_read_from_the_connection() -> None:
    stream = io.BytesIO(BATCH + b"GET / HTTP/1.1")
    assert call_wsgi("/api/ingest", stream, CONTENT_LENGTH=str(len(BATCH))).status == 202
    assert stream.read() == b"GET / HTTP/1.1"


def test_djangos_own_upload_limit_does_not_interfere(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert api.post("/api/ingest", BATCH).status_code == 202


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"", "Not JSON"),
        (b"{", "Not JSON"),
        (b"<html>", "Not JSON"),
        (b"\xff\xfe\x00", "Not JSON"),
        (b'{"spans": [1e999]}', "Not JSON"),
        (b"[]", "Not a JSON object"),
        (b'"spans"', "Not a JSON object"),
        (b"null", "Not a JSON object"),
    ],
)
def test_what_is_no_json_object_is_told(api: Api, body: bytes, title: str) -> None:
    answer = api.post("/api/ingest", body)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert (answer.json()["title"], answer.json()["field"]) == (title, "body")


@pytest.mark.parametrize("start", [b"", b'{"cut": "\\ud83d", "deep": '])
def test_json_ten_thousand_levels_deep_names_the_limit(api: Api, start: bytes) -> None:
    answer = api.post("/api/ingest", start + b"[" * 10_000 + b"]" * 10_000)
    assert (answer.status_code, answer.json()["limit"]) == (400, "1024 levels")


def test_a_byte_order_mark_and_broken_utf8_are_repaired(api: Api) -> None:
    body = json.dumps({"spans": [span_in(input="caf?")]}).encode().replace(b"caf?", b"caf\xe9")
    assert api.post("/api/ingest", b"\xef\xbb\xbf" + body).json() == ACCEPTED


@pytest.mark.parametrize("length", ["-5", "abc", "9" * 30])
def test_a_length_that_is_none_is_told_never_taken_for_an_empty_body(length: str) -> None:
    assert call_wsgi("/api/ingest", io.BytesIO(BATCH), CONTENT_LENGTH=length).status == 400


def test_a_transfer_encoding_that_is_not_read_is_told() -> None:
    answer = call_wsgi("/api/ingest", io.BytesIO(BATCH), HTTP_TRANSFER_ENCODING="gzip, chunked")
    assert answer.status == 501
    assert "gzip, chunked" in answer.json()["detail"]
