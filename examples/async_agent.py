"""The asynchronous client around a call of a model. Needs `pip install openai ./client` and a running server.

Without an OpenAI key: see README.md, "Without a key".
"""

import asyncio
import os

from openai import AsyncOpenAI

from llm_tracer import TracerClient

MESSAGES = [
    {"role": "system", "content": "You are a travel agent. Answer in one sentence."},
    {"role": "user", "content": "What should I see in Lisbon in one day?"},
]


async def main() -> str:
    openai = AsyncOpenAI()
    async with TracerClient(
        base_url=os.environ.get("TRACER_URL", "http://localhost:8001"),  # or your Lambda URL
        api_key="project-dev",
    ) as tracer:
        async with tracer.trace("my-agent-run") as trace:
            async with trace.span("llm-call", "llm", model="gpt-4") as span:
                span.set_input(MESSAGES)
                response = await openai.chat.completions.create(model="gpt-4", messages=MESSAGES)
                span.set_output(
                    output_data={"response": response.choices[0].message.content},
                    tokens_input=response.usage.prompt_tokens,
                    tokens_output=response.usage.completion_tokens,
                )

            trace.set_output("Agent completed successfully")
    return trace.trace_id


if __name__ == "__main__":
    print("trace", asyncio.run(main()))
