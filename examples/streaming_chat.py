"""A streamed answer: time to first token, and usage from the last chunk.

Needs `pip install openai ./client` and a running server; see async_agent.py for a run without a key.
"""

import openai

from llm_tracer import SyncTracerClient

MESSAGES = [{"role": "user", "content": "Tell me a story about a lighthouse."}]


def main() -> str:
    with SyncTracerClient(api_key="project-dev") as tracer:
        with tracer.trace("story", session_id="reader-7", user_id="ada", tags=["streaming"]) as trace:
            with trace.span("write", "llm", model="gpt-4o-mini", input_data=MESSAGES) as span:
                pieces = []
                usage = None
                stream = openai.chat.completions.create(
                    model="gpt-4o-mini",
                    messages=MESSAGES,
                    stream=True,
                    stream_options={"include_usage": True},
                )
                for chunk in stream:
                    if chunk.choices and chunk.choices[0].delta.content:
                        if not pieces:
                            span.mark_first_token()
                        pieces.append(chunk.choices[0].delta.content)
                    usage = chunk.usage or usage
                span.set_output(
                    output_data={"role": "assistant", "content": "".join(pieces)},
                    tokens_input=usage.prompt_tokens,
                    tokens_output=usage.completion_tokens,
                )
            trace.set_output("".join(pieces))
    return trace.trace_id


if __name__ == "__main__":
    print("trace", main())
