"""References in the docs: every path, every name after a path, and every measurement in them exists.

`path::words` names a test or a definition of a file, `::words` another one of the same file. Commands are
tested in test_commands.py, links in test_pages.py.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from acceptance.__main__ import MEASURES
from bench.__main__ import BENCHES
from docs.commands import PAGES
from docs.pages import ROOT
from faults.__main__ import RUNS

FOLDERS = ("cli/", "deploy/", "docs/", "libs/", "migrations/", "services/", "simulators/", "tests/")
READMES = tuple(str(path.relative_to(ROOT)) for path in ROOT.glob("services/*/README.md"))
PLAN = "docs/plan.md"
NAMES: dict[str, Iterable[str]] = {"acceptance": MEASURES, "bench": BENCHES, "faults": RUNS}
CODE = re.compile(r"`([^`\n]+)`")
REFERENCE = re.compile(r"(?P<path>[^\s:\[]*)(?:\[[^\]]*\])?(?:::(?P<name>[\w*…]+))?")


@pytest.mark.parametrize("page", [*PAGES, *READMES])
def test_every_path_name_and_measurement_in_a_page_exists(page: str) -> None:
    found = list(flaws((ROOT / page).read_text(encoding="utf-8"), page))
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("line", "flaw"),
    [
        ("`tests/unit/test_gone.py`", "tests/unit/test_gone.py: there is no such file"),
        ("`migrations/0000_*.sql`", "migrations/0000_*.sql: there is no such file"),
        ("`tests/{unit,gone}/`", "tests/gone/: there is no such file"),
        ("`Makefile`, `conftest.py`", "conftest.py: write the path from the repository's root"),
        ("`common/cache.py`", "common/cache.py: write the path from the repository's root"),
        ("| 1 | `tests/conftest.py`: `Gone` |", "tests/conftest.py: there is no Gone in it"),
        ("`tests/conftest.py::test_gone`", "tests/conftest.py: there is no test_gone in it"),
        ("`tests/conftest.py::pytest_plugins`, `::gone`", "tests/conftest.py: there is no gone in it"),
        ("`make acceptance ARGS=SC-999`", "make acceptance ARGS=SC-999: acceptance knows no SC-999"),
    ],
)
def test_what_does_not_exist_is_said_in_a_sentence(line: str, flaw: str) -> None:
    assert list(flaws(line, PLAN)) == [flaw]


def test_the_first_column_of_the_plan_is_its_own_and_names_follow_their_path() -> None:
    assert list(flaws("| `test_cache.py` | `tests/conftest.py`: `pytest_plugins`, `make test` |", PLAN)) == []


def test_a_placeholder_stands_for_any_name() -> None:
    assert list(flaws("`tests/unit/<package>/test_*.py`", "CONTRIBUTING.md")) == []


def test_the_readme_of_a_service_names_its_own_modules() -> None:
    assert list(flaws("`app.py`, `checks/`", "services/health/README.md")) == []


def flaws(text: str, page: str) -> Iterator[str]:
    """Yield a sentence for each path, name and measurement in backquotes that does not exist."""
    for line in text.splitlines():
        for cell in line.split("|")[2:] if page == PLAN and line.startswith("|") else [line]:
            path = ""
            for token in CODE.findall(cell):
                if token.startswith("make "):
                    yield from _flaws_of_measurement(token)
                elif (found := REFERENCE.fullmatch(token)) and (_is_path(found["path"]) or found["name"]):
                    path = found["path"] or path
                    yield from _flaws_of_path(path, found["name"] or "", page)
                elif page == PLAN and path and token.isidentifier():
                    yield from _flaws_of_path(path, token, page)


def _is_path(word: str) -> bool:
    return word.endswith(".py") or word.startswith(FOLDERS)


def _flaws_of_path(path: str, name: str, page: str) -> Iterator[str]:
    for written in _alternatives(path):
        pattern = re.sub(r"<[^>]*>", "*", written)
        files = _files(pattern, page)
        if not files and not pattern.startswith(FOLDERS):
            yield f"{path}: write the path from the repository's root"
        elif not files:
            yield f"{written}: there is no such file"
        elif name and not _defines(files[0], name):
            yield f"{path}: there is no {name} in it"


def _files(pattern: str, page: str) -> list[Path]:
    """Return the files of a path from the root, or in a service's README from its package."""
    folders = [ROOT, *((ROOT / page).parent.glob("src/*") if page in READMES else [])]
    return list(itertools.chain.from_iterable(folder.glob(pattern.rstrip("/")) for folder in folders))


def _alternatives(path: str) -> list[str]:
    """Return `a/{b,c}` as `a/b` and `a/c`."""
    before, brace, after = path.partition("{")
    if not brace:
        return [path]
    choices, _, rest = after.partition("}")
    return [f"{before}{choice}{rest}" for choice in choices.split(",")]


def _defines(file: Path, name: str) -> bool:
    words = re.escape(name.rstrip("…").rstrip("_"))
    definition = re.compile(rf"(?:\b(?:def|class) |\bdef test_\w*|^){words}", re.MULTILINE)
    return bool(definition.search(file.read_text(encoding="utf-8")))


def _flaws_of_measurement(command: str) -> Iterator[str]:
    _, target, *words = shlex.split(command)
    for name in (name for word in words if word.startswith("ARGS=") for name in word[5:].split()):
        if target in NAMES and name not in NAMES[target]:
            yield f"{command}: {target} knows no {name}"
