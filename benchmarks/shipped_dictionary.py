"""Makes the dictionary that comes with the program, from texts of the project's own and traces of its tests.

    .venv/bin/python benchmarks/shipped_dictionary.py NUMBER

Material: the traces that `manage.py demo` tells, what the captured requests of tests/otlp become, and the
prose of the documentation and of the sources' own texts. Nothing of workload.py, with which store_cost.py
measures. Long numbers and ids are left out, but another run still gives other bytes of the same worth: a
dictionary is made once, gets the next number (compression.NEWEST_SHIPPED), and is never removed or replaced,
because stored spans can be read with that very one only.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from backports import zstd

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client")]
STRUCTURE_BYTES, PROSE_BYTES = 2**13, 3 * 2**13
"""Of the dictionary; twice as much of both takes another 1 % off the six-span workload."""

DEMO_TRACES = 120
MAX_SAMPLE_BYTES = 6000
HEAD_WEIGHT = 3
"""Heads are small and all alike in form: seen more often, they get their share."""

MAX_HEAD_BYTES = 1500
DRAWN = re.compile(rb"[0-9]{5,}|[0-9a-f]{8,}")
"""Times and ids never come again."""

MIN_PROSE_CHARACTERS = 50
FOREIGN = (b"stacktrace", b"/home/")
"""Samples with paths of some machine are left out."""


def main() -> None:
    file = ROOT / "traces_app/domain/dictionaries" / f"{int(sys.argv[1])}.zstd-dictionary"
    if file.exists():
        raise SystemExit(f"{file.name} is there already: stored spans may need it. Take the next number.")
    structure, prose = list(stored_samples()), list(prose_samples())
    from traces_app.domain.recurring import numbered

    trained = trained_on(structure, prose)
    file.write_bytes(numbered(trained, int(sys.argv[1])).dict_content)
    print(f"{file.relative_to(ROOT)}: {len(trained)} bytes from {len(structure) + len(prose)} samples")


def trained_on(structure: list[bytes], prose: list[bytes]) -> bytes:
    """Each for itself, or the more frequent one would leave the other no room."""
    found = [
        zstd.train_dict(prose, PROSE_BYTES).dict_content,
        zstd.train_dict(structure, STRUCTURE_BYTES).dict_content,
    ]
    content = zstd.ZstdDict(b"".join(found), is_raw=True)
    return zstd.finalize_dict(content, structure + prose, STRUCTURE_BYTES + PROSE_BYTES, 5).dict_content


def stored_samples() -> Iterator[bytes]:
    """Heads and bodies as they are before they are compressed."""
    from traces_app.domain import compression, packing

    packing.shipped_dictionary = lambda: None  # there may be none yet
    with tempfile.TemporaryDirectory() as folder:
        fill_store(folder)
        from traces_app.storage.models import SpanItem

        for item in SpanItem.scan():
            head_end = 5 + int.from_bytes(item.body[1:5], "big")
            _, columns = packing._split_head(item.body[5:head_end])
            columns = DRAWN.sub(b"0", compression.decompress(columns))
            body = DRAWN.sub(b"0", compression.decompress(item.body[head_end:]))
            if not any(foreign in columns + body for foreign in FOREIGN):
                yield from [columns[:MAX_HEAD_BYTES]] * HEAD_WEIGHT
                yield body[:MAX_SAMPLE_BYTES]


def fill_store(folder: str) -> None:
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tracer_project.settings",
        "STORAGE_URL": f"sqlite:///{folder}/traces.sqlite3",
        "RATE_LIMIT_RPM": "0",
        "LOG_LEVEL": "CRITICAL",
    }
    import django
    from django.core.management import call_command

    django.setup()
    call_command("demo", traces=DEMO_TRACES)
    from tests.otlp.exports import CASES, requests_of, send

    for case in CASES:
        for request in requests_of(case):
            send(case, request)


def prose_samples() -> Iterator[bytes]:
    """Paragraphs of the documentation, docstrings, and what the program says, as JSON strings."""
    texts: dict[str, None] = {}
    for file in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        texts |= dict.fromkeys(re.split(r"\n\n+", file.read_text()))
    for folder in ("traces_app", "client", "tracer_project", "infrastructure", "tests"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            texts |= dict.fromkeys(strings_of(ast.parse(file.read_text())))
    for text in texts:
        if len(text) >= MIN_PROSE_CHARACTERS and " " in text and "/home/" not in text:
            yield json.dumps(" ".join(text.split()), ensure_ascii=False).encode()


def strings_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


if __name__ == "__main__":
    main()
