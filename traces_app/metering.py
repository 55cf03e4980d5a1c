"""How long requests work: measured round each of them, noted by the batches, added up in the bill."""

from __future__ import annotations

from traces_app.storage.metering import attribute_request, measured_request

__all__ = ["attribute_request", "measured_request"]
