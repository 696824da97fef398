"""Commands that the docs ask a person to type."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from docs.pages import ROOT

# Whose blocks of shell `make compose-test` runs.
SERVER_PAGES = ("docs/operations.md", "docs/backup.md", "docs/secrets.md")
PAGES = (
    "README.md",
    "README.ko.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
)
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
# In a block of any other language stands what is not run as it is.
_SHELL = ("", "sh")
_PROGRAMS = ("make", "bongsu", ".venv/bin/bongsu", "cp", "curl", "docker", "git", "sh")
_INLINE = re.compile(r"`((?:make|bongsu) [^`]+)`")


@dataclass(frozen=True)
class Typed:
    """A line of a code block, as a person types it; `program` is its first word after the variables."""

    page: str
    line: str

    @property
    def words(self) -> list[str]:
        """The words of the line, comments and variables before the program left out."""
        words = shlex.split(self.line, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        return words

    @property
    def program(self) -> str:
        """What is run."""
        return self.words[0].rpartition("/")[2] if self.words else ""


def typed() -> Iterator[Typed]:
    """Yield every command of every page, once each, in order; lines of output are none."""
    seen = set()
    for page in PAGES:
        path = ROOT / page
        for language, block in _BLOCK.findall(path.read_text(encoding="utf-8")):
            if language not in _SHELL:
                continue
            for line in block.replace("\\\n", " ").splitlines():
                command = Typed(page, line.strip())
                if _is_command(line) and command.line not in seen:
                    seen.add(command.line)
                    yield command


def mentioned() -> Iterator[Typed]:
    """Yield every command of ours that stands within a sentence of a page, once each, in order."""
    seen = set()
    for path in map(ROOT.joinpath, PAGES):
        for line in _INLINE.findall(path.read_text(encoding="utf-8")):
            if line not in seen:
                seen.add(line)
                yield Typed(str(path.relative_to(ROOT)), line)


def _is_command(line: str) -> bool:
    return bool(re.match(rf"\s*(?:[A-Z_]+=\S*\s+)*(?:{'|'.join(map(re.escape, _PROGRAMS))})\s", line))
