"""A conversation of streamed answers: time to first token and usage come by themselves.

Needs `pip install openai ./client` and a running server; see README.md for a run without a key.
"""

from openai import OpenAI

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.openai import wrap_openai

QUESTIONS = ["Tell me a story about a lighthouse.", "And what became of its keeper?"]


def main() -> str:
    with SyncTracerClient(api_key="project-dev") as tracer:
        openai = wrap_openai(OpenAI(), tracer)
        messages = []
        for question in QUESTIONS:  # a trace for each turn; the session holds them together
            messages.append({"role": "user", "content": question})
            with tracer.trace("story", input=question, session_id="reader-7", user_id="ada") as trace:
                trace.add_tag("streaming")
                answer = ""
                stream = openai.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True)
                for chunk in stream:
                    piece = chunk.choices[0].delta.content or ""
                    print(piece, end="", flush=True)
                    answer += piece
                print()
                trace.set_output(answer)
            messages.append({"role": "assistant", "content": answer})
    return trace.trace_id


if __name__ == "__main__":
    print("trace", main())
