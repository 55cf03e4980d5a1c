"""Searches that people keep under a name: for themselves (their key), or for the whole project."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from traces_app.storage import get_store, keys

__all__ = ["SavedView", "delete_view", "list_views", "save_view"]

MAX_VIEWS: Final = 100
"""Of a project: all are read with each look at its list."""

MAX_NAME_CHARACTERS: Final = 80
MAX_QUERY_CHARACTERS: Final = 3000


@dataclass(frozen=True, slots=True)
class SavedView:
    """``owner`` is a key's id. ``query`` is the query string of the list."""

    view_id: str
    name: str
    query: str
    owner: str
    is_shared: bool
    created_at_ns: int


def save_view(project: str, *, name: str, query: str, owner: str, is_shared: bool, now_ns: int) -> SavedView:
    """In the place of the owner's earlier one of that name. Raises ValueError naming what is wrong."""
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise ValueError(f"name: a view needs a name of at most {MAX_NAME_CHARACTERS} characters.")
    if len(query) > MAX_QUERY_CHARACTERS:
        raise ValueError(f"search: at most {MAX_QUERY_CHARACTERS:,} characters can be saved.")
    known = _all(project, now_ns)
    same = (name, owner, is_shared)
    earlier = next((one for one in known if (one.name, one.owner, one.is_shared) == same), None)
    if earlier is None and len(known) >= MAX_VIEWS:
        raise ValueError(f"A project keeps {MAX_VIEWS} views: delete one first.")
    view_id = earlier.view_id if earlier else secrets.token_hex(6)
    view = SavedView(view_id, name, query, owner, is_shared, now_ns)
    value = {
        "name": name,
        "query": query,
        "owner": owner,
        "is_shared": is_shared,
        "created_at_ns": now_ns,
    }
    get_store().put_record(keys.views_partition(project), view.view_id, value, now_ns=now_ns)
    return view


def list_views(project: str, *, owner: str, now_ns: int) -> list[SavedView]:
    """Those of ``owner`` and those that are shared, by name."""
    views = (view for view in _all(project, now_ns) if view.is_shared or view.owner == owner)
    return sorted(views, key=lambda view: view.name.lower())


def delete_view(project: str, view_id: str, *, owner: str, now_ns: int) -> SavedView | None:
    """The view that is gone now; ``None`` when there was none that ``owner`` may see."""
    found = next(
        (one for one in list_views(project, owner=owner, now_ns=now_ns) if one.view_id == view_id), None
    )
    if found is not None:
        get_store().delete_record(keys.views_partition(project), view_id)
    return found


def _all(project: str, now_ns: int) -> list[SavedView]:
    found = get_store().list_records(keys.views_partition(project), now_ns=now_ns)
    return [SavedView(view_id, **value) for view_id, value in found]
