"""POST /embeddings: the vectors are not kept, only how many there are and of which size."""

from __future__ import annotations

import base64
from typing import Any, Final

from llm_tracer.integrations._endpoint import Answer, Document, Endpoint, Question, listed, mapped, split

_BYTES_PER_NUMBER: Final = 4
"""Base64 holds 32-bit floats."""


def question(body: Document) -> Question:
    return Question(body.get("input"), None, split(body, "input", "encoding_format"))


def answer(document: Document) -> Answer:
    vectors = [mapped(item).get("embedding") for item in listed(document.get("data"))]
    usage = mapped(document.get("usage"))
    return Answer(
        output={"count": len(vectors), "dimensions": _dimensions(vectors[0]) if vectors else None},
        model=document.get("model"),
        usage={"input_tokens": usage.get("prompt_tokens")},
    )


def _dimensions(vector: Any) -> int | None:
    if isinstance(vector, str):
        return len(base64.b64decode(vector)) // _BYTES_PER_NUMBER
    return len(vector) if isinstance(vector, list) else None


EMBEDDINGS: Final = Endpoint(operation="embeddings", kind="embedding", question=question, answer=answer)
