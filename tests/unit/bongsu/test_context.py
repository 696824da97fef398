"""Context of a command: where its stack is, and an address that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.context import StackContext, load_context
from bongsu.errors import CommandError, UnreachableError, UsageError
from common.masking import mask_sensitive
from common.settings import SettingsError

WRITTEN = """{
 "database_url": "postgresql://bongsu_admin:written-1@127.0.0.1:5432/bongsu",
 "nats_url": "nats://admin:written-2@127.0.0.1:4222",
 "health_url": "http://127.0.0.1:8080"
}"""
OTHER = "postgresql://bongsu_admin:other-one@db.example:5432/bongsu"


def test_the_data_folder_names_its_stack(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(WRITTEN)
    stack = load_context(tmp_path)
    assert stack.database_url == "postgresql://bongsu_admin:written-1@127.0.0.1:5432/bongsu"
    assert stack.nats_url == "nats://admin:written-2@127.0.0.1:4222"
    assert stack.health_url == "http://127.0.0.1:8080"


def test_the_environment_wins_variable_by_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run.json").write_text(WRITTEN)
    monkeypatch.setenv("DATABASE_URL", OTHER)
    monkeypatch.setenv("HEALTH_URL", "  ")
    stack = load_context(tmp_path)
    assert stack.database_url == OTHER
    assert stack.health_url == "http://127.0.0.1:8080"


def test_an_address_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text(OTHER + "\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))
    assert load_context(tmp_path).database_url == OTHER
    assert "other-one" not in mask_sensitive(f"connecting to {OTHER}")
    monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match="DATABASE_URL_FILE: the file cannot be read"):
        load_context(tmp_path)


def test_with_an_address_in_the_environment_no_folder_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", OTHER)
    stack = load_context(tmp_path)
    assert stack.database_url == OTHER
    assert stack.nats_url == ""
    with pytest.raises(UnreachableError, match="HEALTH_URL is not known; start the stack with `make run`"):
        _ = stack.health_url


def test_where_nothing_runs_the_way_to_start_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="start it with `make run`, or name another folder"):
        load_context(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '"up"', "5"])
def test_a_note_that_is_none_of_ours_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(CommandError, match=r"run\.json is not what `bongsu up` wrote; start the stack again"):
        load_context(tmp_path)


def test_a_file_for_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(
        CommandError, match=r"data/run\.json cannot be read \(Not a directory\); name the fol"
    ):
        load_context(tmp_path / "data")


@pytest.mark.parametrize(
    "url",
    [
        "hunter2secret",
        "mysql://u:hunter2secret@127.0.0.1/bongsu",
        "postgresql://u:hunter2secret@127.0.0.1:99999/bongsu",
        "postgresql://u:hunter2secret@127.0.0.1:port/bongsu",
        "postgresql://u:hunter2[secret@127.0.0.1/bongsu",
        "postgresql:///hunter2secret",
        "postgresql://u:hunter2secret@127.0.0.1:0/bongsu",
    ],
)
def test_an_address_that_is_none_is_refused_unseen(url: str) -> None:
    with pytest.raises(UsageError) as refusal:
        _ = StackContext({"DATABASE_URL": url}).database_url
    assert str(refusal.value).startswith("DATABASE_URL: must be a URL such as postgresql://")
    assert "hunter2" not in str(refusal.value)


def test_each_address_of_a_cluster_is_checked_and_hidden(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = "nats://admin:first-7731@127.0.0.1:4222,nats://admin:second-7731@127.0.0.1:4223"
    monkeypatch.setenv("NATS_URL", urls)
    assert load_context(tmp_path).nats_url == urls
    assert mask_sensitive("first-7731 and second-7731") == "*** and ***"
    with pytest.raises(UsageError, match="NATS_URL: must be a URL such as"):
        _ = StackContext({"NATS_URL": "nats://127.0.0.1:4222,127.0.0.1:4223"}).nats_url


def test_a_wrong_address_harms_only_who_needs_it() -> None:
    stack = StackContext({"DATABASE_URL": "mysql://127.0.0.1/x", "HEALTH_URL": "http://127.0.0.1:8080/"})
    assert stack.health_url == "http://127.0.0.1:8080"


@pytest.mark.parametrize("url", [OTHER, "nats://other-one@127.0.0.1:4222"])
def test_a_password_is_hidden_from_then_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    load_context(tmp_path)
    assert "other-one" not in mask_sensitive("the server said: other-one is wrong")
