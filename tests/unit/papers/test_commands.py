"""Is every `make` command of the papers one that there is?"""

from __future__ import annotations

import re
import shlex

import pytest
from typer.testing import CliRunner

from bongsu.app import build_app
from papers.commands import Typed, typed
from papers.pages import ROOT

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
MADE = [command for command in typed() if command.program == "make"]


@pytest.mark.parametrize("command", MADE, ids=lambda command: command.line)
def test_a_make_command_names_targets_and_options_that_there_are(command: Typed) -> None:
    words = command.words[1:]
    targets = [word for word in words if "=" not in word]
    assert set(targets) <= TARGETS
    options = next((word.removeprefix("ARGS=") for word in words if word.startswith("ARGS=")), "")
    if targets == ["run"]:
        result = CliRunner().invoke(build_app(), ["up", *shlex.split(options), "--help"])
        assert result.exit_code == 0, result.output


def test_the_papers_name_commands_at_all() -> None:
    assert len(MADE) > 5
