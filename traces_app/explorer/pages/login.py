from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoginPage:
    """``next_address`` is a checked local path; ``projects`` are those already granted."""

    error: str
    next_address: str
    development_key: str
    projects: tuple[str, ...]
