"""LLM Tracer: ingest, storage and explorer of LLM traces."""

from typing import Final

__version__: Final = "0.1.0"
