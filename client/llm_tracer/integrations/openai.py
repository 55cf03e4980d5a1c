"""Calls of the ``openai`` package as spans.

from llm_tracer.integrations.openai import wrap_openai

client = wrap_openai(OpenAI(), tracer)
"""

from __future__ import annotations

from typing import Final

from llm_tracer._tracer import Tracer
from llm_tracer.integrations._openai_chat import CHAT
from llm_tracer.integrations._openai_embeddings import EMBEDDINGS
from llm_tracer.integrations._openai_responses import RESPONSES
from llm_tracer.integrations._wrapping import Client, Wrapping, unwrap, wrap

__all__ = ["unwrap", "wrap_openai"]

_ENDPOINTS: Final = {"/chat/completions": CHAT, "/responses": RESPONSES, "/embeddings": EMBEDDINGS}


def wrap_openai(client: Client, tracer: Tracer | None = None, *, ask_for_usage: bool = True) -> Client:
    """The same client (``OpenAI``, ``AsyncOpenAI``, ``AzureOpenAI`` ...); from now on its calls are traced.

    Traced are ``chat.completions``, ``responses`` and ``embeddings``, with ``create``, ``parse``,
    ``stream``, ``with_raw_response`` and ``with_streaming_response``. A call is a span below the one that is
    open where it is made, else a trace of its own. What the calls take, return and raise does not change.

    Without ``tracer`` spans go to the client whose span is open there, else to one that ``TRACER_URL`` and
    ``TRACER_API_KEY`` describe. ``ask_for_usage``: streamed chats are asked for their token counts, and the
    chunk that brings them is not shown to callers who did not ask; servers that refuse the question are
    asked again without it. Wrapping twice is wrapping once, with the newer arguments; ``unwrap`` undoes it.
    """
    return wrap(client, Wrapping(_ENDPOINTS, tracer, asks_for_usage=ask_for_usage))
