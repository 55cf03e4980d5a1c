"""What happens to clients when the process ends, is told to end, or forks."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from types import FrameType
from typing import TYPE_CHECKING, Final

from llm_tracer import _ids

if TYPE_CHECKING:
    from llm_tracer._delivery.pipeline import Pipeline

EXIT_SECONDS: Final = 2.0
"""For all clients together: a dead server must not keep a program from ending."""

_pipelines: weakref.WeakSet[Pipeline] = weakref.WeakSet()


def look_after(pipeline: Pipeline) -> None:
    """Flushes the pipeline when the process ends, and gives the child of a fork a fresh one."""
    _pipelines.add(pipeline)
    _deliver_on_sigterm()


def close_all() -> None:
    """Delivers what can be delivered within ``EXIT_SECONDS``."""
    deadline = time.monotonic() + EXIT_SECONDS
    pipelines = list(_pipelines)
    for pipeline in pipelines:
        pipeline.refuse_more()
        pipeline.ask_for_delivery()
    for pipeline in pipelines:
        pipeline.flush(pipeline.delivery_seconds(deadline - time.monotonic()))
        pipeline.stop()


def _deliver_on_sigterm() -> None:
    """Containers are ended by SIGTERM, which by default kills without ``atexit``. A host that has a handler
    of its own, or sets one later, keeps it: then it is its business how the program ends.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _deliver_and_die)


def _deliver_and_die(signal_number: int, _frame: FrameType | None) -> None:
    # In a thread: the code that the signal interrupted may hold one of our locks.
    closing = threading.Thread(target=close_all, daemon=True)
    closing.start()
    closing.join(EXIT_SECONDS + 1)
    signal.signal(signal_number, signal.SIG_DFL)
    signal.raise_signal(signal_number)


def _begin_again_in_child() -> None:
    _ids.forget_pool()
    for pipeline in list(_pipelines):
        pipeline.begin_again()
    _flush_at_end_of_multiprocessing_child()


def _flush_at_end_of_multiprocessing_child() -> None:
    # Children of multiprocessing end with os._exit, which skips atexit but runs these finalizers. They
    # must be registered after the child's own set-up, which forgets those of the parent.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_pipelines, lambda _: util.Finalize(None, close_all, exitpriority=0))


atexit.register(close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_again_in_child)
