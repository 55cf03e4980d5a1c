"""Small records under a key of their own: API keys, sessions, losses, anchors."""

from __future__ import annotations

from typing import Any

import orjson
from pynamodb.exceptions import PutError

from traces_app.storage.items import is_live, make_item
from traces_app.storage.models import TraceItem
from traces_app.storage.stamp import Stamp


class Records:
    """JSON objects in the traces table. Every method raises StoreUnavailable when the store cannot answer."""

    def put_record(
        self,
        pk: str,
        sk: str,
        value: dict[str, Any],
        *,
        now_ns: int,
        expires_at: int | None = None,
        only_if_absent: bool = False,
        only_if_present: bool = False,
    ) -> bool:
        """Write one record; false when a condition was given and does not hold."""
        record = make_item(TraceItem, pk, sk, Stamp(now_ns, expires_at), body=orjson.dumps(value))
        condition = TraceItem.pk.exists() if only_if_present else None
        try:
            record.save(condition=TraceItem.pk.does_not_exist() if only_if_absent else condition)
        except PutError as error:
            if error.cause_response_code != "ConditionalCheckFailedException":
                raise
            return False
        return True

    def get_record(self, pk: str, sk: str, *, now_ns: int) -> dict[str, Any] | None:
        try:
            record = TraceItem.get(pk, sk, consistent_read=True)
        except TraceItem.DoesNotExist:
            return None
        return orjson.loads(record.body) if is_live(record, now_ns) else None

    def delete_record(self, pk: str, sk: str) -> None:
        TraceItem(pk, sk).delete()

    def list_records(
        self, pk: str, *, sk_prefix: str = "", newest: int | None = None, below: str = "", now_ns: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """By sort key; with ``newest`` the last so many (of those ``below`` a sort key), the last first.

        A query has one condition on its sort key: raises ValueError for ``sk_prefix`` and ``below``.
        """
        if sk_prefix and below:
            raise ValueError("sk_prefix or below, not both")
        prefixed = TraceItem.sk.startswith(sk_prefix) if sk_prefix else None
        condition = TraceItem.sk < below if below else prefixed
        forward = newest is None
        found = TraceItem.query(pk, condition, consistent_read=True, scan_index_forward=forward, limit=newest)
        return [(record.sk, orjson.loads(record.body)) for record in found if is_live(record, now_ns)]
