"""Serving of static files, which begins with the first one asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

Answer = Callable[[HttpRequest], HttpResponseBase]


class StaticFiles:
    """WhiteNoise as middleware. It looks at every file when it is made: a start that takes spans in, or
    waits for a page, has other things to do.
    """

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response
        self._lock = threading.Lock()
        self._whitenoise: Any = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(settings.STATIC_URL):
            return self._get_response(request)
        response: HttpResponseBase = self._files()(request)
        return response

    def _files(self) -> Any:
        if self._whitenoise is None:
            with self._lock:
                if self._whitenoise is None:
                    from whitenoise.middleware import WhiteNoiseMiddleware  # noqa: PLC0415 - as said above

                    self._whitenoise = WhiteNoiseMiddleware(self._get_response)
        return self._whitenoise
