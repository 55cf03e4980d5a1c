from __future__ import annotations

import pytest

from traces_app.explorer.visible import as_typed, excerpt, visible, visible_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("windows\r\nline", "windows\nline"),
        ("\x1b[31mred", "⟨ESC⟩[31mred"),
        ("nul\0", "nul⟨NUL⟩"),
        ("over\rwritten", "over⟨CR⟩written"),
        ("\x7f\x9b", "⟨DEL⟩⟨U+009B⟩"),
        ("\u202eexe.gpj", "⟨U+202E⟩exe.gpj"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("lone \ud800", "lone ⟨U+D800⟩"),
        ("用户 السلام 👩‍👩‍👧 é", "用户 السلام 👩‍👩‍👧 é"),
    ],
)
def test_what_cannot_be_seen_is_named(text: str, shown: str) -> None:
    assert visible(text) == shown
    visible(text).encode()


def test_a_line_is_one_line_and_short() -> None:
    assert visible_line("a\nb\r\nc\td") == "a b c d"
    assert visible_line("x" * 300, 10) == "x" * 9 + "…"


def test_an_excerpt_tells_the_size_of_the_whole() -> None:
    cut = excerpt("é" * 100, 10)
    assert (cut.text, cut.is_cut, cut.total_bytes) == ("é" * 10, True, 200)
    assert not excerpt("short").is_cut


def test_what_was_named_can_be_looked_for() -> None:
    hidden = "a\x1b[31m\u202e\U000e0041\ud800"
    assert as_typed(visible(hidden)) == hidden
    assert as_typed("⟨U+FFFFFF⟩ ⟨other⟩") == "⟨U+FFFFFF⟩ ⟨other⟩"
