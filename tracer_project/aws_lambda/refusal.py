"""What is not done, whoever asks."""

from __future__ import annotations

__all__ = ["CommandFailed", "Refused"]


class Refused(Exception):
    """The event is of no kind that is served here; the message never repeats its content."""


class CommandFailed(Exception):
    """A management command was run and ended with an error; the message is what it said."""
