"""JSON inside texts."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from traces_app.domain.json_text import MAX_TEXT_DEPTH, decoded
from traces_app.domain.mapping.reader import Reader


@pytest.mark.parametrize("value", [{"a": [1, {"b": None}]}, [], "text", [1.5], True, None])
def test_a_json_text_says_its_value(value: Any) -> None:
    assert decoded(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["plain", "{not json", "12", "[1, 2", ""])
def test_another_text_stays_as_it_is(text: str) -> None:
    assert decoded(text) == text


def test_brackets_within_texts_are_no_levels() -> None:
    chat = [{"role": "user", "content": "[0,1) and {" * (MAX_TEXT_DEPTH + 1)}]
    assert decoded(json.dumps(chat)) == chat


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_text_is_read_to_its_limit_of_levels_and_no_further(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(levels: int) -> str:
        return opening * (levels - 1) + "[]" + closing * (levels - 1)

    assert not isinstance(decoded(nested(MAX_TEXT_DEPTH)), str)
    for levels in (MAX_TEXT_DEPTH + 1, 1000, 2000, 20_000):
        assert decoded(nested(levels)) == nested(levels)


def test_a_large_chat_is_read_in_no_time() -> None:
    chat = json.dumps([{"role": "user", "content": "[x] {y} " * 100}] * 7_000)
    assert len(chat) > 5_000_000
    started = time.process_time()
    assert len(decoded(chat)) == 7_000
    assert time.process_time() - started < 1


def test_an_attribute_that_several_fields_look_into_is_decoded_once() -> None:
    reader = Reader({"gen_ai.usage.raw": '{"input_tokens": 3}'})
    assert reader.decoded("gen_ai.usage.raw") == {"input_tokens": 3}
    assert reader.decoded("gen_ai.usage.raw") is reader.decoded("gen_ai.usage.raw")
    assert reader.decoded("missing") is None
