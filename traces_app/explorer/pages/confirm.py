"""The question before something that cannot be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Question:
    """``fields`` are sent again with the answer. Whoever cancels, may not or has answered already goes to
    ``back_address``; ``place`` is the page that all pages lead to and this one belongs to.
    """

    title: str
    text: str
    button: str
    fields: Sequence[tuple[str, str]] = ()
    back_address: str = field(default_factory=partial(reverse, "explorer:admin"))
    place: str = "admin"
