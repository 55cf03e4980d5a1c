"""OpenInference (Arize Phoenix): lists are flattened, ``llm.input_messages.0.message.role``.

Prompt tokens include cache reads and writes. A failed call has no ``llm.model_name``: its model is in the
invocation parameters.
"""

SIGNS = (
    "openinference.",
    "llm.",
    "input.value",
    "output.value",
    "retrieval.documents.",
    "embedding.",
    "reranker.",
)

KINDS = {
    "openinference.span.kind": {
        "llm": "llm",
        "embedding": "embedding",
        "chain": "chain",
        "retriever": "retrieval",
        "reranker": "reranker",
        "tool": "tool",
        "agent": "agent",
        "guardrail": "guardrail",
        "evaluator": "evaluator",
        "prompt": "chain",
        "*": "other",
    },
}

FIELDS = {
    "model": (
        "llm.response.model_name",
        "llm.model_name",
        "embedding.model_name",
        "reranker.model_name",
    ),
    "requested_model": (
        "llm.request.model_name",
        "llm.invocation_parameters -> model",
        "llm.invocation_parameters -> model_name",
        "embedding.invocation_parameters -> model",
    ),
    "provider": ("llm.provider", "llm.system"),
    "parameters": ("llm.invocation_parameters", "embedding.invocation_parameters"),
    "input_messages": ("llm.input_messages.N",),
    "output_messages": ("llm.output_messages.N",),
    "output_images": ("output.images.N",),
    "finish_reason": ("llm.finish_reason",),
    "prompt_texts": ("llm.prompts.N", "llm.prompts"),
    "completion_texts": ("llm.choices.N", "llm.choices"),
    "input_value": ("input.value", "reranker.query"),
    "output_value": ("output.value",),
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "total_tokens": ("llm.token_count.total",),
    "cache_read_tokens": ("llm.token_count.prompt_details.cache_read",),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
    "input_audio_tokens": ("llm.token_count.prompt_details.audio",),
    "output_audio_tokens": ("llm.token_count.completion_details.audio",),
    "cost_usd": ("llm.cost.total",),
    "tool_name": ("tool.name",),
    "tool_call_id": (
        "tool.id",
        "tool_call.id",
        "output.value -> data.tool_call_id",
        "output.value -> tool_call_id",
    ),
    "tool_arguments": ("tool.parameters",),
    "tool_definitions": ("llm.tools.N",),
    "agent_name": ("agent.name",),
    "documents": ("retrieval.documents.N", "reranker.output_documents.N"),
    "embedding_inputs": ("embedding.embeddings.N",),
    "prompt_name": ("prompt.name", "prompt.id"),
    "prompt_id": ("prompt.id",),
    "prompt_version": ("llm.prompt_template.version",),
    "prompt_template": ("llm.prompt_template.template",),
    "prompt_variables": ("llm.prompt_template.variables",),
    "session_id": ("session.id",),
    "user_id": ("user.id",),
    "tags": ("tag.tags",),
    "metadata": ("metadata",),
    "evaluation": ("evaluation.*", "annotation.*"),
    "evaluations": (
        "evaluations.N",
        "annotations.N",
        "trace.evaluations.N",
        "trace.annotations.N",
        "session.evaluations.N",
        "session.annotations.N",
    ),
}

FIRST_TOKEN_EVENTS = ("First Token Stream Event",)

VECTORS = ("embedding.vector",)
"""Ends of the names of attributes that hold vectors, which are not kept."""

CONTENT_SWITCH = "OPENINFERENCE_HIDE_INPUTS and OPENINFERENCE_HIDE_OUTPUTS must not be true"
