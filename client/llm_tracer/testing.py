"""For tests of code that traces: captured spans without a server.

captured = CapturedSpans()
tracer = SyncTracerClient(api_key="project-test", transport=captured)
...
tracer.flush()
assert captured.one("call")["output"] == {"text": "..."}
"""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx

__all__ = ["CapturedSpans"]


class CapturedSpans(httpx.BaseTransport):
    """A server that takes everything. Spans are dicts in the form of ``POST /api/ingest``."""

    def __init__(self) -> None:
        self.batches: list[dict[str, Any]] = []

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The newest record of each span, in the order in which the spans first came."""
        newest: dict[tuple[str, str], dict[str, Any]] = {}
        for batch in self.batches:
            newest.update({(span["trace_id"], span["span_id"]): span for span in batch["spans"]})
        return list(newest.values())

    def one(self, name: str) -> dict[str, Any]:
        """The only span of that name; ``LookupError`` if there is none or several."""
        found = [span for span in self.spans if span["name"] == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are named {name!r}, of {[s['name'] for s in self.spans]}")
        return found[0]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.batches.append(json.loads(body))
        return httpx.Response(202, json={"accepted": len(self.batches[-1]["spans"]), "rejected": []})
