"""The question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Confirmation:
    """``fields`` are sent again with the answer."""

    title: str
    text: str
    address: str
    fields: Sequence[tuple[str, str]]
    button: str
    back_address: str
