"""A believable workload: four programs that talk to models, a few users, and what goes wrong on some days.

Everything is sent through the real client; only the clock is told, so that a week of work takes seconds.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from llm_tracer import SyncTracerClient
from traces_app.domain.durations import MILLISECOND_NS
from traces_app.management.demo_texts import (
    ARTICLES,
    CODE_TASKS,
    CODER,
    CONVERSATIONS,
    FAILURES,
    RESEARCH_QUESTIONS,
    RESEARCHER,
    USERS,
)

Scenario = Callable[["Teller"], None]
DAYS: Final = 7
TOKENS_PER_CHARACTER: Final = 0.25


class Teller:
    """Tells one trace: opens spans through the client and moves a clock of its own forward."""

    def __init__(self, tracer: SyncTracerClient, rng: random.Random, start_ns: int) -> None:
        self.tracer = tracer
        self.rng = rng
        self.now_ns = start_ns

    @contextmanager
    def trace(self, name: str, **fields: Any) -> Iterator[Any]:
        start_ns = self.now_ns
        with self.tracer.trace(name, start_time_ns=start_ns, **fields) as trace:
            yield trace
            trace.set_times(start_ns, self.now_ns)

    @contextmanager
    def span(self, parent: Any, name: str, kind: str, ms: int = 0, **fields: Any) -> Iterator[Any]:
        """A child that takes ``ms`` besides what its own children take; a told failure ends it as an error."""
        start_ns = self.now_ns
        span = parent.span(name, kind, **fields)
        try:
            with span:
                try:
                    yield span
                finally:
                    self.now_ns += int(ms * self.rng.uniform(0.6, 1.8)) * MILLISECOND_NS
                    span.set_times(start_ns, self.now_ns)
        except ToldError:
            pass

    def llm(self, parent: Any, model: str, messages: list[dict[str, Any]], answer: Any, **usage: int) -> None:
        """A call of a model: tokens and time follow from what is said."""
        asked, said = _tokens(messages), _tokens(answer) + usage.get("reasoning_tokens", 0)
        wait_ms, name = self.rng.uniform(180, 700), f"chat {model}"
        with self.span(parent, name, "llm", 1200 + said * 9, model=model, input_data=messages) as span:
            span.set_model(model, parameters={"temperature": 0.2, "max_tokens": 4096})
            span.mark_first_token(wait_ms)
            reply = answer if isinstance(answer, dict) else {"role": "assistant", "content": answer}
            span.set_output(reply, tokens_input=asked, tokens_output=said, **usage)

    def tool(self, parent: Any, name: str, arguments: Any, result: Any, *, ms: int, failing: float) -> Any:
        """A call of a tool; what the model is told of it: the result, or that it failed."""
        with self.span(parent, name, "tool", ms, input_data=arguments) as span:
            span.set_tool(name, call_id=f"call_{self.rng.getrandbits(32):08x}")
            if self.rng.random() < failing:
                self.fail()
            span.set_output(result)
            return result
        return "The tool failed; go on without it."

    def fails(self, share: float) -> bool:
        return self.rng.random() < share

    def fail(self) -> None:
        """One of the failures that such programs meet."""
        error, message = self.rng.choice(FAILURES)
        raise type(error, (ToldError,), {"__module__": "builtins"})(message)


class ToldError(Exception):
    """A failure that belongs to the story."""


def support(teller: Teller) -> None:
    """A support chat: several traces of one session, each with the history so far."""
    conversation = teller.rng.choice(CONVERSATIONS)
    user = teller.rng.choice(USERS)
    session = f"chat-{teller.rng.getrandbits(24):06x}"
    history: list[dict[str, Any]] = [{"role": "system", "content": conversation["system"]}]
    for question, answer in conversation["turns"]:
        history.append({"role": "user", "content": question})
        with teller.trace(
            "support-chat", input=question, user_id=user, session_id=session, tags=["support"]
        ) as trace:
            _answer_with_tools(teller, trace, history, answer)
            trace.set_output(answer)
        history.append({"role": "assistant", "content": answer})
        teller.now_ns += teller.rng.randint(8_000, 60_000) * MILLISECOND_NS


def _answer_with_tools(teller: Teller, trace: Any, history: list[dict[str, Any]], answer: str) -> None:
    question = history[-1]["content"]
    with teller.span(trace, "search knowledge base", "retrieval", 90, input_data=question) as span:
        span.set_output(
            [{"id": f"kb-{n}", "score": 0.9 - n / 10, "content": text} for n, text in _found(teller)]
        )
    arguments = {"customer": "C-1042", "include": ["orders", "returns"]}
    call = {"id": "call_1", "type": "function", "function": {"name": "get_orders", "arguments": arguments}}
    teller.llm(trace, "gpt-4o-mini", history, {"role": "assistant", "content": None, "tool_calls": [call]})
    orders = {"orders": [{"id": "A-77", "state": "shipped", "carrier": "DHL", "eta": "2 days"}]}
    found = teller.tool(trace, "get_orders", arguments, orders, ms=140, failing=0.06)
    result = {"role": "tool", "tool_call_id": "call_1", "content": json.dumps(found)}
    turn = [*history, {"role": "assistant", "tool_calls": [call]}, result]
    teller.llm(trace, "gpt-4o", turn, answer, cache_read_tokens=_tokens(history) // 2)


def research(teller: Teller) -> None:
    """Agents that call agents: a planner, and a researcher for each part of the question."""
    question, parts = teller.rng.choice(RESEARCH_QUESTIONS)
    prompt = [{"role": "user", "content": question}]
    with teller.trace(
        "deep-research", input=question, user_id=teller.rng.choice(USERS), tags=["research"]
    ) as trace:
        with teller.span(trace, "planner", "agent", 20, input_data=question) as planner:
            plan = "\n".join(f"{n}. {part}" for n, part in enumerate(parts, 1))
            teller.llm(planner, "o3", prompt, plan, reasoning_tokens=teller.rng.randint(200, 2400))
            planner.set_output(parts)
        for part in parts:
            _research_part(teller, trace, part)
        teller.llm(trace, "claude-sonnet-4-5", prompt, " ".join(teller.rng.sample(ARTICLES, 3)))
        trace.set_output(teller.rng.choice(ARTICLES))


def _research_part(teller: Teller, trace: Any, part: str) -> None:
    with teller.span(trace, "researcher", "agent", 30, input_data=part) as agent:
        messages = [{"role": "system", "content": RESEARCHER}, {"role": "user", "content": part}]
        for _ in range(teller.rng.randint(1, 4)):
            hits = [{"title": text[:40], "snippet": text} for _, text in _found(teller)]
            told = teller.tool(agent, "web_search", {"query": part, "limit": 3}, hits, ms=600, failing=0.1)
            with teller.span(agent, "rerank", "reranker", 45, input_data=part) as span:
                span.set_output([0, 2, 1])
            messages.append({"role": "user", "content": f"Found: {json.dumps(told, ensure_ascii=False)}"})
        answer = teller.rng.choice(ARTICLES)
        teller.llm(agent, "claude-haiku-4-5", messages, answer)
        agent.set_output(answer)


def coding(teller: Teller) -> None:
    """A coding agent: a long loop of thinking, editing and testing, with a history that grows."""
    task, branch, steps = teller.rng.choice(CODE_TASKS)
    history = [{"role": "system", "content": CODER}, {"role": "user", "content": task}]
    with teller.trace("coding-agent", input=task, metadata={"branch": branch}) as trace:
        for turn in range(teller.rng.randint(3, 14)):
            thought, tool, arguments, result = steps[turn % len(steps)]
            cached = _tokens(history) * 4 // 5
            teller.llm(trace, "claude-sonnet-4-5", history, thought, cache_read_tokens=cached)
            history.append({"role": "assistant", "content": thought})
            told = teller.tool(trace, tool, arguments, result, ms=800, failing=0.08)
            history.append({"role": "user", "content": told})
        trace.set_output("All tests pass." if teller.fails(0.7) else "I could not make the last test pass.")


def indexing(teller: Teller) -> None:
    """The nightly job: load, split, embed, store; now and then it is stopped by a limit."""
    with teller.trace("nightly-index", tags=["batch", "nightly"], metadata={"source": "wiki"}) as trace:
        with teller.span(trace, "load pages", "function", 900) as span:
            span.set_output({"pages": 42})
        for batch in range(teller.rng.randint(2, 9)):
            texts = teller.rng.sample(ARTICLES, 3)
            with teller.span(
                trace, "embed", "embedding", 210, model="text-embedding-3-small", input_data=texts
            ) as span:
                if teller.fails(0.05):
                    teller.fail()
                span.set_output({"vectors": 3, "dimensions": 1536}, tokens_input=_tokens(texts))
            with teller.span(trace, "upsert", "function", 60, input_data={"batch": batch}) as span:
                span.set_output({"upserted": 3})
        trace.set_output({"indexed": True})


def moderation(teller: Teller) -> None:
    """A small check of what somebody wrote, by a model that no price table knows."""
    text = teller.rng.choice(ARTICLES)
    messages = [{"role": "user", "content": f"Is this acceptable?\n\n{text}"}]
    with teller.trace(
        "moderation", input=text, user_id=teller.rng.choice(USERS), tags=["guardrail"]
    ) as trace:
        with teller.span(trace, "policy check", "guardrail", 15, input_data=text) as guard:
            teller.llm(guard, "our-guard-7b", messages, "acceptable")
            guard.set_output({"acceptable": True})
        if teller.fails(0.04):
            trace.set_error("The policy service answered after the deadline")
        trace.set_output("acceptable")


SCENARIOS: Final[tuple[Scenario, ...]] = (
    support,
    support,
    research,
    coding,
    indexing,
    moderation,
    moderation,
)


def _found(teller: Teller) -> list[tuple[int, str]]:
    return list(enumerate(teller.rng.sample(ARTICLES, 3)))


def _tokens(value: Any) -> int:
    return max(1, int(len(str(value)) * TOKENS_PER_CHARACTER))
