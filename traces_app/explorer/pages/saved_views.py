from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote_plus

from django.urls import reverse

from traces_app.explorer.formats import Moment, moment
from traces_app.explorer.visible import visible_line
from traces_app.explorer.visitor import Visitor
from traces_app.saved_views import SavedView


@dataclass(frozen=True, slots=True)
class ViewLine:
    view_id: str
    name: str
    address: str
    asks: str
    whose: str
    created: Moment | None
    may_delete: bool


def views_page(views: Sequence[SavedView], *, visitor: Visitor) -> list[ViewLine]:
    return [
        ViewLine(
            view_id=view.view_id,
            name=visible_line(view.name, 80),
            address=reverse("explorer:traces") + view.query,
            asks=visible_line(unquote_plus(view.query.removeprefix("?")) or "all traces", 200),
            whose="shared" if view.is_shared else "yours",
            created=moment(view.created_at_ns, now_ns=visitor.now_ns),
            may_delete=visitor.may_write or view.owner == visitor.who,
        )
        for view in views
    ]
