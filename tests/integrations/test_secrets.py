from __future__ import annotations

import pytest

from llm_tracer.integrations._secrets import MASK, tools_without_secrets, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "api_key",
        "X-Api-Key",
        "openai_api_key",
        "Authorization",
        "authorization_token",
        "clientSecret",
        "Cookie",
    ],
)
def test_values_of_keys_that_name_secrets_are_masked(name: str) -> None:
    assert without_secrets({"a": [{name: "hush", "b": 1}]}) == {"a": [{name: MASK, "b": 1}]}


@pytest.mark.parametrize("name", ["max_tokens", "key", "token_count", "author", "secretary", 7])
def test_other_values_are_kept(name: object) -> None:
    assert without_secrets({name: "shown"}) == {name: "shown"}


def test_a_parameter_of_a_tool_may_be_called_password() -> None:
    tools = [{"name": "log_in", "parameters": {"properties": {"password": {"type": "string"}}}}]
    assert tools_without_secrets(tools) == tools


def test_values_without_end_are_masked_where_nobody_looks() -> None:
    endless: dict[str, object] = {}
    endless["again"] = endless
    assert MASK in str(without_secrets(endless))


def test_what_is_given_is_not_changed() -> None:
    given = {"api_key": "mine"}
    without_secrets(given)
    assert given == {"api_key": "mine"}
