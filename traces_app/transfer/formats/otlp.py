"""OTLP's JSON, one request an entry, as the Collector's file exporter and our own pages write it.

It goes through the door that exporters use, in requests that this door takes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from traces_app.transfer.formats.values import Made, NoRest

__all__ = ["Otlp"]

SPANS_A_REQUEST: Final = 1000
"""The door takes more; but an entry may hold a whole file, and 64 MiB are the limit of a request."""

_SIGNALS: Final = (
    ("/v1/traces", "resourceSpans", "scopeSpans", "spans"),
    ("/v1/logs", "resourceLogs", "scopeLogs", "logRecords"),
)


class Otlp(NoRest):
    def recognises(self, entry: dict[str, Any]) -> bool:
        return any(isinstance(entry.get(signal[1]), list) for signal in _SIGNALS)

    def spans(self, entry: dict[str, Any]) -> Made:
        raise NotImplementedError("Requests are sent, not read.")

    def requests(self, entry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], int]]:
        """Path, body and number of records of each request."""
        for path, groups, scopes, records in _SIGNALS:
            for group in _objects(entry.get(groups)):
                for scope in _objects(group.get(scopes)):
                    listed = scope.get(records)
                    listed = listed if isinstance(listed, list) else []
                    for start in range(0, len(listed), SPANS_A_REQUEST):
                        some = listed[start : start + SPANS_A_REQUEST]
                        part = {**group, scopes: [{**scope, records: some}]}
                        yield path, {groups: [part]}, len(some)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
