"""A bar where somebody looks, lines where a log is kept."""

from __future__ import annotations

import io

import pytest
from django.core.management.base import OutputWrapper

from traces_app.management import progress
from traces_app.management.progress import Progress, following


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_that_is_wiped_at_the_end() -> None:
    out = Terminal()
    shown = Progress(OutputWrapper(out))
    shown.show("5 items", 5, 10)
    assert out.getvalue() == "\r\033[K" + "█" * 15 + "·" * 15 + " 50%  5 items"
    shown.close()
    assert out.getvalue().endswith("\r\033[K")


def test_a_log_gets_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s[0])
    out = io.StringIO()
    shown = Progress(OutputWrapper(out))
    for number in range(25):
        now_s[0] += 1
        shown.show(f"{number} items", number, 50)
    shown.close()
    assert out.getvalue() == "18%  9 items\n38%  19 items\n"


def test_control_c_says_how_to_go_on() -> None:
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended, following(OutputWrapper(out)):
        raise KeyboardInterrupt
    assert ended.value.code == 130
    assert out.getvalue() == "Stopped. Run it again to go on.\n"
