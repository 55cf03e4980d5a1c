"""Every limit on what a span may hold, with its unit and its reason."""

from __future__ import annotations

from typing import Final

from traces_app.domain.durations import DAY_NS

MAX_SPAN_BYTES: Final = 16 * 2**20
"""JSON bytes of one span: it is held in memory whole, several times over, while it is packed."""

MAX_BATCH_BYTES: Final = 256 * 2**20
"""JSON bytes of all spans of a batch: four times the largest body. What a body says once for many spans (a
resource) is written with each."""

MAX_SHARED_BYTES: Final = 128 * 2**20
"""What a batch says once (a resource, a scope) is kept with each span: its size times the spans it is of.
4 KB of resource on 20,000 spans is 80 MB; one of a megabyte on 2,000 spans took 2 GB."""

MAX_VALUE_DEPTH: Final = 200
"""Levels of nesting in a JSON value: orjson writes 254 at most, and the span itself takes some."""

MAX_ID_CHARACTERS: Final = 200
"""Session and user ids: they become keys of 2,048 bytes at most, with a project's name before them."""

MAX_NAME_CHARACTERS: Final = 1000
MAX_TAGS: Final = 200
MAX_TAG_CHARACTERS: Final = 200

MAX_CLOCK_AHEAD_NS: Final = DAY_NS
"""A start further in the future than this is a wrong unit (seconds for nanoseconds) or a broken clock."""

OLDEST_START_NS: Final = 946_684_800 * 10**9
"""2000-01-01. An earlier start is most likely seconds or milliseconds given for nanoseconds."""

MAX_TOKENS: Final = 10**13
"""Of one call: beyond belief, but real senders have written 2^40. Sums of 100,000 such calls fit 64 bits."""

MAX_COST_USD: Final = 100_000.0
"""Of one call. A hundred times what anybody has seen; sums of 10,000 such calls still fit 64 bits."""

MAX_LOSS_REASONS: Final = 50
"""Of one batch; the rest is added up as "other"."""

PREVIEW_CHARACTERS: Final = 120
"""Of input and output in a list row: a summary fragment should stay under 1 KB, one write unit."""

MAX_ERROR_PREVIEW_CHARACTERS: Final = 300
