"""The Vercel AI SDK up to 6 (``experimental_telemetry``). From 7 on it speaks OpenTelemetry's conventions.

An outer span repeats the sum of its steps: only ``.doGenerate``, ``.doStream`` and ``.doEmbed`` are calls.
"""

SIGNS = ("ai.",)

KINDS = {
    "ai.operationId": {
        "ai.toolcall": "tool",
        "*.dogenerate": "llm",
        "*.dostream": "llm",
        "*.doembed": "embedding",
        "*.dorerank": "reranker",
        "*": "chain",
    },
}

FIELDS = {
    "display_name": ("ai.telemetry.functionId",),
    "model": ("ai.response.model",),
    "requested_model": ("ai.model.id",),
    "provider": ("ai.model.provider",),
    "parameters": ("ai.settings.*",),
    "input_messages": ("ai.prompt.messages",),
    "output_text": ("ai.response.text",),
    "output_object": ("ai.response.object",),
    "output_tool_calls": ("ai.response.toolCalls",),
    "output_reasoning": ("ai.response.reasoning",),
    "finish_reason": ("ai.response.finishReason",),
    "input_value": ("ai.toolCall.args", "ai.prompt", "ai.values", "ai.value"),
    "output_value": ("ai.toolCall.result", "ai.response.text", "ai.response.object"),
    "input_tokens": ("ai.usage.inputTokens", "ai.usage.promptTokens", "ai.usage.tokens"),
    "output_tokens": ("ai.usage.outputTokens", "ai.usage.completionTokens"),
    "total_tokens": ("ai.usage.totalTokens",),
    "cache_read_tokens": ("ai.usage.inputTokenDetails.cacheReadTokens", "ai.usage.cachedInputTokens"),
    "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    "reasoning_tokens": ("ai.usage.outputTokenDetails.reasoningTokens", "ai.usage.reasoningTokens"),
    "first_token_ms": ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk"),
    "tool_name": ("ai.toolCall.name",),
    "tool_call_id": ("ai.toolCall.id",),
    "tool_definitions": ("ai.prompt.tools",),
    "embedding_inputs": ("ai.values", "ai.value"),
    "session_id": ("ai.telemetry.metadata.sessionId", "ai.settings.context.sessionId"),
    "user_id": ("ai.telemetry.metadata.userId", "ai.settings.context.userId"),
    "tags": ("ai.telemetry.metadata.tags",),
    "metadata": ("ai.telemetry.metadata.*",),
}

FIRST_TOKEN_EVENTS = ("ai.stream.firstChunk",)

VECTORS = ("ai.embedding", "ai.embeddings")

CONTENT_SWITCH = "experimental_telemetry: { recordInputs: true, recordOutputs: true }"
