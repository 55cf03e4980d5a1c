"""OpenLLMetry (Traceloop). Up to 0.40 flattened ``gen_ai.prompt.0.role``, since then OTel's messages.

``gen_ai.agent.name`` is passed on to every child, so it never says what a span is.
"""

SIGNS = ("traceloop.", "llm.", "gen_ai.")

KINDS = {
    "traceloop.span.kind": {
        "workflow": "chain",
        "task": "chain",
        "agent": "agent",
        "tool": "tool",
        "unknown": "other",
        "*": "other",
    },
    "llm.request.type": {
        "chat": "llm",
        "completion": "llm",
        "embedding": "embedding",
        "rerank": "reranker",
    },
}

FIELDS = {
    "input_messages": ("gen_ai.prompt.N",),
    "output_messages": ("gen_ai.completion.N",),
    "input_value": ("traceloop.entity.input",),
    "output_value": ("traceloop.entity.output",),
    "stream": ("llm.is_streaming", "gen_ai.is_streaming"),
    "input_tokens": ("gen_ai.usage.prompt_tokens", "llm.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.completion_tokens", "llm.usage.completion_tokens"),
    "total_tokens": ("llm.usage.total_tokens", "gen_ai.usage.total_tokens"),
    "cache_read_tokens": ("gen_ai.usage.cache_read_input_tokens",),
    "cache_write_tokens": ("gen_ai.usage.cache_creation_input_tokens",),
    "reasoning_tokens": ("gen_ai.usage.reasoning_tokens",),
    "tool_name": ("traceloop.entity.name",),
    "tool_definitions": ("llm.request.functions.N",),
    "agent_name": ("traceloop.entity.name",),
    "prompt_name": ("traceloop.prompt.key",),
    "prompt_version": ("traceloop.prompt.version",),
    "prompt_template": ("traceloop.prompt.template",),
    "prompt_variables": ("traceloop.prompt.template_variables", "traceloop.prompt.template_variables.*"),
    "session_id": ("traceloop.association.properties.session_id",),
    "user_id": ("traceloop.association.properties.user_id",),
    "metadata": ("traceloop.association.properties.*",),
}

FIRST_TOKEN_EVENTS = ("llm.content.completion.chunk", "gen_ai.content.completion.chunk")

CONTENT_SWITCH = "TRACELOOP_TRACE_CONTENT=true"
