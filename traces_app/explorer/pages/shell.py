from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from django.urls import reverse

from traces_app import __version__
from traces_app.explorer.pages.links import Link
from traces_app.explorer.visitor import Visitor

PLACES: Final = {
    "traces": "Traces",
    "sessions": "Sessions",
    "users": "Users",
    "statistics": "Statistics",
    "cost": "Cost",
    "problems": "Problems",
    "admin": "Admin",
}
"""The pages that every page leads to, by the name of their address."""


@dataclass(frozen=True, slots=True)
class Shell:
    """What surrounds every page."""

    title: str
    project: str = ""
    other_projects: tuple[str, ...] = ()
    is_signed_in: bool = False
    json_address: str = ""
    places: list[Link] = field(default_factory=list)
    version: str = __version__


def shell_of(visitor: Visitor, *, title: str, json_address: str = "", place: str = "traces") -> Shell:
    return Shell(
        title=title,
        project=visitor.project,
        other_projects=tuple(name for name in visitor.projects if name != visitor.project),
        is_signed_in=visitor.is_signed_in,
        json_address=json_address,
        places=[
            Link(text, reverse(f"explorer:{name}"), is_current=name == place) for name, text in PLACES.items()
        ],
    )
