"""MLflow tracing exported over OTLP: every value is a JSON text, so a text is quoted twice.

Users and sessions set by ``update_current_trace`` are not exported.
"""

SIGNS = ("mlflow.",)

KINDS = {
    "mlflow.spanType": {
        "chat_model": "llm",
        "llm": "llm",
        "agent": "agent",
        "tool": "tool",
        "chain": "chain",
        "workflow": "chain",
        "task": "chain",
        "retriever": "retrieval",
        "embedding": "embedding",
        "reranker": "reranker",
        "guardrail": "guardrail",
        "evaluator": "evaluator",
        "memory": "other",
        "parser": "function",
        "unknown": "function",
        "*": "function",
    },
}

FIELDS = {
    "model": ("mlflow.llm.model",),
    "requested_model": ("mlflow.spanInputs -> model",),
    "provider": ("mlflow.llm.provider",),
    "input_messages_as_text": ("mlflow.spanInputs",),
    "output_messages_as_text": ("mlflow.spanOutputs",),
    "parameters": ("invocation_params",),
    "request": ("mlflow.spanInputs",),
    "input_value": ("mlflow.spanInputs",),
    "output_value": ("mlflow.spanOutputs",),
    "input_tokens": ("mlflow.chat.tokenUsage -> input_tokens",),
    "output_tokens": ("mlflow.chat.tokenUsage -> output_tokens",),
    "total_tokens": ("mlflow.chat.tokenUsage -> total_tokens",),
    "cache_read_tokens": ("mlflow.chat.tokenUsage -> cache_read_input_tokens",),
    "cache_write_tokens": ("mlflow.chat.tokenUsage -> cache_creation_input_tokens",),
    "reasoning_tokens": ("mlflow.chat.tokenUsage -> reasoning_tokens",),
    "cost_usd": (
        "mlflow.llm.cost -> total_cost",
        "mlflow.llm.cost -> total",
        "mlflow.llm.cost",
    ),
    "tool_name": ("mlflow.spanFunctionName",),
    "tool_call_id": ("mlflow.spanOutputs -> tool_call_id",),
    "tool_definitions": ("mlflow.chat.tools", "mlflow.spanInputs -> tools"),
    "session_id": ("mlflow.trace.session",),
    "user_id": ("mlflow.trace.user",),
    "trace_tags": ("mlflow.traceTag.*",),
}

FIRST_TOKEN_EVENTS = ("mlflow.chunk.item.0",)
