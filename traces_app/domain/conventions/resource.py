"""What the resource of a batch says about its spans, and what any span may say in general names."""

FIELDS = {
    "session_id": ("session.id",),
    "user_id": ("user.id", "enduser.id"),
    "environment": ("deployment.environment.name", "deployment.environment"),
    "release": ("langfuse.release", "service.version"),
}

ANY_SPAN = {
    "session_id": ("session_id", "thread_id", "conversation_id"),
    "user_id": ("user_id",),
}
"""Of any span: baggage is copied under the names it was set with."""
