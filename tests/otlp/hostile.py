"""Posts hostile bodies, each in a process of its own: ``python -m tests.otlp.hostile``.

Prints of each the status of the answer, and the seconds of processor time and megabytes of memory it took.
"""

from __future__ import annotations

import os
import resource
import time

from opentelemetry.proto.trace.v1.trace_pb2 import Span

SIZE = 6 * 2**20
BELOW_64_MIB = 64 * 2**20 - 1000


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of protobuf."""
    length, size = bytearray(), len(content)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([number << 3 | 2]) + bytes([*length, size]) + content


def spans(*records: bytes, resource: bytes = b"") -> bytes:
    return field(1, resource + field(2, b"".join(field(2, record) for record in records)))


def in_json(*parts: bytes) -> bytes:
    return b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"".join(parts) + b"]}]}]}"


def with_ids(number: int) -> bytes:
    return Span(
        trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), end_time_unix_nano=time.time_ns()
    ).SerializeToString()


CASES = {
    "empty spans": lambda: field(1, field(2, b"\x12\x00" * (SIZE // 2))),
    "empty scopes": lambda: field(1, b"\x12\x00" * (SIZE // 2)),
    "empty resources": lambda: b"\x0a\x00" * (SIZE // 2),
    "empty events of one span": lambda: spans(b"\x5a\x00" * (SIZE // 2)),
    "empty attributes of one span": lambda: spans(b"\x4a\x00" * (SIZE // 2)),
    "empty values of one list": lambda: spans(field(9, field(2, field(5, b"\x0a\x00" * (SIZE // 2))))),
    "empty events of many spans": lambda: spans(*[b"\x5a\x00" * 30_000] * 140),
    "JSON texts in attributes": lambda: spans(
        *[field(9, field(1, b"input.value") + field(2, field(1, b"[" + b"[]," * (SIZE // 3) + b"1]")))] * 3
    ),
    "messages within messages": lambda: spans(field(9, b"\x12" * (SIZE // 2))),
    "one large resource, many spans": lambda: spans(
        *map(with_ids, range(1, 2001)), resource=field(1, field(1, field(1, b"k" * 2**20)))
    ),
    "JSON lists": lambda: in_json(b"[]," * (BELOW_64_MIB // 3), b"[]"),
    "JSON objects": lambda: in_json(b"{}," * (SIZE // 3), b"{}"),
    "JSON texts": lambda: in_json(b'"ab",' * (BELOW_64_MIB // 5), b"1"),
}
JSON = {"JSON lists", "JSON objects", "JSON texts"}


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tracer_project.settings"
    import django

    django.setup()
    from tests.otlp.exports import PROTOBUF, post

    post("/v1/metrics", b"")
    for case, body_of in CASES.items():
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        body = body_of()
        before_mb, before_s = megabytes(), time.process_time()
        answer = post("/v1/traces", body, "application/json" if case in JSON else PROTOBUF)
        told = answer.status, time.process_time() - before_s, megabytes() - before_mb
        print(case, *told, sep="\t", flush=True)  # noqa: T201
        os._exit(0)


if __name__ == "__main__":
    main()
