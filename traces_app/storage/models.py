"""The two PynamoDB models: the only schema there is, on DynamoDB and on the local file alike.

Few attributes on purpose: constructing, serialising and deserialising an item costs about
2 us each per attribute, so everything that no condition or key needs travels inside ``body``.
"""

from __future__ import annotations

from typing import Final

from pynamodb.attributes import Attribute, BinaryAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.constants import NUMBER
from pynamodb.models import Model

__all__ = ["EXPIRY_ATTRIBUTE", "MODELS", "AnchorItem", "Item", "SpanItem", "TraceItem"]

EXPIRY_ATTRIBUTE: Final = "expires_at"


class IntegerAttribute(Attribute[int]):
    """A whole number. PynamoDB's NumberAttribute goes through JSON, which takes three times as long."""

    attr_type = NUMBER

    def serialize(self, value: int) -> str:
        return f"{value:d}"

    def deserialize(self, value: str) -> int:
        return int(value)


class Item(Model):
    """What both tables share. Times since the epoch: ``at`` in microseconds, ``expires_at`` in seconds."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    v = IntegerAttribute()
    """Version of the item's layout; readers upcast older ones."""
    at = IntegerAttribute(null=True)
    """When the item was written."""
    expires_at = IntegerAttribute(null=True)
    """When DynamoDB's TTL (or the local sweep) may delete it; readers ignore it from then on."""
    body = BinaryAttribute(null=True, legacy_encoding=False)


class TraceItem(Item):
    """Summary fragments of traces, anchors, keys, sessions: what is listed and looked up."""

    class Meta:
        table_name = "llm-tracer-traces"


class AnchorItem(Item):
    """In the table of TraceItem: what the batches of a trace with a foreign id agree upon."""

    lists = UnicodeSetAttribute(null=True)
    """Partitions of the sessions and users that own the trace."""

    class Meta:
        table_name = TraceItem.Meta.table_name


class SpanItem(Item):
    """Chunks of packed spans."""

    class Meta:
        table_name = "llm-tracer-spans"


MODELS: Final[tuple[type[Item], ...]] = (TraceItem, SpanItem)
"""One a table."""
