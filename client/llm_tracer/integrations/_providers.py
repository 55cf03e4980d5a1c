"""Who runs a model, by the host that is called."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

_BY_HOST: Final = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "openai.azure.com": "azure",
    "cognitiveservices.azure.com": "azure",
    "services.ai.azure.com": "azure",
    "azure-api.net": "azure",
    "amazonaws.com": "aws",
    "googleapis.com": "google",
    "api.cerebras.ai": "cerebras",
    "api.deepseek.com": "deepseek",
    "api.fireworks.ai": "fireworks",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.moonshot.ai": "moonshotai",
    "api.moonshot.cn": "moonshotai",
    "api.perplexity.ai": "perplexity",
    "api.together.xyz": "together",
    "api.x.ai": "x-ai",
    "openrouter.ai": "openrouter",
}
"""The names are those of the server's price table."""


def provider_of(base_url: object) -> str | None:
    """``openai``, ``azure`` ...; of an unknown provider its host, without port or anything secret."""
    host = (urlsplit(str(base_url)).hostname or "").lower()
    for known_host, provider in _BY_HOST.items():
        if host == known_host or host.endswith("." + known_host):
            return provider
    return host or None
