"""Traces for benchmarks: varied real English prose (the topics of Python's own help), seeded."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pydoc_data import topics
from typing import Any

SENTENCES = [
    sentence.strip()
    for text in topics.topics.values()
    for sentence in re.split(r"(?<=[.!?])\s+", " ".join(text.split()))
    if 40 < len(sentence) < 400
]
MAX_QUESTION_CHARACTERS = 160
QUESTIONS = [sentence for sentence in SENTENCES if len(sentence) < MAX_QUESTION_CHARACTERS]


@contextmanager
def only_texts(part: int, parts: int) -> Iterator[None]:
    """Traces made within have one sentence in ``parts``, and share none with those of another part."""
    everything = SENTENCES[:], QUESTIONS[:]
    ordered = sorted(set(SENTENCES))  # so that those that begin alike are in one part
    SENTENCES[:] = ordered[part * len(ordered) // parts : (part + 1) * len(ordered) // parts]
    QUESTIONS[:] = [sentence for sentence in SENTENCES if len(sentence) < MAX_QUESTION_CHARACTERS]
    try:
        yield
    finally:
        SENTENCES[:], QUESTIONS[:] = everything


def prose(rng: random.Random, size: int) -> str:
    """About ``size`` characters of sentences that stand in no order."""
    words: list[str] = []
    length = 0
    while length < size:
        words.append(rng.choice(SENTENCES))
        length += len(words[-1]) + 1
    return " ".join(words)[:size]


def own_trace_id(rng: random.Random, start_ms: int) -> str:
    """As the client makes them: UUIDv7."""
    random_part = f"{rng.getrandbits(80):020x}"
    return f"{start_ms:012x}7{random_part[:3]}a{random_part[3:18]}"


def six_span_trace(rng: random.Random, start_ms: int) -> list[dict[str, Any]]:
    """An agent's run: retrieval, two calls of a model, a tool, a check; 3.9 KB of JSON a span on average.

    As in real runs what was retrieved, and what the tool said, stands in the messages of later calls.
    """
    trace_id = own_trace_id(rng, start_ms)
    question = rng.choice(QUESTIONS)
    answer = prose(rng, rng.randint(100, 1700))
    documents = [
        {"id": str(uuid.UUID(int=rng.getrandbits(128))), "content": prose(rng, 1200), "score": rng.random()}
        for _ in range(rng.randint(1, 5))
    ]
    context = "\n\n".join(document["content"] for document in documents)
    system = {"role": "system", "content": prose(rng, rng.randint(200, 1800))}
    history = [system, {"role": "user", "content": f"{context}\n\nQuestion: {question}"}]
    arguments = {"query": rng.choice(QUESTIONS), "limit": rng.randint(1, 50)}
    call = {"role": "assistant", "tool_calls": [{"id": "call_1", "name": "search", "arguments": arguments}]}
    result = {"rows": [prose(rng, rng.randint(100, 900)) for _ in range(4)]}
    spans = [
        span("support-agent", "agent", question, answer),
        span("retrieve", "retrieval", question, {"documents": documents}),
        span("plan", "llm", history, call, rng=rng),
        span("search", "tool", arguments, result),
        span("answer", "llm", [*history, call, {"role": "tool", "content": result}], answer, rng=rng),
        span("check", "guardrail", answer, {"passed": True, "why": prose(rng, 300)}),
    ]
    return list(placed(spans, rng, trace_id, start_ms))


def agent_trace(rng: random.Random, start_ms: int, turns: int = 30) -> list[dict[str, Any]]:
    """A loop of calls of a model and of a tool: each call is given all that was said before it."""
    question = rng.choice(QUESTIONS)
    history = [{"role": "system", "content": prose(rng, 3000)}, {"role": "user", "content": question}]
    spans = [span("agent", "agent", question, prose(rng, 600))]
    for _ in range(turns):
        arguments = {"query": rng.choice(QUESTIONS)}
        function = {"name": "search", "arguments": json.dumps(arguments)}
        call_id = f"call_{rng.getrandbits(96):024x}"
        said = {
            "role": "assistant",
            "content": prose(rng, rng.randint(60, 300)),
            "tool_calls": [{"id": call_id, "type": "function", "function": function}],
        }
        result = prose(rng, rng.randint(200, 2500))
        spans.append(span("chat", "llm", [*history], said, rng))
        spans.append(span("search", "tool", arguments, result))
        history += [said, {"role": "tool", "tool_call_id": call_id, "content": result}]
    return list(placed(spans, rng, own_trace_id(rng, start_ms), start_ms))


def span(name: str, kind: str, given: Any, got: Any, rng: random.Random | None = None) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": name, "kind": kind, "input": given, "output": got, "status": "ok"}
    if rng is not None:
        fields["model"] = rng.choice(["gpt-4o", "gpt-4o-mini", "claude-sonnet-4-5"])
        fields["usage"] = {"input_tokens": rng.randint(300, 3000), "output_tokens": rng.randint(20, 900)}
    return fields


def placed(
    spans: list[dict[str, Any]], rng: random.Random, trace_id: str, start_ms: int
) -> Iterator[dict[str, Any]]:
    """Ids, parents and times: the first span is the root of the others, which follow one another."""
    root_id = f"{rng.getrandbits(64):016x}"
    at_ns = start_ms * 1_000_000
    end_ns = at_ns + len(spans) * 10**9
    for number, fields in enumerate(spans):
        start_ns = at_ns + number * 800_000_000 + rng.randint(0, 10**6)
        yield {
            "trace_id": trace_id,
            "span_id": root_id if number == 0 else f"{rng.getrandbits(64):016x}",
            "parent_span_id": None if number == 0 else root_id,
            "start_time_unix_nano": start_ns,
            "end_time_unix_nano": end_ns if number == 0 else start_ns + rng.randint(10**6, 8 * 10**8),
            **fields,
        }


def moved(spans: list[Any], rng: random.Random, trace_id: str, start_ns: int) -> Iterator[Any]:
    """The spans of a stored trace once more, with other ids and at another time; the first is the root."""
    ids = {span.span_id: f"{rng.getrandbits(64):016x}" for span in spans}
    later_ns = start_ns - spans[0].start_ns
    for span in spans:
        yield replace(
            span,
            trace_id=trace_id,
            span_id=ids[span.span_id],
            parent_span_id=ids.get(span.parent_span_id),
            start_ns=span.start_ns + later_ns,
            end_ns=span.end_ns + later_ns,
        )


def eight_span_trace(rng: random.Random, start_ms: int, payload_bytes: int = 4096) -> list[dict[str, Any]]:
    """A root and seven calls, each span with about ``payload_bytes`` of input and output."""
    spans = [
        span(
            f"step {number}",
            "llm" if number else "agent",
            [{"role": "user", "content": prose(rng, payload_bytes * 3 // 4)}],
            prose(rng, payload_bytes // 4),
            rng=rng,
        )
        for number in range(8)
    ]
    return list(placed(spans, rng, own_trace_id(rng, start_ms), start_ms))
