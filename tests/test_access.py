from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from traces_app import access
from traces_app.access import Access

NOW_NS = 1_764_000_000_000_000_000
SECOND_NS = 10**9


@pytest.fixture(autouse=True)
def _fresh(store: Any, settings: Any) -> None:
    settings.API_KEYS = ["project-dev"]
    settings.API_KEY_REQUIRED = True
    access.forget_keys()


def authenticated(key: str | None, *, seconds_later: int = 0) -> Access | None:
    return access.authenticate(key, now_ns=NOW_NS + seconds_later * SECOND_NS)


def test_a_listed_key_opens_its_project(settings: Any) -> None:
    settings.API_KEYS = ["project-a", "project-b_2.0123456789abcdef"]
    first, second = authenticated("project-a"), authenticated("project-b_2.0123456789abcdef")
    assert first is not None
    assert second is not None
    assert (first.project, first.may_read, first.may_write) == ("a", True, True)
    assert second.project == "b_2"
    assert "0123456789abcdef" not in second.key_id
    assert first.key_id != second.key_id


@pytest.mark.parametrize(
    "key",
    [
        "",
        None,
        "project-x",
        "project-",
        "dev",
        "project-dev.",
        "PROJECT-DEV",
        "project-dev\0",
        "\ud83d",
        "x" * 9999,
    ],
)
def test_what_is_not_listed_opens_nothing(key: str | None) -> None:
    assert authenticated(key) is None


def test_a_project_key_without_secret_counts_only_when_listed() -> None:
    access.create_key("shop", now_ns=NOW_NS)
    assert authenticated("project-shop") is None


def test_a_made_key_opens_its_project_to_its_scope() -> None:
    for scope, may_write, may_read in (("all", True, True), ("ingest", True, False), ("read", False, True)):
        made = access.create_key("shop", scope, now_ns=NOW_NS)
        found = authenticated(made.key)
        assert found == Access(project="shop", scope=scope, key_id=made.key_id)  # type: ignore[arg-type]
        assert (found.may_write, found.may_read) == (may_write, may_read)


def test_the_secret_has_256_bits_and_is_not_stored(store: Any, tmp_path: Any) -> None:
    made = access.create_key("shop", label="ci", now_ns=NOW_NS)
    prefix, _, secret = made.key.partition(".")
    assert (prefix, len(secret)) == ("project-shop", 43)
    assert all(secret.encode() not in path.read_bytes() for path in tmp_path.iterdir())
    assert secret not in repr(access.list_keys("shop", now_ns=NOW_NS))


def test_a_secret_of_another_project_opens_nothing() -> None:
    secret = access.create_key("shop", now_ns=NOW_NS).key.partition(".")[2]
    access.create_key("bank", now_ns=NOW_NS)
    assert authenticated(f"project-bank.{secret}") is None


def test_a_revoked_key_opens_nothing_from_now_on() -> None:
    made = access.create_key("shop", now_ns=NOW_NS)
    assert authenticated(made.key) is not None
    assert access.revoke_key(made.key_id, now_ns=NOW_NS)
    assert authenticated(made.key) is None
    assert not access.is_key_live(made.key_id, "shop", now_ns=NOW_NS)


@pytest.mark.parametrize("key_id", ["", "shop", "shop:0123456789abcdef", "shop:zz", "a b:0123456789abcdef"])
def test_revoking_what_is_not_there_says_so(key_id: str) -> None:
    assert not access.revoke_key(key_id, now_ns=NOW_NS)


def test_look_ups_are_remembered_for_half_a_minute(store: Any) -> None:
    made = access.create_key("shop", now_ns=NOW_NS)
    assert authenticated(made.key) is not None
    store.delete_record("KEYS#shop", made.key_id.partition(":")[2])
    assert authenticated(made.key, seconds_later=29) is not None
    assert authenticated(made.key, seconds_later=30) is None


def test_refusals_are_remembered_for_half_a_minute(store: Any) -> None:
    made = access.create_key("shop", now_ns=NOW_NS)
    sort_key = made.key_id.partition(":")[2]
    record = store.get_record("KEYS#shop", sort_key, now_ns=NOW_NS)
    store.delete_record("KEYS#shop", sort_key)
    assert authenticated(made.key) is None
    store.put_record("KEYS#shop", sort_key, record, now_ns=NOW_NS)
    assert authenticated(made.key, seconds_later=29) is None
    assert authenticated(made.key, seconds_later=30) is not None


def test_what_is_remembered_is_bounded() -> None:
    recent = access._RecentKeys()
    for number in range(access.MAX_CACHED_KEYS + 100):
        recent.put(str(number), {}, NOW_NS)
    assert len(recent._entries) == access.MAX_CACHED_KEYS


def test_a_session_lives_as_long_as_its_key(settings: Any) -> None:
    made = access.create_key("shop", now_ns=NOW_NS)
    listed = authenticated("project-dev")
    assert listed is not None
    assert access.is_key_live(made.key_id, "shop", now_ns=NOW_NS)
    assert not access.is_key_live(made.key_id, "dev", now_ns=NOW_NS)
    assert access.is_key_live(listed.key_id, "dev", now_ns=NOW_NS)
    settings.API_KEYS = []
    assert not access.is_key_live(listed.key_id, "dev", now_ns=NOW_NS)


def test_without_required_keys_no_key_opens_the_first_project(settings: Any) -> None:
    settings.API_KEY_REQUIRED = False
    settings.API_KEYS = ["project-first.0123456789abcdef", "project-second"]
    found = authenticated(None)
    assert found is not None
    assert (found.project, found.scope) == ("first", "all")
    assert access.is_key_live(found.key_id, "first", now_ns=NOW_NS)
    assert authenticated("project-wrong") is None
    settings.API_KEYS = []
    assert authenticated(None) == Access(project="dev", scope="all", key_id="dev:anonymous")


@pytest.mark.parametrize("project", ["", "-a", "a.b", "a#b", "a b", "é", "a" * 65, "a\n"])
def test_a_project_has_a_plain_name(project: str) -> None:
    with pytest.raises(ValueError, match="project: must be"):
        access.create_key(project, now_ns=NOW_NS)


def test_a_wrong_scope_or_a_long_label_is_named() -> None:
    with pytest.raises(ValueError, match="scope: must be"):
        access.create_key("shop", "write", now_ns=NOW_NS)
    with pytest.raises(ValueError, match="label"):
        access.create_key("shop", label="l" * 201, now_ns=NOW_NS)


def test_projects_are_those_with_keys_and_those_listed() -> None:
    access.create_key("shop", now_ns=NOW_NS)
    access.create_key("shop", now_ns=NOW_NS)
    assert access.list_projects() == ["dev", "shop"]


def test_a_session_is_kept_until_it_is_deleted_or_expires(store: Any) -> None:
    expires_at = NOW_NS // SECOND_NS + 60
    access.save_session("abc", b"\x00data", expires_at, must_create=True, now_ns=NOW_NS)
    assert access.load_session("abc", now_ns=NOW_NS) == b"\x00data"
    assert access.load_session("abc", now_ns=NOW_NS + 61 * SECOND_NS) is None
    assert access.load_session("other", now_ns=NOW_NS) is None
    assert store.list_records("SESSION#abc", now_ns=NOW_NS) == []  # the id itself opens nothing in the table
    access.delete_session("abc")
    assert access.load_session("abc", now_ns=NOW_NS) is None


def run(command: str, *arguments: str) -> str:
    out = io.StringIO()
    call_command(command, *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_the_commands_make_list_and_revoke_a_key() -> None:
    key = run("create_key", "shop", "--scope", "ingest", "--label", "the shop").strip()
    found = access.authenticate(key, now_ns=NOW_NS)
    assert found is not None
    listed = run("list_keys")
    assert found.key_id in listed
    assert "the shop" in listed
    assert "works" in listed
    assert key not in listed
    run("revoke_key", found.key_id)
    assert "revoked" in run("list_keys", "shop")


def test_the_commands_say_what_is_wrong() -> None:
    for command, argument in (("create_key", "a b"), ("list_keys", "a b"), ("revoke_key", "shop:1")):
        with pytest.raises(CommandError):
            run(command, argument)
