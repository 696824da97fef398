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
from docs.commands import Typed, mentioned, typed
from docs.pages import ROOT, TARGETS

TYPED, MENTIONED = list(typed()), list(mentioned())
MADE = [command for command in itertools.chain(TYPED, MENTIONED) if command.program == "make"]
OPERATIONS = "docs/operations.md"
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


def test_what_a_server_is_deployed_with_is_what_operations_says() -> None:
    text = (ROOT / OPERATIONS).read_text(encoding="utf-8")
    elsewhere = [each for each in TYPED if each.page != OPERATIONS and each.program in ("cp", "docker", "sh")]
    assert len(elsewhere) > 3
    assert [each for each in elsewhere if f"\n{' '.join(each.words)}\n" not in text] == []


def test_the_docs_name_commands_at_all() -> None:
    assert len(MADE) > 5
    assert len(MENTIONED) > 20


def assert_taken(*words: str) -> None:
    """The command line reads the words; nothing is run."""
    result = CliRunner().invoke(build_app(), [*words, "--help"])
    assert result.exit_code == 0, result.output
