"""A finished file to S3, in parts: what has arrived of an interrupted upload is not sent again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

__all__ = ["S3Target", "UploadFailed"]

PREFIX: Final = "s3://"
PART_BYTES: Final = 16 * 2**20
"""S3 takes parts from 5 MiB on; a lost one is sent again whole."""

MAX_PARTS: Final = 10_000
"""S3's limit: of a larger file the parts are larger."""

GONE: Final = frozenset({"NoSuchUpload", "404"})


class UploadFailed(Exception):
    """S3 did not take the file; the message says why, and running again goes on."""


class S3Target:
    """``s3://bucket/key``. Raises UploadFailed when it cannot be written."""

    def __init__(self, address: str, *, region: str, endpoint_url: str | None) -> None:
        bucket, _, key = address.removeprefix(PREFIX).partition("/")
        if not bucket or not key or key.endswith("/"):
            raise UploadFailed(f"{address!r} names no object: write s3://bucket/path/to/file.")
        self.address = address
        self._object = {"Bucket": bucket, "Key": key}
        config = Config(retries={"mode": "standard", "total_max_attempts": 6}, max_pool_connections=1)
        self._client = Session().create_client(
            "s3", region_name=region, endpoint_url=endpoint_url, config=config
        )

    def exists(self) -> bool:
        try:
            self._ask("head_object")
        except UploadFailed as error:
            if _code(error.__cause__) in ("404", "NoSuchKey", "NotFound"):
                return False
            raise
        return True

    def upload(self, path: Path, *, upload_id: str | None, remember: Callable[[str], None]) -> Iterator[int]:
        """Send the file, and yield how many bytes are there after each part.

        ``upload_id`` is what an earlier call gave to ``remember`` before it was interrupted.
        """
        size = path.stat().st_size
        part_bytes = max(PART_BYTES, -(-size // MAX_PARTS))
        if size <= part_bytes:
            self._ask("put_object", Body=path.read_bytes())
            yield size
            return
        there = self._parts_there(upload_id) if upload_id else None
        if upload_id is None or there is None:
            upload_id, there = self._ask("create_multipart_upload")["UploadId"], {}
            remember(upload_id)
        parts = []
        for number, start in enumerate(range(0, size, part_bytes), 1):
            length = min(part_bytes, size - start)
            tag = there[number][0] if there.get(number, ("", 0))[1] == length else None
            tag = tag or self._send(path, start, length, UploadId=upload_id, PartNumber=number)
            parts.append({"PartNumber": number, "ETag": tag})
            yield start + length
        self._ask("complete_multipart_upload", UploadId=upload_id, MultipartUpload={"Parts": parts})

    def _send(self, path: Path, start: int, length: int, **which: Any) -> str:
        with path.open("rb") as file:
            file.seek(start)
            return str(self._ask("upload_part", Body=file.read(length), **which)["ETag"])

    def _parts_there(self, upload_id: str) -> dict[int, tuple[str, int]] | None:
        """Tag and size of each; ``None`` when S3 has forgotten the upload."""
        found: dict[int, tuple[str, int]] = {}
        marker = 0
        while True:
            try:
                page = self._ask("list_parts", UploadId=upload_id, PartNumberMarker=marker)
            except UploadFailed as error:
                if _code(error.__cause__) in GONE:
                    return None
                raise
            found.update((part["PartNumber"], (part["ETag"], part["Size"])) for part in page.get("Parts", ()))
            if not page.get("IsTruncated"):
                return found
            marker = page["NextPartNumberMarker"]

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(self._client, operation)(**self._object, **parameters)
        except (BotoCoreError, ClientError) as error:
            raise UploadFailed(f"{self.address}: {error}") from error
        return answer


def _code(error: BaseException | None) -> str:
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else ""
