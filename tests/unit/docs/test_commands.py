"""Commands in the docs: each exists.

Those in code blocks are run: `bongsu` and `curl` in tests/system/test_up_examples.py, Docker's
in tests/compose.
"""

from __future__ import annotations

import itertools
import shlex

import pytest
from typer.testing import CliRunner

from bongsu.app import build_app
from docs.commands import SERVER_PAGES, Typed, mentioned, typed
from docs.pages import TARGETS

TYPED, MENTIONED = list(typed()), list(mentioned())
MADE = [command for command in itertools.chain(TYPED, MENTIONED) if command.program == "make"]
# It would change the shell of the person who runs the tests.
INSTALLS = "--install-completion"


@pytest.mark.parametrize("command", MADE, ids=lambda command: command.line)
def test_a_make_command_names_targets_and_options_that_there_are(command: Typed) -> None:
    words = command.words[1:]
    targets = [word for word in words if "=" not in word]
    assert set(targets) <= TARGETS
    options = next((word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")), "")
    if targets == ["run"] and options != "…":
        assert_taken("up", *shlex.split(options))


@pytest.mark.parametrize(
    "command",
    [each for each in MENTIONED if each.program == "bongsu" and INSTALLS not in each.line],
    ids=lambda command: command.line,
)
def test_a_bongsu_command_in_a_sentence_names_commands_and_options_that_there_are(command: Typed) -> None:
    assert_taken(*command.words[1:])


def test_what_is_typed_on_a_server_stands_where_the_compose_test_runs_it() -> None:
    typed_there = [each for each in TYPED if each.program in ("cp", "docker", "sh")]
    assert len(typed_there) > 20
    assert [each for each in typed_there if each.page not in SERVER_PAGES] == []


def test_the_docs_name_commands_at_all() -> None:
    assert len(MADE) > 5
    assert len(MENTIONED) > 20


def assert_taken(*words: str) -> None:
    """The command line reads the words; nothing is run."""
    result = CliRunner().invoke(build_app(), [*words, "--help"])
    assert result.exit_code == 0, result.output
