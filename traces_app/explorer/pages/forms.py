"""The forms of the admin pages as plain values: what each asks for, what was typed, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from traces_app.access import MAX_LABEL_CHARACTERS, MAX_PROJECT_CHARACTERS
from traces_app.domain.budget import MAX_ADDRESS_CHARACTERS, MAX_VALUE_CHARACTERS
from traces_app.domain.limits import MAX_ID_CHARACTERS
from traces_app.domain.pricing import PRICE_LABELS
from traces_app.domain.retention import MAX_CONDITION_CHARACTERS

MAX_NUMBER_CHARACTERS: Final = 12
"""More digits than any amount that is allowed has."""

MAX_DAYS_CHARACTERS: Final = 8
"""``for ever``."""


@dataclass(frozen=True, slots=True)
class Field:
    """``called`` is how an error names it, where that is not its name. With ``choices`` it is a list to pick
    from, with ``offers`` a text with a list to begin from.
    """

    name: str
    label: str
    kind: Literal["text", "short", "number", "date"] = "text"
    called: str = ""
    value: str = ""
    error: str = ""
    max_characters: int = MAX_ID_CHARACTERS
    is_required: bool = False
    placeholder: str = ""
    hint: str = ""
    pattern: str = ""
    choices: Sequence[tuple[str, str]] = ()
    offers: Sequence[str] = ()

    def is_called(self, name: str) -> bool:
        return name in (self.name.replace("_", " "), self.called)


@dataclass(frozen=True, slots=True)
class Form:
    """``place`` is its address by name. ``error`` is of none of its fields."""

    place: str
    title: str
    button: str
    fields: Sequence[Field]
    is_dangerous: bool = False
    error: str = ""

    def filled(self, values: Mapping[str, str]) -> Form:
        return replace(
            self, fields=[replace(one, value=values.get(one.name, one.value)) for one in self.fields]
        )

    def refused(self, typed: Mapping[str, str], said: str) -> Form:
        """As it was typed, with what is wrong beside the field that ``said`` names: ``days: write ...``."""
        name, _, _ = said.partition(":")
        form = self.filled(typed)
        if not any(one.is_called(name) for one in form.fields):
            return replace(form, error=said)
        return replace(
            form, fields=[replace(one, error=said if one.is_called(name) else "") for one in form.fields]
        )


_KEY: Final = Form(
    "create_key",
    "Make a key",
    "Make a key…",
    [
        Field("label", "Label", max_characters=MAX_LABEL_CHARACTERS, placeholder="where it is used"),
        Field(
            "scope",
            "Scope",
            choices=[
                ("ingest", "ingest: send traces"),
                ("read", "read: look at them"),
                ("all", "all: everything"),
            ],
        ),
    ],
)
_PROJECT: Final = Form(
    "create_project",
    "Make a project",
    "Make it…",
    [
        Field(
            "name",
            "New project",
            called="project",
            max_characters=MAX_PROJECT_CHARACTERS,
            is_required=True,
            placeholder="letters, digits, - and _",
            pattern=r"[A-Za-z0-9][A-Za-z0-9_\-]*",
        )
    ],
)
_PRICE: Final = Form(
    "set_price",
    "Set a price",
    "Set…",
    [
        Field("model", "Model, as spans name it", is_required=True),
        Field("since", "Valid from", "date"),
        *(
            Field(
                label.replace(" ", "_"),
                f"{label.capitalize()} $/M",
                "number",
                max_characters=MAX_NUMBER_CHARACTERS,
                is_required=label in ("input", "output"),
            )
            for label in PRICE_LABELS
        ),
    ],
)
_RULE: Final = Form(
    "set_rule",
    "Set a rule",
    "Set a rule…",
    [
        Field(
            "condition",
            "Condition, as in the search",
            max_characters=MAX_CONDITION_CHARACTERS,
            is_required=True,
            placeholder="error:true",
            offers=[
                "error:true",
                "scored:true",
                "duration:>10s",
                "cost:>0.5",
                "tag:keep",
                "name:checkout",
                "env:prod",
            ],
        ),
        Field(
            "days",
            "Days, or forever",
            "short",
            max_characters=MAX_DAYS_CHARACTERS,
            is_required=True,
            placeholder="180",
        ),
    ],
)
_REST: Final = Form(
    "set_rest",
    "Keep the rest",
    "Set…",
    [
        Field(
            "days",
            "The rest: days, or forever",
            "short",
            max_characters=MAX_DAYS_CHARACTERS,
            hint="Empty: as RETENTION_DAYS says",
        )
    ],
)
_BUDGET: Final = Form(
    "set_budget",
    "Set the budget",
    "Set…",
    [
        Field(
            "monthly_usd",
            "Dollars a month",
            "number",
            called="monthly amount",
            max_characters=MAX_NUMBER_CHARACTERS,
            placeholder="20",
            hint="Empty: no budget",
        ),
        Field("slow_s", "Slow, from seconds", "number", called="slow", max_characters=MAX_NUMBER_CHARACTERS),
        Field(
            "expensive_usd",
            "Expensive, from dollars",
            "number",
            called="expensive",
            max_characters=MAX_NUMBER_CHARACTERS,
        ),
    ],
)
_ALERT: Final = Form(
    "add_alert",
    "Add an alert",
    "Add an alert…",
    [
        Field("what", "What", choices=[("models", "spend on models"), ("bill", "the bill of keeping")]),
        Field(
            "by",
            "Of",
            choices=[("all", "all"), ("user", "a user"), ("model", "a model"), ("tag", "a tag")],
        ),
        Field("value", "Which", max_characters=MAX_VALUE_CHARACTERS, hint="Empty for all"),
        Field("limit", "Dollars a month", "number", max_characters=MAX_NUMBER_CHARACTERS, is_required=True),
        Field(
            "to",
            "E-mail, or https:// address",
            max_characters=MAX_ADDRESS_CHARACTERS,
            is_required=True,
            placeholder="ops@example.com",
        ),
    ],
)
_ERASE: Final = Form(
    "erase",
    "Erase",
    "Erase…",
    [
        Field("kind", "What", choices=[("trace", "trace"), ("session", "session"), ("user", "user")]),
        Field("id", "Its id", is_required=True),
    ],
    is_dangerous=True,
)
FORMS: Final = {form.place: form for form in (_KEY, _PROJECT, _PRICE, _RULE, _REST, _BUDGET, _ALERT, _ERASE)}
