"""OpenTelemetry's own GenAI conventions (open-telemetry/semantic-conventions-genai), current and older names.

Content is off by default in the official packages, so spans with tokens and no messages are normal. An
agent's usage is the sum over its calls.
"""

SIGNS = ("gen_ai.", "mcp.")

KINDS = {
    "gen_ai.operation.name": {
        "chat": "llm",
        "text_completion": "llm",
        "completion": "llm",
        "generate_content": "llm",
        "generate": "llm",
        "response": "llm",
        "embeddings": "embedding",
        "embedding": "embedding",
        "retrieval": "retrieval",
        "retriever": "retrieval",
        "search_memory": "retrieval",
        "rerank": "reranker",
        "reranker": "reranker",
        "execute_tool": "tool",
        "invoke_agent": "agent",
        "create_agent": "agent",
        "plan": "agent",
        "invoke_workflow": "chain",
        "handle_conversation_turn": "chain",
        "agent_step": "chain",
        "execute_event_loop_cycle": "chain",
        "execute_task": "chain",
        "chain": "chain",
        "workflow": "chain",
        "task": "chain",
        "create_memory": "other",
        "update_memory": "other",
        "upsert_memory": "other",
        "delete_memory": "other",
        "create_memory_store": "other",
        "delete_memory_store": "other",
    },
}

FIELDS = {
    "model": ("gen_ai.response.model",),
    "requested_model": ("gen_ai.request.model",),
    "provider": ("gen_ai.provider.name", "gen_ai.system"),
    "parameters": ("gen_ai.request.*",),
    "stream": ("gen_ai.request.stream", "gen_ai.is_streaming"),
    "system_instructions": ("gen_ai.system_instructions",),
    "input_messages": ("gen_ai.input.messages",),
    "output_messages": ("gen_ai.output.messages",),
    "input_messages_as_text": ("gen_ai.prompt",),
    "output_messages_as_text": ("gen_ai.completion",),
    "finish_reason": ("gen_ai.response.finish_reasons", "gen_ai.response.finish_reason"),
    "input_value": (
        "gen_ai.tool.call.arguments",
        "gen_ai.retrieval.query.text",
        "gen_ai.memory.query.text",
    ),
    "output_value": ("gen_ai.tool.call.result",),
    "input_tokens": ("gen_ai.usage.input_tokens",),
    "output_tokens": ("gen_ai.usage.output_tokens",),
    "total_tokens": ("gen_ai.usage.total_tokens",),
    "cache_read_tokens": ("gen_ai.usage.cache_read.input_tokens",),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
    ),
    "reasoning_tokens": ("gen_ai.usage.reasoning.output_tokens",),
    "input_audio_tokens": ("gen_ai.usage.audio.input_tokens",),
    "output_audio_tokens": ("gen_ai.usage.audio.output_tokens",),
    "cost_usd": ("gen_ai.usage.cost",),
    "first_token_seconds": (
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.client.inference.time_to_first_chunk",
    ),
    "first_token_ms": ("gen_ai.server.time_to_first_token",),
    "tool_name": ("gen_ai.tool.name",),
    "tool_call_id": ("gen_ai.tool.call.id",),
    "tool_definitions": ("gen_ai.tool.definitions",),
    "agent_name": ("gen_ai.agent.name",),
    "documents": ("gen_ai.retrieval.documents", "gen_ai.memory.records"),
    "embedding_dimensions": ("gen_ai.embeddings.dimension.count", "gen_ai.request.embedding.dimensions"),
    "prompt_name": ("gen_ai.prompt.name",),
    "prompt_version": ("gen_ai.prompt.version",),
    "prompt_variables": ("gen_ai.prompt.variable.*",),
    "session_id": ("gen_ai.conversation.id",),
    "user_id": ("user.id", "enduser.id"),
    "error_type": ("error.type",),
    "error_message": ("error.message",),
    "http_status": ("http.response.status_code", "http.status_code"),
    "evaluation": ("gen_ai.evaluation.*",),
}

MESSAGE_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
    "gen_ai.choice": "",
    "gen_ai.content.prompt": "user",
    "gen_ai.content.completion": "",
}
"""Events that carry one message, and its role; ``""`` marks what the model answered."""

DETAILS_EVENT = "gen_ai.client.inference.operation.details"
"""An event that carries a span's attributes, messages included."""

EVALUATION_EVENT = "gen_ai.evaluation.result"
EXCEPTION_EVENTS = ("exception", "gen_ai.client.operation.exception")
FIRST_TOKEN_EVENTS = ("gen_ai.content.completion.chunk", "gen_ai.first_token")

CONTENT_SWITCH = (
    "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=span_and_event "
    "(older packages: true; openai-v2 also needs OTEL_SEMCONV_STABILITY_OPT_IN=gen_ai_latest_experimental)"
)
"""What turns content on where a span of this convention has none."""
