"""Pages of the docs, with the parts that are made from the code.

Such a part stands between `<!-- made by make docs: NAME -->` and `<!-- end -->`; the rest is by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docs import checks, events, settings

ROOT = Path(__file__).parents[2]
PARTS: Mapping[str, Callable[[], str]] = {
    "checks": checks.table_of_checks,
    "settings": settings.table_of_settings,
    "variables": settings.table_of_variables,
    "messages": events.table_of_messages,
    "events": events.all_events,
    "streams": events.table_of_streams,
    "consumers": events.table_of_consumers,
}
PAGES = ("docs/settings.md", "docs/events.md", "services/health/README.md")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
_PART = re.compile(r"<!-- made by make \w+: (?P<name>\w+) -->\n.*?<!-- end -->", re.DOTALL)


def written(page: str) -> str:
    """Return a page as it must be, its made parts made again."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return _PART.sub(lambda found: _part(found["name"]), text)


def _part(name: str) -> str:
    return f"<!-- made by make docs: {name} -->\n\n{PARTS[name]()}\n<!-- end -->"
