"""What instrumentations call things: one table a convention, and which of them is believed first.

A table names, for each field, the attributes that hold it, the best first:

    "gen_ai.request.model"              the attribute
    "llm.invocation_parameters -> model"  the attribute's JSON, and a place in it
    "gen_ai.request.*"                  every attribute with this beginning, as one object
    "llm.input_messages.N"              a flattened list: its entries by their numbers
"""

from traces_app.domain.conventions.preferences import (
    KIND_RULES,
    SIGNS,
    SOURCES,
    VERSION,
    content_switch,
)

__all__ = ["KIND_RULES", "SIGNS", "SOURCES", "VERSION", "content_switch"]
