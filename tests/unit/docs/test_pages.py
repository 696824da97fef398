"""Docs: what is made from the code is up to date, and no link is broken."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

import pytest

from docs.pages import PAGES, ROOT, written

LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES)
def test_what_is_made_from_the_code_is_up_to_date(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == written(page), "run `make docs`"


def test_every_link_between_docs_leads_somewhere() -> None:
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    broken = [
        f"{page}: {link}"
        for page in listed.stdout.splitlines()
        for link in LINK.findall((ROOT / page).read_text(encoding="utf-8"))
        if not Path(ROOT / page).parent.joinpath(unquote(link)).exists()
    ]
    assert broken == []
