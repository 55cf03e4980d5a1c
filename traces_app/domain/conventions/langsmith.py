"""LangSmith in its OpenTelemetry mode.

Its ``langsmith.span.kind`` is right where its ``gen_ai.operation.name`` is not: retrievers say "embeddings".
"""

SIGNS = ("langsmith.",)

KINDS = {
    "langsmith.span.kind": {
        "llm": "llm",
        "chain": "chain",
        "tool": "tool",
        "retriever": "retrieval",
        "embedding": "embedding",
        "prompt": "chain",
        "parser": "chain",
        "*": "other",
    },
}

FIELDS = {
    "model": ("langsmith.metadata.ls_model_name",),
    "provider": ("langsmith.metadata.ls_provider",),
    "input_messages_as_text": ("gen_ai.prompt",),
    "output_messages_as_text": ("gen_ai.completion",),
    "request": ("gen_ai.prompt",),
    "stream": ("langsmith.request.streaming",),
    "tool_definitions": ("gen_ai.prompt -> tools",),
    "input_value": ("gen_ai.prompt",),
    "output_value": ("gen_ai.completion",),
    "cache_read_tokens": (
        "langsmith.metadata.usage_metadata -> input_token_details.cache_read",
        "langsmith.metadata.usage_metadata -> prompt_tokens_details.cached_tokens",
    ),
    "reasoning_tokens": (
        "langsmith.metadata.usage_metadata -> output_token_details.reasoning",
        "langsmith.metadata.usage_metadata -> completion_tokens_details.reasoning_tokens",
    ),
    "session_id": (
        "langsmith.metadata.session_id",
        "langsmith.metadata.thread_id",
        "metadata -> session_id",
        "metadata -> thread_id",
    ),
    "user_id": ("langsmith.metadata.user_id", "metadata -> user_id"),
    "tags": ("langsmith.span.tags",),
    "metadata": ("langsmith.metadata.*",),
}
