"""pydantic-ai and the Logfire SDK: OpenTelemetry's names, and some of their own.

Agents repeat the usage of their calls: up to 1.x as ``gen_ai.usage``, then as ``gen_ai.aggregated_usage``.
A Logfire span's name is a template; ``logfire.msg`` is what to show.
"""

SIGNS = ("logfire.", "pydantic_ai.", "agent_name", "model_name", "all_messages_events", "tool_response")

KINDS: dict[str, dict[str, str]] = {}

FIELDS = {
    "display_name": ("logfire.msg",),
    "input_messages": ("events",),
    "input_messages_of_agents": ("pydantic_ai.all_messages", "all_messages_events"),
    "output_messages": ("events",),
    "input_value": ("tool_arguments",),
    "output_value": ("final_result", "tool_response"),
    "input_tokens": ("gen_ai.aggregated_usage.input_tokens", "gen_ai.usage.raw -> prompt_tokens"),
    "output_tokens": ("gen_ai.aggregated_usage.output_tokens", "gen_ai.usage.raw -> completion_tokens"),
    "cache_read_tokens": (
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.aggregated_usage.cache_read.input_tokens",
        "gen_ai.aggregated_usage.details.cache_read_tokens",
        "gen_ai.usage.raw -> prompt_tokens_details.cached_tokens",
        "gen_ai.usage.raw -> input_tokens_details.cached_tokens",
        "gen_ai.usage.raw -> cache_read_input_tokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.aggregated_usage.cache_write.input_tokens",
        "gen_ai.aggregated_usage.cache_creation.input_tokens",
        "gen_ai.usage.raw -> cache_creation_input_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.aggregated_usage.details.reasoning_tokens",
        "gen_ai.usage.raw -> completion_tokens_details.reasoning_tokens",
        "gen_ai.usage.raw -> output_tokens_details.reasoning_tokens",
    ),
    "cost_usd": ("operation.cost",),
    "requested_model": ("model_name",),
    "agent_name": ("agent_name",),
    "tags": ("logfire.tags",),
}

SPAN_TYPE = "logfire.span_type"
PLACEHOLDER = "pending_span"
"""Of ``SPAN_TYPE``: announces a span that comes whole later. Not a span of its own."""

CONTENT_SWITCH = "InstrumentationSettings(include_content=True)"
