"""A stand-in for the APIs of OpenAI and Anthropic on http://localhost:8099: real HTTP, fixed answers.

For trying the examples without a key, and for their tests. Tokens are counted as words. It answers with a
sentence; offered tools, it calls the first one and answers when it is told the result.
"""

import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Start in Alfama, ride tram 28, eat a custard tart in Belém and watch the sun set from Graça."
THOUGHT = "One day is short, so the old town comes first."
ARGUMENTS = {"city": "Lisbon", "query": "what to see"}
VECTOR_SIZE = 64


class StandIn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        path = self.path.partition("?")[0]
        if path.endswith("/chat/completions"):
            self.reply(request, chat_completion(request), chat_chunks(request))
        elif path.endswith("/responses"):
            self.reply(request, response(request), response_events(request))
        elif path.endswith("/messages"):
            self.reply(request, message(request), message_events(request))
        elif path.endswith("/embeddings"):
            self.answer(200, embeddings(request))
        else:
            self.answer(404, {"error": {"message": f"no such path: {self.path}"}})

    def reply(self, request: dict[str, Any], whole: dict[str, Any], pieces: Iterator[dict[str, Any]]) -> None:
        if request.get("stream"):
            self.stream(pieces)
        else:
            self.answer(200, whole)

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
            name = f"event: {event['type']}\n" if "type" in event else ""
            self.wfile.write(f"{name}data: {json.dumps(event)}\n\n".encode())
            self.wfile.flush()
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def words(value: Any) -> int:
    return len(str(value).split())


def is_told_result(messages: list[dict[str, Any]]) -> bool:
    return messages[-1]["role"] == "tool" or "tool_result" in str(messages[-1]["content"])


def tool_to_call(request: dict[str, Any]) -> tuple[str, dict[str, str]] | None:
    """The first tool on offer, unless its result is there already; in either provider's form."""
    if not request.get("tools") or is_told_result(request["messages"]):
        return None
    tool = request["tools"][0].get("function", request["tools"][0])
    schema = tool.get("parameters") or tool.get("input_schema") or {}
    return tool["name"], {name: ARGUMENTS.get(name, "") for name in schema.get("properties", {})}


# The chat completions of OpenAI


def chat_usage(request: dict[str, Any]) -> dict[str, Any]:
    asked = sum(words(message["content"]) for message in request["messages"])
    answered = words(ANSWER)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "total_tokens": asked + answered,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }


def chat_envelope(request: dict[str, Any], kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": 1, "model": request["model"]}


def chat_completion(request: dict[str, Any]) -> dict[str, Any]:
    called = tool_to_call(request)
    said: dict[str, Any] = {"role": "assistant", "content": ANSWER}
    if called:
        function = {"name": called[0], "arguments": json.dumps(called[1])}
        said = {"role": "assistant", "content": None}
        said["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
    choice = {"index": 0, "message": said, "finish_reason": "tool_calls" if called else "stop"}
    return chat_envelope(request, "chat.completion") | {"choices": [choice], "usage": chat_usage(request)}


def chat_chunks(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    base = chat_envelope(request, "chat.completion.chunk")
    called = tool_to_call(request)
    for delta in tool_deltas(*called) if called else ({"content": f"{word} "} for word in ANSWER.split()):
        yield base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if called else "stop"
    yield base | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    if (request.get("stream_options") or {}).get("include_usage"):
        yield base | {"choices": [], "usage": chat_usage(request)}


def tool_deltas(name: str, arguments: dict[str, str]) -> Iterator[dict[str, Any]]:
    yield {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": name}}]}
    text = json.dumps(arguments)
    for piece in (text[:5], text[5:]):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


# The responses and the embeddings of OpenAI


def response(request: dict[str, Any], status: str = "completed") -> dict[str, Any]:
    content = [{"type": "output_text", "text": ANSWER, "annotations": []}]
    said = {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}
    asked, answered = words(request["input"]), words(ANSWER)
    usage = {"input_tokens": asked, "output_tokens": answered, "total_tokens": asked + answered}
    details = {"input_tokens_details": {"cached_tokens": 1}, "output_tokens_details": {"reasoning_tokens": 3}}
    is_over = status == "completed"
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": request["model"],
        "output": [said] if is_over else [],
        "usage": usage | details if is_over else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def response_events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    said = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": response(request, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": said},
        {"type": "response.content_part.added", "part": part} | place,
    ]
    for word in ANSWER.split():
        delta = {"type": "response.output_text.delta", "delta": f"{word} ", "logprobs": []}
        events.append(delta | place)
    events.append({"type": "response.completed", "response": response(request)})
    for number, event in enumerate(events):
        yield event | {"sequence_number": number}


def embeddings(request: dict[str, Any]) -> dict[str, Any]:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    data = [{"object": "embedding", "index": i, "embedding": vector(text)} for i, text in enumerate(texts)]
    usage = {"prompt_tokens": words(texts), "total_tokens": words(texts)}
    return {"object": "list", "data": data, "model": request["model"], "usage": usage}


def vector(text: str) -> list[float]:
    """Counts words by the sum of their letters: texts that share words lie near each other."""
    counts = [0.0] * VECTOR_SIZE
    for word in text.lower().split():
        counts[sum(word.strip(".,?!").encode()) % VECTOR_SIZE] += 1
    return counts


# The messages of Anthropic


def message(request: dict[str, Any]) -> dict[str, Any]:
    called = tool_to_call(request)
    blocks: list[dict[str, Any]] = []
    if request.get("thinking", {}).get("type") == "enabled":
        blocks.append({"type": "thinking", "thinking": THOUGHT, "signature": "c2lnbmVk"})
    if called:
        blocks.append({"type": "tool_use", "id": "toolu_1", "name": called[0], "input": called[1]})
    else:
        blocks.append({"type": "text", "text": ANSWER})
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": blocks,
        "stop_reason": "tool_use" if called else "end_turn",
        "stop_sequence": None,
        "usage": message_usage(request),
    }


def message_usage(request: dict[str, Any]) -> dict[str, int]:
    """Cached tokens are counted beside the input, as Anthropic does."""
    asked = sum(words(said["content"]) for said in request["messages"])
    cached = words(request["system"]) if "cache_control" in str(request.get("system")) else 0
    usage = {"input_tokens": asked, "output_tokens": words(ANSWER)}
    return usage | {"cache_read_input_tokens": cached, "cache_creation_input_tokens": 0}


def message_events(request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    whole = message(request)
    begun = whole | {"content": [], "stop_reason": None, "usage": whole["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": begun}
    for index, block in enumerate(whole["content"]):
        yield {"type": "content_block_start", "index": index, "content_block": empty(block)}
        for delta in deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    end = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": words(ANSWER)}}
    yield {"type": "message_stop"}


def empty(block: dict[str, Any]) -> dict[str, Any]:
    emptied = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {name: emptied.get(name, value) for name, value in block.items()}


def deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "text":
        for word in block["text"].split():
            yield {"type": "text_delta", "text": f"{word} "}
    elif block["type"] == "thinking":
        yield {"type": "thinking_delta", "thinking": block["thinking"]}
        yield {"type": "signature_delta", "signature": block["signature"]}
    else:
        text = json.dumps(block["input"])
        for piece in (text[:5], text[5:]):
            yield {"type": "input_json_delta", "partial_json": piece}


def serve(port: int) -> ThreadingHTTPServer:
    """A server that answers once its serve_forever runs; port 0 takes a free one."""
    return ThreadingHTTPServer(("127.0.0.1", port), StandIn)


if __name__ == "__main__":
    server = serve(int(sys.argv[1]) if len(sys.argv) > 1 else 8099)
    address = f"http://localhost:{server.server_port}"
    print(
        f"OPENAI_BASE_URL={address}/v1 OPENAI_API_KEY=any ANTHROPIC_BASE_URL={address} ANTHROPIC_API_KEY=any"
    )
    server.serve_forever()
