"""Anthropic's SDK from 2 on makes spans of its own where a tracer provider is set: OpenTelemetry's names.

Where another package instruments it too, one is inside the other and counts once.
"""

SIGNS = ("anthropic.",)

KINDS: dict[str, dict[str, str]] = {}

FIELDS = {"finish_reason": ("anthropic.message.stop_reason",)}

CONTENT_SWITCH = "ANTHROPIC_OPEN_TELEMETRY_TRACES_CONTENT_MODE=content"
