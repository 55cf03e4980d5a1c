"""Two sequences side by side: which entries are the same, and which words of two texts are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final, Literal, NamedTuple

MAX_PRODUCT: Final = 36_000_000
"""Of two lengths: so many bits the longest common sequence takes, 4.5 MB; beyond it entries are matched
in order.
"""

MAX_WORDS: Final = 6000
"""Of one text, after what both begin and end with is set aside; its square is ``MAX_PRODUCT``."""

MIN_SAME_WORDS: Final = 3
Pair = tuple[int | None, int | None]
_WORD: Final = re.compile(r"\s+|\w+|[^\w\s]")
_PASSING: Final = re.compile(
    r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"
    r"|\b(?:call|chatcmpl|msg|resp|req|run|toolu|fc|rs)[_-][A-Za-z0-9_-]{6,}\b"
    r"|\b\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"
    r"|\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{12,}\b"
)


class Piece(NamedTuple):
    kind: Literal["same", "removed", "added"]
    text: str


def align(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[Pair]:
    """Indices that belong together, in order; ``None`` where the other side has nothing."""
    head = _common(first, second)
    tail = _common(first[head:][::-1], second[head:][::-1])
    middle_first, middle_second = first[head : len(first) - tail], second[head : len(second) - tail]
    matched = _matches(middle_first, middle_second)
    pairs: list[Pair] = [(index, index) for index in range(head)]
    pairs += ((_shifted(i, head), _shifted(j, head)) for i, j in matched)
    last = range(tail)
    pairs += ((len(first) - tail + index, len(second) - tail + index) for index in last)
    return pairs


def word_diff(first: str, second: str, *, ignore_passing: bool = True) -> list[Piece] | None:
    """The texts as one, in pieces; ``None`` when they are too long. Ids and times may be ignored."""
    before, after = _words(first, ignore_passing), _words(second, ignore_passing)
    plain: Callable[[str], str] = _plain if ignore_passing else str
    keys_before, keys_after = [plain(word) for word in before], [plain(word) for word in after]
    head = _common(keys_before, keys_after)
    tail = _common(keys_before[head:][::-1], keys_after[head:][::-1])
    end_before, end_after = len(before) - tail, len(after) - tail
    if max(end_before, end_after) - head > MAX_WORDS:
        return None
    pieces = [Piece("same", "".join(after[:head]))]
    for i, j in _matches(keys_before[head:end_before], keys_after[head:end_after]):
        if j is not None:
            pieces.append(Piece("added" if i is None else "same", after[head + j]))
        elif i is not None:
            pieces.append(Piece("removed", before[head + i]))
    pieces.append(Piece("same", "".join(after[end_after:])))
    runs = groupby((piece for piece in pieces if piece.text), key=attrgetter("kind"))
    return _joined([Piece(kind, "".join(piece.text for piece in run)) for kind, run in runs])


def without_passing(text: str) -> str:
    """With the same mark in place of every id and time."""
    return _PASSING.sub("\0", text)


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Changes with a word or two between them as one: islands of the same hide what was written anew."""
    found: list[Piece] = []
    removed = added = ""
    for index, piece in enumerate(pieces):
        is_inside = 0 < index < len(pieces) - 1
        if piece.kind == "same" and not (is_inside and len(piece.text.split()) < MIN_SAME_WORDS):
            found += [Piece("removed", removed), Piece("added", added), piece]
            removed = added = ""
        else:
            removed += piece.text if piece.kind != "added" else ""
            added += piece.text if piece.kind != "removed" else ""
    found += [Piece("removed", removed), Piece("added", added)]
    return [piece for piece in found if piece.text]


def _common(first: Sequence[Hashable], second: Sequence[Hashable]) -> int:
    count = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        count += 1
    return count


def _shifted(index: int | None, by: int) -> int | None:
    return None if index is None else index + by


def _matches(first: Sequence[Hashable], second: Sequence[Hashable]) -> Iterator[Pair]:
    if len(first) * len(second) > MAX_PRODUCT:
        yield from _in_order(first, second)
        return
    i = j = 0
    for same_i, same_j in [*_longest_common(first, second), (len(first), len(second))]:
        yield from ((index, None) for index in range(i, same_i))
        yield from ((None, index) for index in range(j, same_j))
        if same_i < len(first):
            yield same_i, same_j
        i, j = same_i + 1, same_j + 1


def _longest_common(first: Sequence[Hashable], second: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of the same, as many as there can be (Hyyrö 2004): one step of bits for each entry of
    ``second``, whatever repeats. A bit that is unset says that the sequence grows by this entry of ``first``.
    """
    places: dict[Hashable, int] = {}
    for index, entry in enumerate(first):
        places[entry] = places.get(entry, 0) | 1 << index
    row = every = (1 << len(first)) - 1
    rows = []
    for entry in second:
        matching = row & places.get(entry, 0)
        row = ((row + matching) | (row - matching)) & every
        rows.append(row)
    return _traced_back(first, second, rows)


def _traced_back(
    first: Sequence[Hashable], second: Sequence[Hashable], rows: Sequence[int]
) -> list[tuple[int, int]]:
    i, j = len(first) - 1, len(second) - 1
    pairs = []
    while i >= 0 and j >= 0:
        if first[i] == second[j]:
            pairs.append((i, j))
            i, j = i - 1, j - 1
        elif rows[j] >> i & 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def _in_order(first: Sequence[Hashable], second: Sequence[Hashable]) -> Iterator[Pair]:
    """One step on both sides while they agree, else past the side whose entry the other never has again."""
    left = _counts(second)
    j = 0
    for i, key in enumerate(first):
        if not left.get(key):
            yield i, None
            continue
        while second[j] != key:
            left[second[j]] -= 1
            yield None, j
            j += 1
        left[key] -= 1
        yield i, j
        j += 1
    yield from ((None, index) for index in range(j, len(second)))


def _counts(entries: Sequence[Hashable]) -> dict[Hashable, int]:
    counts: dict[Hashable, int] = {}
    for entry in entries:
        counts[entry] = counts.get(entry, 0) + 1
    return counts


def _words(text: str, ignore_passing: bool) -> list[str]:  # noqa: FBT001 - private
    """Ids and times are words of their own when they are to be ignored."""
    words: list[str] = []
    end = 0
    for match in _PASSING.finditer(text) if ignore_passing else ():
        words += _WORD.findall(text[end : match.start()])
        words.append(match[0])
        end = match.end()
    return words + _WORD.findall(text[end:])


def _plain(word: str) -> str:
    return "\0" if _PASSING.fullmatch(word) else " " if word.isspace() else word
