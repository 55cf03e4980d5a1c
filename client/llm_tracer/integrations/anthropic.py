"""Calls of the ``anthropic`` package as spans.

from llm_tracer.integrations.anthropic import wrap_anthropic

client = wrap_anthropic(Anthropic(), tracer)
"""

from __future__ import annotations

from typing import Final

from llm_tracer._tracer import Tracer
from llm_tracer.integrations._anthropic_messages import MESSAGES
from llm_tracer.integrations._wrapping import Client, Wrapping, unwrap, wrap

__all__ = ["unwrap", "wrap_anthropic"]

_ENDPOINTS: Final = {"/v1/messages": MESSAGES}


def wrap_anthropic(client: Client, tracer: Tracer | None = None) -> Client:
    """The same client (``Anthropic``, ``AsyncAnthropic``, those of Bedrock and Vertex); its calls are traced.

    Traced is ``messages`` (also ``beta.messages``), with ``create``, ``parse``, ``stream``,
    ``with_raw_response`` and ``with_streaming_response``. Tokens read from or written to the cache are
    counted into the input, and beside it. All else is as with ``wrap_openai``.
    """
    return wrap(client, Wrapping(_ENDPOINTS, tracer))
