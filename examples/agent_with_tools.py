"""An agent that calls tools until it can answer: each turn of the model and each tool is a span.

Needs `pip install anthropic ./client` and a running server; see README.md for a run without a key.
"""

from typing import Any

from anthropic import Anthropic

from llm_tracer import SyncTracerClient, Trace
from llm_tracer.integrations.anthropic import wrap_anthropic

MODEL = "claude-sonnet-5"
MAX_TURNS = 5
TOOLS = [
    {
        "name": "get_weather",
        "description": "The weather of a city, now.",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    }
]


def get_weather(city: str) -> str:
    return f"{city}: sunny, 24 degrees, a light wind from the sea"


def main() -> str:
    with SyncTracerClient(api_key="project-dev") as tracer:
        anthropic = wrap_anthropic(Anthropic(), tracer)  # from here on its calls are spans
        question = "Is this a good day for Lisbon, and what should I see?"
        messages = [{"role": "user", "content": question}]
        with tracer.trace("travel-agent", input=question, span_type="agent", tags=["tools"]) as trace:
            for _ in range(MAX_TURNS):
                answer = anthropic.messages.create(
                    model=MODEL,
                    max_tokens=2_000,
                    thinking={"type": "enabled", "budget_tokens": 1_024},
                    system="You are a travel agent. Look at the weather first. Answer in one sentence.",
                    messages=messages,
                    tools=TOOLS,
                )
                messages.append({"role": "assistant", "content": answer.content})
                if answer.stop_reason != "tool_use":
                    break
                messages.append({"role": "user", "content": results_of_tools(trace, answer.content)})
            trace.set_output("".join(block.text for block in answer.content if block.type == "text"))
    return trace.trace_id


def results_of_tools(trace: Trace, content: list[Any]) -> list[dict[str, Any]]:
    """Runs what the model asked for. The span of a tool names the call, so that each leads to the other."""
    results = []
    for call in content:
        if call.type == "tool_use":
            with trace.span(call.name, "tool", input_data=call.input) as span:
                span.set_tool(call.name, call_id=call.id)
                result = get_weather(**call.input)
                span.set_output(result)
            results.append({"type": "tool_result", "tool_use_id": call.id, "content": result})
    return results


if __name__ == "__main__":
    print("trace", main())
