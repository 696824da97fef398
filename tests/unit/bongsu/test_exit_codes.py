"""Exit codes: the same for the same reason in every command."""

from __future__ import annotations

import subprocess

import pytest

from bongsu.invocation import run
from servers.commands import COMMAND, every_command
from servers.fixtures import passable_folder
from servers.surroundings import surroundings
from unit.ordinary_user import as_an_ordinary_user

# These do without a stack, or read other variables.
ALONE = ("up", "doctor", "asyncapi", "version", "migrate", "reconcile")
# What a command cannot be called without.
NEEDED = {
    "signals show": ["abcd"],
    "config get": ["markets"],
    "config set": ["backfill_days", "7"],
    "dead show": ["1"],
    "dead retry": ["--all"],
    "dead drop": ["--all"],
}


ALL = tuple(command for command, does_something in every_command() if does_something)


@pytest.mark.parametrize("command", ALL)
def test_an_option_that_does_not_exist_ends_with_2(command: str) -> None:
    code, message = run([*command.split(), "--no-such-option"])
    assert code == 2
    assert message.startswith("No such option: --no-such-option")


@pytest.mark.parametrize("command", [each for each in ALL if each not in ALONE])
def test_without_a_stack_it_ends_with_69(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = run([*command.split(), *NEEDED.get(command, [])])
    assert (code, capsys.readouterr().out) == (69, "")
    assert "make run" in message


@pytest.mark.parametrize("command", [each for each in ALL if each not in ALONE])
def test_another_users_stack_ends_with_77(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with passable_folder() as folder:
        (folder / "run.json").touch(mode=0o000)
        (folder / "logs").mkdir(mode=0o000)
        with as_an_ordinary_user():
            code, message = run([*command.split(), *NEEDED.get(command, []), "--data-dir", str(folder)])
    assert (code, capsys.readouterr().out) == (77, "")
    assert "cannot be read (Permission denied)" in message


@pytest.mark.parametrize(
    ("shell", "variables"),
    [
        ("bash", {"COMP_WORDS": "bongsu config get gemini_t", "COMP_CWORD": "3"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "bongsu config get gemini_t"}),
        (
            "fish",
            {"_TYPER_COMPLETE_ARGS": "bongsu config get gemini_t", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
        ),
    ],
)
def test_a_shell_completes_the_name_of_a_setting(shell: str, variables: dict[str, str]) -> None:
    environment = surroundings(_BONGSU_COMPLETE=f"complete_{shell}", **variables)
    result = subprocess.run([*COMMAND], capture_output=True, encoding="utf-8", env=environment)
    assert "gemini_timeout_seconds" in result.stdout
    assert (result.returncode, result.stderr) == (0, "")


def test_a_home_without_room_for_the_completion_is_named() -> None:
    # Typer would else take the shell that the tests were started from.
    environment = surroundings(HOME="/proc/nobodys/home", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    result = subprocess.run(
        [*COMMAND, "--install-completion", "bash"], capture_output=True, encoding="utf-8", env=environment
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert "; check the path, and what you may do there" in result.stderr
    assert len(result.stderr.splitlines()) == 1
