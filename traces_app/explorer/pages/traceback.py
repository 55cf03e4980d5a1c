"""A stack trace in frames: the program's own stand open, runs of library frames are folded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from traces_app.explorer.formats import plural
from traces_app.explorer.visible import MAX_TEXT_CHARACTERS, visible

_FRAME: Final = re.compile(r'^\s*(?:File ".+", line \d+|at .+)')
_LIBRARY: Final = re.compile(
    r"site-packages|dist-packages|/lib/python\d|\\lib\\|<frozen |node_modules|node:internal|\(internal/"
)
MAX_LINES: Final = 400


@dataclass(frozen=True, slots=True)
class FrameGroup:
    """Consecutive lines. ``label`` is given when they are folded."""

    text: str
    label: str = ""


def frame_groups(stack: str) -> list[FrameGroup]:
    lines = visible(stack[:MAX_TEXT_CHARACTERS]).splitlines()
    left_out = len(lines) - MAX_LINES
    if left_out > 0:
        half = MAX_LINES // 2
        lines = [*lines[:half], f"… {left_out:,} lines …", *lines[-half:]]
    frames = list(_frames(lines))
    groups = []
    for is_library, group in groupby(frames, key=lambda frame: bool(_LIBRARY.search(frame[0]))):
        found = list(group)
        text = "\n".join("\n".join(frame) for frame in found)
        label = plural(len(found), "library frame") if is_library else ""
        groups.append(FrameGroup(text, label))
    return groups


def _frames(lines: list[str]) -> Iterator[list[str]]:
    """A frame is its head and the deeper lines below it; other lines stand alone."""
    frame: list[str] = []
    for line in lines:
        if _FRAME.match(line) or not line.startswith("    "):
            if frame:
                yield frame
            frame = [line]
        else:
            frame.append(line)
    if frame:
        yield frame
