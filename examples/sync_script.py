"""The synchronous client, for scripts and notebooks (it also works where an event loop is running).

Needs `pip install openai ./client` and a running server; see README.md for a run without a key.
"""

import openai

from llm_tracer import SyncTracerClient

MESSAGES = [{"role": "user", "content": "Explain a vector database to a child."}]


def main() -> str:
    tracer = SyncTracerClient(api_key="project-dev")

    with tracer.trace("experiment-v1") as trace:
        with trace.span("gpt-4-call", "llm", model="gpt-4") as span:
            span.set_input(MESSAGES)
            response = openai.chat.completions.create(model="gpt-4", messages=MESSAGES)
            span.set_output(
                output_data={"content": response.choices[0].message.content},
                tokens_input=response.usage.prompt_tokens,
                tokens_output=response.usage.completion_tokens,
            )

    tracer.close()
    return trace.trace_id


if __name__ == "__main__":
    print("trace", main())
