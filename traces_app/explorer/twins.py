"""The JSON beside every page: the same answer for programs."""

from __future__ import annotations

import dataclasses
from typing import Any, Final

from django.http import HttpResponse, HttpResponseBase, JsonResponse

from traces_app.domain.documents import span_json, summary_json
from traces_app.domain.tree import TreeRow
from traces_app.queries import StoreUnavailable, StoreUnusable

UNUSABLE_RETRY_AFTER_S: Final = 30

__all__ = ["advertise", "problem", "row_json", "span_json", "summary_json"]

_ROW_FACTS = (
    "depth",
    "child_count",
    "is_orphan",
    "offset_ns",
    "self_ns",
    "descendant_error_count",
    "is_rollup",
    "subtree_total_tokens",
    "subtree_cost_usd",
)
_HEAD_FIELDS = (
    "span_id",
    "parent_span_id",
    "name",
    "display_name",
    "kind",
    "start_ns",
    "end_ns",
    "duration_ns",
    "status",
    "error",
    "model",
    "provider",
    "usage",
    "cost_usd",
    "cost_source",
    "time_to_first_token_ms",
    "tool",
    "user_id",
    "session_id",
)


def row_json(row: TreeRow) -> dict[str, Any]:
    """A tree row: the span's head and its place. Payloads are in the span's own JSON."""
    head = {name: getattr(row.span, name) for name in _HEAD_FIELDS}
    if row.span.usage is not None:
        head["usage"] = dataclasses.asdict(row.span.usage)
    return head | {name: getattr(row, name) for name in _ROW_FACTS}


def advertise(response: HttpResponseBase, json_address: str) -> HttpResponseBase:
    """Say where the page's JSON is."""
    response.headers["Link"] = f'<{json_address}>; rel="alternate"; type="application/json"'
    return response


def problem(status: int, title: str, detail: str) -> HttpResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JsonResponse(body, status=status, content_type="application/problem+json")


def unavailable(error: StoreUnavailable | StoreUnusable) -> HttpResponse:
    """503, with when to come again."""
    response = problem(
        503, "Store unavailable", "The store does not answer. Ask again after Retry-After seconds."
    )
    response.headers["Retry-After"] = str(retry_after_s(error))
    return response


def retry_after_s(error: StoreUnavailable | StoreUnusable) -> int:
    """Of a store that somebody has to set up first, a guess."""
    return error.retry_after_seconds if isinstance(error, StoreUnavailable) else UNUSABLE_RETRY_AFTER_S
