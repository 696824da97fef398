"""Docs: what is made from the code is up to date, and every link leads to a file and a heading."""

from __future__ import annotations

import re
import subprocess
from urllib.parse import unquote

import pytest

from docs.pages import PAGES, ROOT, written

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_what_is_made_from_the_code_is_up_to_date(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == written(page), "run `make docs`"


def test_every_link_between_docs_leads_to_a_file_and_a_heading() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = [
        f"{page}: {target}#{heading}"
        for page in listed.stdout.splitlines()
        for target, heading in links(page)
        if not leads_somewhere(page, target, heading)
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("target", "heading", "leads"),
    [
        ("docs/backup.md", "past-a-major-version-of-postgresql", True),
        ("", "try-it", True),
        ("docs/gone.md", "", False),
        ("docs/backup.md", "gone", False),
    ],
)
def test_a_link_leads_where_file_and_heading_exist(target: str, heading: str, *, leads: bool) -> None:
    assert leads_somewhere("README.md", target, heading) == leads


def links(page: str) -> list[tuple[str, str]]:
    """Return the path and the heading of each link within the repository."""
    return LINK.findall((ROOT / page).read_text(encoding="utf-8"))


def leads_somewhere(page: str, target: str, heading: str) -> bool:
    """Return whether the file of a link exists, and in a page the heading."""
    path = (ROOT / page).parent.joinpath(unquote(target)) if target else ROOT / page
    if not heading or not path.is_file():
        return path.exists() and not heading
    return heading in map(anchor, HEADING.findall(path.read_text(encoding="utf-8")))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
