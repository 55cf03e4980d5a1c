"""What the resource of a batch says about its spans, and what any span may say in general names."""

FIELDS = {
    "environment": ("deployment.environment.name", "deployment.environment"),
    "release": ("langfuse.release", "service.version"),
}
