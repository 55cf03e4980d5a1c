"""LiteLLM's own callback: OpenTelemetry's names, and what it knows of users, costs and usage in its own."""

SIGNS = ("litellm.",)

KINDS: dict[str, dict[str, str]] = {}

FIELDS = {
    "cost_usd": ("gen_ai.cost.total_cost",),
    "cache_read_tokens": ("metadata.usage_object -> prompt_tokens_details.cached_tokens",),
    "reasoning_tokens": ("metadata.usage_object -> completion_tokens_details.reasoning_tokens",),
    "user_id": ("llm.user", "metadata.user_api_key_end_user_id", "metadata.user_api_key_user_id"),
    "session_id": ("metadata.requester_metadata -> session_id",),
}
