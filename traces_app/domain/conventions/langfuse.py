"""The Langfuse SDKs from 3 on. Values are JSON texts. There are no exception events.

``usage_details`` is OpenAI's (the parts are inside the sum) or Langfuse's own (everything stands beside
everything and is added up): see mapping/usage.py.
"""

SIGNS = ("langfuse.",)

KINDS = {
    "langfuse.observation.type": {
        "generation": "llm",
        "span": "function",
        "event": "other",
        "embedding": "embedding",
        "agent": "agent",
        "tool": "tool",
        "chain": "chain",
        "retriever": "retrieval",
        "guardrail": "guardrail",
        "evaluator": "evaluator",
        "*": "other",
    },
}

FIELDS = {
    "model": ("langfuse.observation.model.name",),
    "parameters": ("langfuse.observation.model.parameters",),
    "input_messages_as_text": ("langfuse.observation.input",),
    "output_messages_as_text": ("langfuse.observation.output",),
    "input_value": ("langfuse.observation.input", "langfuse.trace.input"),
    "output_value": ("langfuse.observation.output", "langfuse.trace.output"),
    "finish_reason": ("langfuse.observation.metadata.finish_reason",),
    "tool_call_id": ("langfuse.observation.output -> tool_call_id",),
    "tool_definitions": ("langfuse.observation.input -> tools",),
    "usage_details": ("langfuse.observation.usage_details",),
    "cost_usd": ("langfuse.observation.cost_details -> total",),
    "cost_details": ("langfuse.observation.cost_details",),
    "first_token_at": ("langfuse.observation.completion_start_time",),
    "error_message": ("langfuse.observation.status_message",),
    "level": ("langfuse.observation.level",),
    "prompt_name": ("langfuse.observation.prompt.name",),
    "prompt_version": ("langfuse.observation.prompt.version",),
    "session_id": ("langfuse.session.id",),
    "user_id": ("langfuse.user.id",),
    "tags": ("langfuse.trace.tags",),
    "json_metadata": (
        "langfuse.trace.metadata",
        "langfuse.trace.metadata.*",
        "langfuse.observation.metadata",
        "langfuse.observation.metadata.*",
    ),
    "environment": ("langfuse.environment",),
    "release": ("langfuse.release",),
}

CONTENT_SWITCH = "observe(capture_input=True, capture_output=True), and no mask"
