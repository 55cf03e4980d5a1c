"""The tree of a trace: who is whose parent, in reading order, whatever came in whatever order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from traces_app.domain.span import COUNTING_KINDS, Span


@dataclass(slots=True)
class TreeRow:
    """One line of the tree. ``span`` is the span's head: its payload is loaded on demand."""

    span: Span
    depth: int
    child_count: int
    is_orphan: bool
    """The parent it names never came, or naming it would close a cycle."""
    offset_ns: int
    """From the start of the trace; 0 when the span has no start."""
    duration_ns: int | None
    self_ns: int | None
    """Duration less the time that children cover; ``None`` while running."""
    descendant_error_count: int
    is_rollup: bool
    """Its usage repeats that of its descendants and is not counted again."""
    subtree_total_tokens: int | None
    subtree_cost_usd: float | None


def arrange(spans: Iterable[Span]) -> list[TreeRow]:
    """Rows in pre-order, siblings by start. Every span appears once, even in a cycle or an orphan."""
    by_id = {span.span_id: span for span in spans}
    children = _children(by_id)
    order = _preorder(by_id, children)
    start_ns = min((span.start_ns for span in by_id.values() if span.start_ns is not None), default=0)
    rows = [_row(by_id[span_id], depth, children, by_id, start_ns) for span_id, depth in order]
    _add_up(rows)
    return rows


def rollups(parents: Mapping[str, str | None], counting: Iterable[str]) -> set[str]:
    """Ids of counting spans that have a counting descendant: their usage repeats it.

    ``parents`` maps every span id to its parent's; ``counting`` are those with usage of their own. Spans in a
    cycle are nobody's descendants.
    """
    counting = set(counting)
    found: set[str] = set()
    passed: set[str] = set()
    for span_id in counting:
        above: dict[str, None] = {}
        parent = parents.get(span_id)
        while parent is not None and parent not in passed and parent not in above:
            above[parent] = None
            parent = parents.get(parent)
        passed.update(above)
        found.update(takewhile(lambda name: name != parent, above) if parent in above else above)  # noqa: B023
    return found & counting


def counts_usage(span: Span) -> bool:
    usage = span.usage
    return (
        usage is not None
        and span.kind in COUNTING_KINDS
        and (usage.input_tokens is not None or usage.output_tokens is not None)
    )


def _children(by_id: Mapping[str, Span]) -> dict[str | None, list[str]]:
    """Children's ids by parent, by start; tops stand under ``None``."""
    children: dict[str | None, list[str]] = {}
    for span in sorted(by_id.values(), key=_by_start):
        parent = span.parent_span_id
        top = parent not in by_id or parent == span.span_id
        children.setdefault(None if top else parent, []).append(span.span_id)
    return children


def _by_start(span: Span) -> tuple[bool, int, str]:
    return (span.start_ns is None, span.start_ns or 0, span.span_id)


def _preorder(by_id: Mapping[str, Span], children: Mapping[str | None, list[str]]) -> list[tuple[str, int]]:
    """Without recursion: a trace may be deeper than Python's stack."""
    order: list[tuple[str, int]] = []
    seen: set[str] = set()
    for top in _tops(by_id, children, seen):
        stack = [(top, 0)]
        while stack:
            span_id, depth = stack.pop()
            if span_id in seen:
                continue
            seen.add(span_id)
            order.append((span_id, depth))
            stack.extend((child, depth + 1) for child in reversed(children.get(span_id, ())))
    return order


def _tops(
    by_id: Mapping[str, Span], children: Mapping[str | None, list[str]], seen: set[str]
) -> Iterator[str]:
    """Roots and orphans first; then, for cycles, the earliest span not reached yet."""
    yield from children.get(None, ())
    if len(seen) < len(by_id):
        for span in sorted(by_id.values(), key=_by_start):
            if span.span_id not in seen:
                yield span.span_id


def _row(
    span: Span,
    depth: int,
    children: Mapping[str | None, list[str]],
    by_id: Mapping[str, Span],
    start_ns: int,
) -> TreeRow:
    own = [by_id[child] for child in children.get(span.span_id, ())]
    return TreeRow(
        span=span,
        depth=depth,
        child_count=len(own),
        is_orphan=depth == 0 and span.parent_span_id is not None,
        offset_ns=max(0, span.start_ns - start_ns) if span.start_ns is not None else 0,
        duration_ns=span.duration_ns,
        self_ns=_self_ns(span, own),
        descendant_error_count=0,
        is_rollup=False,
        subtree_total_tokens=None,
        subtree_cost_usd=None,
    )


def _self_ns(span: Span, own_children: Sequence[Span]) -> int | None:
    """Children may overlap (parallel calls) and outlive their parent: covered time is a union, clipped.

    Unknown where a child's time is.
    """
    if span.start_ns is None or span.end_ns is None:
        return None
    covered = 0
    reached = span.start_ns
    for child in own_children:  # already by start
        if child.start_ns is None or child.end_ns is None:
            return None
        begin = max(child.start_ns, reached)
        end = min(child.end_ns, span.end_ns)
        if end > begin:
            covered += end - begin
            reached = end
    return max(0, span.end_ns - span.start_ns - covered)


def _add_up(rows: list[TreeRow]) -> None:
    parents = {row.span.span_id: row.span.parent_span_id for row in rows}
    repeats_usage = rollups(parents, (row.span.span_id for row in rows if counts_usage(row.span)))
    repeats_cost = rollups(parents, (row.span.span_id for row in rows if row.span.cost_usd is not None))
    for row in rows:
        row.is_rollup = row.span.span_id in repeats_usage
        if counts_usage(row.span) and not row.is_rollup:
            row.subtree_total_tokens = _total_tokens(row.span)
        if row.span.span_id not in repeats_cost:
            row.subtree_cost_usd = row.span.cost_usd
    _carry_up(rows)


def _total_tokens(span: Span) -> int:
    usage = span.usage
    return (usage.input_tokens or 0) + (usage.output_tokens or 0) if usage else 0


def _carry_up(rows: list[TreeRow]) -> None:
    """From the last row back: in pre-order a parent always stands before its children."""
    path: list[TreeRow] = []
    parent_rows: list[TreeRow | None] = []
    for row in rows:
        del path[row.depth :]
        parent_rows.append(path[-1] if path else None)
        path.append(row)
    for row, parent in zip(reversed(rows), reversed(parent_rows), strict=True):
        if parent is not None:
            _carry(row, parent)


def _carry(row: TreeRow, parent: TreeRow) -> None:
    parent.descendant_error_count += row.descendant_error_count + (row.span.status == "error")
    if row.subtree_total_tokens is not None:
        parent.subtree_total_tokens = (parent.subtree_total_tokens or 0) + row.subtree_total_tokens
    if row.subtree_cost_usd is not None:
        parent.subtree_cost_usd = (parent.subtree_cost_usd or 0.0) + row.subtree_cost_usd
