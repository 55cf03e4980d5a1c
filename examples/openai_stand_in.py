"""A stand-in for the OpenAI API on http://localhost:8099/v1: real HTTP and streams, fixed answers.

For trying the examples without a key, and for their tests. Tokens are counted as words.
"""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Start in Alfama, ride tram 28, eat a custard tart in Belém and watch the sun set from Graça."


class StandIn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        request = json.loads(self.rfile.read(length))
        if self.path != "/v1/chat/completions":
            self.answer(404, {"error": {"message": f"no such path: {self.path}"}})
        elif request.get("stream"):
            self.stream(chunks(request))
        else:
            self.answer(200, completion(request))

    def answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def stream(self, events: Iterator[dict[str, Any]]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for event in events:
            self.wfile.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def usage(request: dict[str, Any]) -> dict[str, int]:
    asked = sum(len(str(message["content"]).split()) for message in request["messages"])
    answered = len(ANSWER.split())
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}


def envelope(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": request["model"]}


def completion(request: dict[str, Any]) -> dict[str, Any]:
    message = {"role": "assistant", "content": ANSWER}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return envelope(request, "chat.completion") | {"choices": [choice], "usage": usage(request)}


def chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    base = envelope(request, "chat.completion.chunk")
    for word in ANSWER.split():
        yield base | {"choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}]}
    yield base | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield base | {"choices": [], "usage": usage(request)}


def serve(port: int) -> ThreadingHTTPServer:
    """A server that answers once its serve_forever runs; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), StandIn)


if __name__ == "__main__":
    server = serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8099)
    print(f"OPENAI_BASE_URL=http://localhost:{server.server_port}/v1 OPENAI_API_KEY=any")
    server.serve_forever()
