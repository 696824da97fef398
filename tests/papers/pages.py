"""Which parts of which papers are made from the code?

Such a part stands between `<!-- made by make papers: NAME -->` and `<!-- end -->`; the rest is by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from papers import checks, events, settings

ROOT = Path(__file__).parents[2]
PARTS: Mapping[str, Callable[[], str]] = {
    "checks": checks.table_of_checks,
    "settings": settings.table_of_settings,
    "variables": settings.table_of_variables,
    "events": events.all_events,
    "streams": events.table_of_streams,
    "consumers": events.table_of_consumers,
}
PAGES = ("README.md", "README.ko.md", "docs/events.md", "services/health/README.md")
_PART = re.compile(r"(<!-- made by make papers: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """Return a page as it must be, its made parts made anew."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n{found[3]}", text)
