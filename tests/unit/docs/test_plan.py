"""Map of the plan (docs/plan.md): every path, name and command in it exists."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from acceptance.__main__ import MEASURES
from bench.__main__ import BENCHES
from bongsu.app import build_app
from docs.pages import ROOT, TARGETS
from faults.__main__ import RUNS

PLAN = (ROOT / "docs" / "plan.md").read_text(encoding="utf-8")
NAMES: dict[str, Iterable[str]] = {"acceptance": MEASURES, "bench": BENCHES, "faults": RUNS}
CODE = re.compile(r"`([^`]+)`")


def test_every_path_name_and_command_in_the_plan_exists() -> None:
    found = list(flaws(PLAN))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("`tests/unit/test_gone.py`", "tests/unit/test_gone.py: there is no such file"),
        ("`migrations/0000_*.sql`", "migrations/0000_*.sql: there is no such file"),
        ("`Makefile`, `conftest.py`", "conftest.py: write the path from the repository's root"),
        ("| 1 | `tests/conftest.py`: `Gone` |", "tests/conftest.py: there is no Gone in it"),
        ("`tests/conftest.py::test_gone`", "tests/conftest.py: there is no test_gone in it"),
        ("`make nothing`", "make nothing: the Makefile has no such target"),
        ("`make acceptance ARGS=SC-999`", "make acceptance ARGS=SC-999: acceptance knows no SC-999"),
        ("`bongsu jobs --gone`", "bongsu jobs --gone: bongsu does not accept it"),
    ],
)
def test_what_does_not_exist_is_said_in_a_sentence(line: str, flaw: str) -> None:
    assert list(flaws(line)) == [flaw]


def test_the_first_column_is_the_plans_own_and_names_follow_their_path() -> None:
    assert list(flaws("| `test_cache.py` | `tests/conftest.py`: `pytest_plugins`, and `make test` |")) == []


def flaws(text: str) -> Iterator[str]:
    """Yield a sentence for each path, name and command in backquotes that does not exist."""
    for line in text.splitlines():
        for cell in line.split("|")[2:] if line.startswith("|") else [line]:
            path = ""
            for token in CODE.findall(cell):
                if token.startswith(("make ", "bongsu ")):
                    yield from _flaws_of_command(token)
                elif re.fullmatch(r"\S+/\S+", token):
                    path, _, test = token.partition("::")
                    yield from _flaws_of_path(path, test)
                elif token.endswith(".py"):
                    yield f"{token}: write the path from the repository's root"
                elif path and token.isidentifier():
                    yield from _flaws_of_path(path, token)


def _flaws_of_path(path: str, name: str) -> Iterator[str]:
    found = list(ROOT.glob(path))
    if not found:
        yield f"{path}: there is no such file"
    elif name and not _defines(found[0], name):
        yield f"{path}: there is no {name} in it"


def _defines(file: Path, name: str) -> bool:
    definition = re.compile(rf"(?:\b(?:def|class) |^){name}\b", re.MULTILINE)
    return bool(definition.search(file.read_text(encoding="utf-8")))


def _flaws_of_command(command: str) -> Iterator[str]:
    program, first, *words = shlex.split(command)
    if program == "bongsu":
        if CliRunner().invoke(build_app(), [first, *words, "--help"]).exit_code:
            yield f"{command}: bongsu does not accept it"
    elif first not in TARGETS:
        yield f"{command}: the Makefile has no such target"
    else:
        given = [name for word in words if word.startswith("ARGS=") for name in word[5:].split()]
        for name in given:
            if first in NAMES and name not in NAMES[first]:
                yield f"{command}: {first} knows no {name}"
