"""Static files of a deployment: named by their content, so that browsers may keep them for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc, unused-ignore]
    support_js_module_import_aggregation = True
    """A script's imports are renamed too: two releases' modules never meet in one page."""
