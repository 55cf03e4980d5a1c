"""The stand-in of the examples; here it remembers what it was sent, and fails when a model's name says so."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

_spec = importlib.util.spec_from_file_location("model_stand_in", EXAMPLES / "model_stand_in.py")
assert _spec is not None
assert _spec.loader is not None
model_stand_in = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(model_stand_in)

ANSWER: str = model_stand_in.ANSWER
STREAMED_ANSWER = ANSWER + " "
ANSWERED_WORDS = len(ANSWER.split())
SLOW_SECONDS = 0.05


class Provider(ThreadingHTTPServer):
    """``model="status-429"`` is answered with that status; see ``_Handler`` for the others."""

    daemon_threads = True
    request_queue_size = 100

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = f"http://localhost:{self.server_port}"
        self.closed_early = threading.Event()

    def handle_error(self, *_: object) -> None:
        """A client that goes away in the middle of a stream is what some tests are about."""
        self.closed_early.set()


class _Handler(model_stand_in.StandIn):  # type: ignore[misc,name-defined]
    def reply(self, request: dict[str, Any], whole: dict[str, Any], pieces: Iterator[dict[str, Any]]) -> None:
        self.server.requests.append(request)
        self.server.headers.append({name.lower(): value for name, value in self.headers.items()})
        model = request["model"]
        if model.startswith("status-"):
            error = {"type": "some_error", "message": f"the provider says {model}"}
            self.answer(int(model.removeprefix("status-")), {"type": "error", "error": error})
        elif model == "refuses-usage" and "stream_options" in request:
            self.answer(400, {"error": {"message": "Unrecognized argument: stream_options"}})
        elif model in _ALTERED:
            self.answer(200, _ALTERED[model](whole))
        else:
            super().reply(request, whole, _troubled(model, pieces))


def _says_json(whole: dict[str, Any]) -> dict[str, Any]:
    whole["choices"][0]["message"]["content"] = '{"name": "Lisbon"}'
    return whole


_ALTERED: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "two-choices": lambda whole: whole | {"choices": whole["choices"] * 2},
    "says-json": _says_json,
    "fails-inside": lambda whole: (
        whole | {"status": "failed", "error": {"code": "x", "message": "no capacity"}}
    ),
    "garbage": lambda _: {"choices": "none", "content": 7, "usage": [], "output": {"a": 1}},
}


def _troubled(model: str, pieces: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """``breaks``: an error after some pieces; ``slow``: a pause before each."""
    for number, piece in enumerate(pieces):
        if model == "slow":
            time.sleep(SLOW_SECONDS)
        if model == "breaks" and number == 5:
            yield {
                "type": "error",
                "error": {"type": "overloaded_error", "message": "the provider broke off"},
            }
            return
        yield piece


def text_of(span: dict[str, Any]) -> str:
    """What the assistant said, in whichever shape."""
    output = span["output"]
    content = output["content"] if isinstance(output, dict) else output[-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def messages(text: str = "What should I see in Lisbon?") -> list[dict[str, Any]]:
    return json.loads(json.dumps([{"role": "user", "content": text}]))
