"""Retrieval-augmented generation: embed the question, find passages, answer from them.

Needs `pip install openai ./client` and a running server; see README.md for a run without a key.
"""

from typing import Any

from openai import OpenAI

from llm_tracer import SyncTracerClient
from llm_tracer.integrations.openai import wrap_openai

EMBEDDER = "text-embedding-3-small"
PASSAGES = [
    "Alfama is the oldest quarter of Lisbon; its lanes survived the earthquake of 1755.",
    "Tram 28 climbs from Martim Moniz through Graça and Alfama to Estrela.",
    "The custard tarts of Belém have been baked to the same recipe since 1837.",
    "Porto lies three hours to the north and is known for its cellars.",
]


def embed(openai: OpenAI, texts: list[str]) -> list[list[float]]:
    return [item.embedding for item in openai.embeddings.create(model=EMBEDDER, input=texts).data]


def similarity(one: list[float], other: list[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def retrieve(tracer: SyncTracerClient, openai: OpenAI, question: str, count: int = 2) -> list[dict[str, Any]]:
    """The passages nearest to the question, with their scores; the span lists them as documents."""
    with tracer.span("search passages", "retrieval", input_data=question) as span:
        wanted, *known = embed(openai, [question, *PASSAGES])
        scored = [
            {"content": text, "score": round(similarity(wanted, vector), 3)}
            for text, vector in zip(PASSAGES, known, strict=True)
        ]
        found = sorted(scored, key=lambda passage: passage["score"], reverse=True)[:count]
        span.set_documents(found)
    return found


def main() -> str:
    with SyncTracerClient(api_key="project-dev") as tracer:
        openai = wrap_openai(OpenAI(), tracer)
        question = "Which tram climbs through Alfama?"
        with tracer.trace("ask-the-guide", input=question, tags=["rag"]) as trace:
            passages = "\n".join(found["content"] for found in retrieve(tracer, openai, question))
            answer = openai.chat.completions.create(
                model="gpt-4o-mini",
                temperature=0,
                messages=[
                    {"role": "system", "content": f"Answer from these passages only:\n{passages}"},
                    {"role": "user", "content": question},
                ],
            )
            trace.set_output(answer.choices[0].message.content)
    return trace.trace_id


if __name__ == "__main__":
    print("trace", main())
