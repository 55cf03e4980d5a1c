from __future__ import annotations

from dataclasses import dataclass

from traces_app import __version__
from traces_app.explorer.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page."""

    title: str
    project: str = ""
    other_projects: tuple[str, ...] = ()
    is_signed_in: bool = False
    json_address: str = ""
    version: str = __version__


def shell_of(visitor: Visitor, *, title: str, json_address: str = "") -> Shell:
    return Shell(
        title=title,
        project=visitor.project,
        other_projects=tuple(name for name in visitor.projects if name != visitor.project),
        is_signed_in=visitor.is_signed_in,
        json_address=json_address,
    )
