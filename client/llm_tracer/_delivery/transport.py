"""One POST and what the server's answer means for the batch. Only this module knows httpx."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from llm_tracer._delivery.batch import GZIP_MAGIC
from llm_tracer._sampling import Sampling, thinning_of
from llm_tracer._settings import Settings
from llm_tracer._version import __version__

if TYPE_CHECKING:
    import httpx

THREAD_NAME: Final = "llm-tracer"
INGEST_PATH: Final = "/api/ingest"
MAX_ANSWER_BYTES: Final = 1_000_000
MAX_MESSAGE_CHARACTERS: Final = 300

_REASONS: Final = {401: "unauthorized", 403: "forbidden", 413: "too_large", 400: "invalid", 422: "invalid"}
_RETRIED: Final = frozenset({408, 425, 429})
_LIMITED: Final = 429
_MISTAKE: Final = 500


class Answer(NamedTuple):
    """What became of a batch, in words that do not depend on HTTP."""

    outcome: Literal["delivered", "refused", "failed"]
    reason: str = ""
    message: str = ""
    rejected: tuple[dict[str, Any], ...] = ()
    """Of a delivered batch: ``{index, span_id, field, reason}`` of each span the server did not take."""
    retry_after_seconds: float | None = None
    is_limited: bool = False
    is_unreachable: bool = False
    is_mistake: bool = False
    """The server failed at this very batch (500), rather than being busy or away."""
    thinning: Sampling | None = None
    """Of a delivered batch: which plain traces the server keeps without their contents, if any."""


class Transport:
    """Sends batches over one kept connection, which the sending thread makes and uses."""

    def __init__(self, settings: Settings, transport: httpx.BaseTransport | None) -> None:
        _import_httpx()
        self._settings = settings
        self._transport = transport
        self._http: httpx.Client | None = None

    def warm_up(self) -> None:
        """Makes the HTTP client, so that the first batch does not wait for it."""
        with suppress(Exception):  # a proxy or certificate that httpx refuses: ``post`` will say so
            self._open()

    def post(self, body: bytes) -> Answer:
        """Sends one batch. Never raises: a custom transport, or an application in it, may raise anything."""
        try:
            return self._post(body)
        except Exception as error:  # noqa: BLE001 - see above
            message = f"cannot reach {self._settings.shown_url}: {type(error).__name__}: {error}"
            return Answer("failed", message=message, is_unreachable=type(error).__name__ == "ConnectError")

    def close(self) -> None:
        """Closes the connection; a transport that the host gave stays the host's."""
        if self._http is not None and self._transport is None:
            self._http.close()
        self._http = None

    def abandon(self) -> object:
        """For the child of a fork: forgets the connection it shares with its parent, without closing it."""
        http, self._http = self._http, None
        return http

    def _post(self, body: bytes) -> Answer:
        headers = {"Content-Encoding": "gzip"} if body.startswith(GZIP_MAGIC) else None
        with self._open().stream("POST", INGEST_PATH, content=body, headers=headers) as response:
            return read_answer(response.status_code, response.headers, _read_capped(response))

    def _open(self) -> httpx.Client:
        self._http = self._http or _make_http_client(self._settings, self._transport)
        return self._http


def read_answer(status: int, headers: httpx.Headers, content: bytes) -> Answer:
    """The meaning of an HTTP answer (status, headers, body) for the batch."""
    document = _json_object(content)
    message = _message(status, document, headers)
    if 200 <= status < 300:  # noqa: PLR2004 - the range is HTTP's
        if document is None:
            return Answer("failed", message=f"the answer ({status}) is not LLM Tracer's; check TRACER_URL")
        thinning = thinning_of(document.get("budget"))
        return Answer("delivered", rejected=tuple(_rejections(document)), thinning=thinning)
    if status >= 500 or status in _RETRIED:  # noqa: PLR2004 - as above
        return Answer(
            "failed",
            message=message,
            retry_after_seconds=retry_after_seconds(headers.get("retry-after"), time.time()),
            is_limited=status == _LIMITED,
            is_mistake=status == _MISTAKE,
        )
    return Answer("refused", _REASONS.get(status, f"http_{status}"), message)


def retry_after_seconds(value: str | None, now_unix: float) -> float | None:
    """RFC 9110, 10.2.3: a number of seconds or a date; ``None`` for anything else."""
    if not value:
        return None
    try:
        return float(int(value))
    except ValueError:
        pass
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - hardly ever needed

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now_unix)
    except (TypeError, ValueError, OverflowError):
        return None


def _import_httpx() -> None:
    """Import what sending needs in the thread that makes the client, never in ours.

    Libraries look into ``sys.modules`` for httpx and would find half a module (openai does), and the child of
    a fork would keep that half for ever.
    """
    import certifi  # noqa: F401, PLC0415 - httpx imports these three when it first connects
    import httpcore  # noqa: F401, PLC0415
    import httpx  # noqa: F401, PLC0415 - not when llm_tracer is imported: it takes 100 ms

    "".encode("idna")


def _make_http_client(settings: Settings, transport: httpx.BaseTransport | None) -> httpx.Client:
    import httpx  # noqa: PLC0415 - see above: it is there already

    logging.getLogger("httpx").addFilter(_is_not_ours)
    headers = {"User-Agent": f"llm-tracer-python/{__version__}", "Content-Type": "application/json"}
    if settings.api_key:
        headers["X-API-Key"] = settings.api_key
    return httpx.Client(
        base_url=settings.base_url,
        headers=headers,
        timeout=settings.timeout_seconds,
        transport=transport,
        verify=settings.base_url.startswith("https:"),  # reading certificates takes 20 ms
        trust_env=not settings.is_loopback,
    )


def _is_not_ours(record: logging.LogRecord) -> bool:
    """The log of httpx has a line for each request; the host asked for the log of its own requests only."""
    return record.threadName != THREAD_NAME


def _read_capped(response: httpx.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > MAX_ANSWER_BYTES:
            break
    return bytes(content)


def _json_object(content: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _rejections(document: dict[str, Any]) -> list[dict[str, Any]]:
    rejected = document.get("rejected")
    return [item for item in rejected if isinstance(item, dict)] if isinstance(rejected, list) else []


def _message(status: int, document: dict[str, Any] | None, headers: httpx.Headers) -> str:
    problem = document or {}
    words = problem.get("detail") or problem.get("title") or headers.get("location") or ""
    return f"HTTP {status} {words}".strip()[:MAX_MESSAGE_CHARACTERS]
