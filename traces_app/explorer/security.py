"""Headers that make hostile content harmless even where escaping fails; a page for a store that is down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse

from traces_app.queries import StoreUnavailable, StoreUnusable

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src data:; "
    "connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
API_PREFIX: Final = "/api/"
"""The API's own pages (its OpenAPI reader) choose their policy themselves."""


class PageGuard:
    """Middleware for everything outside the API: the policy, no copies kept, and 503 as a page."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        if not request.path_info.startswith(API_PREFIX):
            response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
            response.headers.setdefault("Cache-Control", "no-store")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, StoreUnavailable | StoreUnusable) and not request.path_info.startswith(
            API_PREFIX
        ):
            from traces_app.explorer.refusals import show_unavailable  # noqa: PLC0415 - only pages load pages

            return show_unavailable(request, exception)
        return None


class Sessions(SessionMiddleware):  # type: ignore[misc, unused-ignore]
    """Django's. It stores the session behind the view, where a store that is down would be a 500."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        try:
            return super().process_response(request, response)
        except (StoreUnavailable, StoreUnusable) as error:
            from traces_app.explorer.refusals import show_unavailable  # noqa: PLC0415 - only pages load pages

            return show_unavailable(request, error)
