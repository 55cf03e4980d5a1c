"""Requests to the deployed function over HTTP: what a client, an exporter and a browser send."""

from __future__ import annotations

import gzip
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx

from llm_tracer import SyncTracerClient
from tests.aws.rehearsal.stage import Stage
from tests.builders import own_trace_id
from tests.otlp.exports import CAPTURES, PROTOBUF

GZIPPED_EXPORT = (CAPTURES / "oi-openai-chat" / "body-1.bin").read_bytes()
EXPORT = gzip.decompress(GZIPPED_EXPORT)
FIVE_MB = 5_000_000
ORIGIN = "https://llmtracerdev.lambda-url.us-east-1.on.aws"


def http(stage: Stage, key: str | None = None) -> httpx.Client:
    """With a key a program's, without one a browser's: that says which site a form is from."""
    headers = {"X-API-Key": key} if key else {"Origin": ORIGIN}
    return httpx.Client(base_url=stage.url, headers=headers, timeout=60)


def send_with_our_client(stage: Stage, key: str) -> str:
    """A trace with a model call and a tool, through the client's own pipeline."""
    tracer = SyncTracerClient(base_url=stage.url, api_key=key)
    with tracer.trace("rehearsed run") as trace:
        with trace.span("think", "llm", model="gpt-4o") as span:
            span.set_output(output_data={"text": "42"}, tokens_input=1200, tokens_output=80)
        with trace.span("look up", "tool") as span:
            span.set_output(output_data=["a", "b"])
        trace.set_output("done")
    tracer.close()
    return str(trace.trace_id)


def five_megabytes_of_spans(now_ns: int) -> bytes:
    """An OTLP export of 5 MB in protobuf, of prose that packs about as text does."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    trace_id = bytes.fromhex(own_trace_id(now_ns // 10**6, 5))
    while request.ByteSize() < FIVE_MB:
        span = spans.add(trace_id=trace_id, span_id=secrets.token_bytes(8), name="chat gpt-4o")
        span.start_time_unix_nano, span.end_time_unix_nano = now_ns - 10**9, now_ns
        attribute = span.attributes.add(key="input.value")
        attribute.value.string_value = secrets.token_hex(500) * 100
    return bytes(request.SerializeToString())


def log_in(stage: Stage, key: str) -> tuple[httpx.Client, list[str]]:
    """A browser that logged in by the form, and the Set-Cookie lines it was sent."""
    browser = http(stage)
    form = browser.get("/dashboard/login")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert token is not None
    lines = form.headers.get_list("set-cookie")
    for line in lines:  # over this gateway's plain HTTP no browser would send a Secure cookie back
        browser.cookies.set(*line.partition(";")[0].split("=", 1))
    landed = browser.post("/dashboard/login", data={"csrfmiddlewaretoken": token[1], "key": key, "next": ""})
    assert landed.status_code == 302, landed.text[:500]
    lines += landed.headers.get_list("set-cookie")
    for line in lines:
        browser.cookies.set(*line.partition(";")[0].split("=", 1))
    return browser, lines


def small_checks(stage: Stage, key: str) -> Iterator[tuple[str, bool]]:
    """Name and outcome of many single requests."""
    with http(stage, key) as client:
        yield from api_checks(client)
        yield from otlp_checks(client)
    with http(stage) as stranger:
        yield "no key: 401", stranger.get("/api/v1/traces").status_code == 401
        yield "another project's bare key: 401", answered(stranger, "project-dev") == 401
        yield "root leads to the dashboard", stranger.get("/").headers["location"] == "/dashboard/"
        yield "dashboard asks for a login", "login" in stranger.get("/dashboard/").headers["location"]
        yield "JSON twin asks for a login", stranger.get("/dashboard/traces.json").status_code == 401


def answered(client: httpx.Client, key: str) -> int:
    return client.get("/api/v1/traces", headers={"X-API-Key": key}).status_code


def api_checks(client: httpx.Client) -> Iterator[tuple[str, bool]]:
    health = client.get("/health")
    yield "health is JSON text", health.json()["storage"] == "dynamodb"
    yield "nosniff is sent", health.headers.get("x-content-type-options") in ("nosniff", None)
    stats = client.get("/api/v1/stats")
    yield "stats", stats.status_code == 200 and stats.json()["total_traces"] >= 1
    yield "repeated query keys", client.get("/api/v1/traces?tag=a&tag=b&name=x%20y%2Bz").status_code == 200
    yield "utf-8 in a query", client.get("/api/v1/traces", params={"name": "é ☃ 漢"}).status_code == 200
    yield "a wrong parameter is named", "limit" in client.get("/api/v1/traces?limit=x").text
    yield "OpenAPI document", client.get("/api/openapi.json").json()["info"]["title"] == "LLM Tracer"
    docs = client.get("/api/docs")
    scripts = re.findall(r'src="(/static/[^"]+)"', docs.text)
    yield "API page with local scripts", bool(scripts) and client.get(scripts[0]).status_code == 200
    yield "unknown API path", client.get("/api/nothing").headers["content-type"] == "application/problem+json"
    yield "unknown path", client.get("/nothing").status_code == 404
    yield "encoded path", client.get("/api/%C3%A9%2Fx").status_code == 404
    yield "method not allowed", client.delete("/api/ingest").status_code == 405
    yield "HEAD has no body", (head := client.head("/health")).status_code == 200 and not head.content
    yield "not JSON", client.post("/api/ingest", content=b"{").status_code == 400
    bad = client.post("/api/ingest", json={"spans": [{"name": "x"}]})
    yield "a bad span is named", bad.json()["rejected"] != []
    yield "deflate", packed(client, "deflate") == 400
    yield "unknown encoding", packed(client, "br") == 415
    yield "bearer key", client.get("/api/v1/stats", headers={"Authorization": "Bearer x"}).status_code == 200
    yield "no CORS for strangers", "access-control-allow-origin" not in cors(client).headers
    seed = client.post("/api/traces", json={"name": "old client"})
    yield "the original's API", seed.status_code in (200, 201)


def packed(client: httpx.Client, encoding: str) -> int:
    return client.post("/api/ingest", content=b"xx", headers={"Content-Encoding": encoding}).status_code


def cors(client: httpx.Client) -> httpx.Response:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    return client.options("/api/v1/traces", headers=headers)


def otlp_checks(client: httpx.Client) -> Iterator[tuple[str, bool]]:
    protobuf = {"Content-Type": PROTOBUF}
    plain = client.post("/v1/traces", content=EXPORT, headers=protobuf)
    yield "protobuf", plain.status_code == 200 and plain.headers["content-type"] == PROTOBUF
    packed_headers = protobuf | {"Content-Encoding": "gzip"}
    yield (
        "protobuf, gzip",
        client.post("/v1/traces", content=GZIPPED_EXPORT, headers=packed_headers).is_success,
    )
    pieces = iter([EXPORT[:1000], EXPORT[1000:]])
    yield "protobuf, chunked", client.post("/v1/traces", content=pieces, headers=protobuf).is_success
    langfuse = client.post("/api/public/otel/v1/traces", content=EXPORT, headers=protobuf)
    yield "protobuf, Langfuse's path", langfuse.is_success
    yield "OTLP JSON", client.post("/v1/traces", json={"resourceSpans": []}).json() == {}
    yield "logs", client.post("/v1/logs", content=b"", headers=protobuf).is_success
    yield "metrics are dropped", client.post("/v1/metrics", content=b"", headers=protobuf).is_success
    broken = client.post("/v1/traces", content=b"\xff" * 50, headers=protobuf)
    yield (
        "broken protobuf: google.rpc.Status",
        broken.status_code == 400 and broken.content[:2] == b"\x08\x03",
    )
    too_large = client.post("/v1/traces", content=secrets.token_bytes(5_000_000), headers=protobuf)
    yield "over 6 MB as base64: AWS itself says 413", too_large.status_code == 413
    bomb = gzip.compress(bytes(80 * 2**20))
    refused = client.post("/v1/traces", content=bomb, headers=packed_headers)
    yield "80 MB in 80 KB: 413", refused.status_code == 413
    yield (
        "wrong type",
        client.post("/v1/traces", content=b"x", headers={"Content-Type": "a/b"}).status_code == 415,
    )
    yield "GET: 405", client.get("/v1/traces").status_code == 405


def browser_checks(stage: Stage, key: str, trace_id: str) -> Iterator[tuple[str, bool]]:
    browser, lines = log_in(stage, key)
    with closing(browser):
        yield "cookies are Secure and HttpOnly", all("Secure" in it and "HttpOnly" in it for it in lines)
        names = [line.partition("=")[0] for line in lines[1:]]
        yield "each cookie is sent once", len(names) == len(set(names)) == 2
        page = browser.get("/dashboard/")
        yield "list of traces", page.status_code == 200 and "rehearsed run" in page.text
        yield "strict policy", "default-src 'none'" in page.headers["content-security-policy"]
        yield "HSTS", "max-age" in page.headers.get("strict-transport-security", "")
        trace = browser.get(f"/dashboard/t/{trace_id}")
        yield "one trace", trace.status_code == 200 and "think" in trace.text
        yield "its cost", "$" in trace.text
        yield "its JSON twin", browser.get(f"/dashboard/t/{trace_id}.json").json() is not None
        yield "problems", browser.get("/dashboard/problems").status_code == 200
        yield from static_checks(browser, page.text)
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        forged = browser.post("/dashboard/logout", data={"csrfmiddlewaretoken": "x"})
        yield "forged form: 403", forged.status_code == 403
        assert token is not None
        away = browser.post("/dashboard/logout", data={"csrfmiddlewaretoken": token[1]})
        yield "logged out", away.status_code == 302
        yield "the session is gone everywhere", browser.get("/dashboard/").status_code == 302


def static_checks(browser: httpx.Client, page: str) -> Iterator[tuple[str, bool]]:
    found = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    yield (
        "static names are hashed",
        len(found) > 4 and all(re.search(r"\.[0-9a-f]{12}\.", it) for it in found),
    )
    answers = [browser.get(address) for address in found]
    yield "every static file is there", all(answer.status_code == 200 for answer in answers)
    yield "for ever", all("immutable" in answer.headers["cache-control"] for answer in answers)
    css = next(address for address in found if address.endswith(".css"))
    packed_css = browser.get(css, headers={"Accept-Encoding": "gzip"})
    yield "gzip", packed_css.headers.get("content-encoding") == "gzip" and "{" in packed_css.text
    plain = browser.get(css, headers={"Accept-Encoding": "identity"})
    yield "and plain", "content-encoding" not in plain.headers and plain.text == packed_css.text
    same = browser.get(css, headers={"If-Modified-Since": plain.headers["last-modified"]})
    yield "304", same.status_code == 304
    yield "unhashed names are not served", browser.get("/static/explorer/base.css").status_code == 404
    yield "no way out of the folder", browser.get("/static/..%2f..%2fmanage.py").status_code == 404


def stored(stage: Stage, key: str, trace_id: str) -> Any:
    with http(stage, key) as client:
        return client.get(f"/api/v1/traces/{trace_id}").json()


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
