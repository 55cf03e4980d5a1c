"""Removes from an installed tree what is never read on Lambda.

Each removal is named here, and the rehearsal serves every kind of request from what is left.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

__all__ = ["trim"]

REPLACED: Final = {
    "django/core/serializers/__init__.py": '"""The encoder in json.py is all that is used."""\n',
    "django/views/generic/__init__.py": "from django.views.generic.base import TemplateView, View\n",
}
"""Where Django would load its database models, though here are none, before it answers a request."""

ENCODER: Final = "django/core/serializers/json.py"
ENCODER_IMPORTS: Final = """\
import datetime
import decimal
import json
import uuid

from django.utils.duration import duration_iso_string
from django.utils.functional import Promise
from django.utils.timezone import is_aware


"""

PYDANTIC_CORE: Final = "pydantic_core/__init__.py"
EAGER: Final = "from .core_schema import CoreConfig, CoreSchema, CoreSchemaType, ErrorType\n"
LAZY: Final = """\

def __getattr__(name: str) -> _Any:
    from importlib import import_module

    core_schema = import_module(".core_schema", __name__)
    return core_schema if name == "core_schema" else getattr(core_schema, name)
"""
"""A hundred types that only describe schemas; ingest validates by plain ones."""

SERVICES: Final = frozenset({"dynamodb"})
"""The only service that is called from inside."""

PARTITIONS: Final = frozenset({"aws", "aws-cn", "aws-us-gov"})

UNUSED: Final = (
    "bin",
    "django/contrib/admindocs",
    "django/contrib/flatpages",
    "django/contrib/gis",
    "django/contrib/humanize",
    "django/contrib/postgres",
    "django/contrib/redirects",
    "django/contrib/sitemaps",
    "django/contrib/syndication",
    "django/contrib/admin/static",  # collected, with hashed names
    "ninja/static",  # as above
    "staticfiles/**/*.map*",
    "staticfiles/admin/js/vendor",
    "staticfiles/ninja/redoc*",
    "google/protobuf/compiler",
    "google/protobuf/testing",
    "**/*.pyi",
    "**/*.po",
    "**/*.c",
    "**/*.h",
    "**/*.pyx",
    "**/*.dist-info/RECORD",
    "**/*.dist-info/licenses",
    "**/*.dist-info/WHEEL",
    "**/*.dist-info/INSTALLER",
)
KEPT_LOCALE: Final = "django/conf/locale"
LANGUAGE: Final = "en"


def trim(tree: Path) -> None:
    keep_locale(tree)
    for pattern in UNUSED:
        for path in sorted(tree.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    keep_services(tree / "botocore/data")
    load_less(tree)


def load_less(tree: Path) -> None:
    """Rewrites a few modules of libraries; each must be what it was when this was written."""
    for name, text in REPLACED.items():
        rewrite(tree / name, partial(instead, text))
    rewrite(tree / ENCODER, lambda old: ENCODER_IMPORTS + old[old.index("class DjangoJSONEncoder") :])
    rewrite(tree / PYDANTIC_CORE, lambda old: LAZY.join(old.split(EAGER, maxsplit=1)))


def instead(new: str, _: str) -> str:
    return new


def rewrite(file: Path, change: Callable[[str], str]) -> None:
    old = file.read_text()
    if (new := change(old)) == old:
        sys.exit(f"{file} is no longer what infrastructure/trim.py rewrites: look at both.")
    file.write_text(new)


def keep_locale(tree: Path) -> None:
    """Django asks for the formats of one language, wherever it reads settings; texts are all English."""
    locales = tree / KEPT_LOCALE
    for folder in locales.iterdir():
        if folder.is_dir() and folder.name != LANGUAGE:
            shutil.rmtree(folder)
    locales.rename(locales.with_name("kept"))
    for path in (tree / "django").glob("**/locale"):
        shutil.rmtree(path)
    locales.with_name("kept").rename(locales)


def keep_services(data: Path) -> None:
    """Of botocore's models those called, unpacked and without prose: reading them takes a client longest."""
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in SERVICES:
            shutil.rmtree(folder)
    for packed in list(data.rglob("*.json.gz")):
        if packed.name.startswith(("examples", "paginators", "waiters")):
            packed.unlink()
            continue
        model = without_prose(json.loads(gzip.decompress(packed.read_bytes())))
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = data / "endpoints.json"
    endpoints.write_text(json.dumps(without_other_services(json.loads(endpoints.read_text()))))


def without_prose(model: Any) -> Any:
    if isinstance(model, list):
        return [without_prose(part) for part in model]
    if not isinstance(model, dict):
        return model
    kept = ((key, value) for key, value in model.items() if key != "documentation" or isinstance(value, dict))
    return {key: without_prose(value) for key, value in kept}


def without_other_services(endpoints: dict[str, Any]) -> dict[str, Any]:
    partitions = [part for part in endpoints["partitions"] if part["partition"] in PARTITIONS]
    for partition in partitions:
        services = partition["services"].items()
        partition["services"] = {name: service for name, service in services if name in SERVICES}
    return {**endpoints, "partitions": partitions}
