"""The parts of the papers that are made from the code.

Such a part stands between `<!-- made by make papers: NAME -->` and `<!-- end -->`; the rest is by hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from papers import events, settings

ROOT = Path(__file__).parents[2]
PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings.table_of_settings,
    "variables": settings.table_of_variables,
    "messages": events.table_of_messages,
    "events": events.all_events,
    "streams": events.table_of_streams,
    "consumers": events.table_of_consumers,
}
PAGES = ("README.md", "README.ko.md", "docs/events.md")
_PART = re.compile(r"(<!-- made by make papers: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def written(page: str) -> str:
    """Return a page as it must be, its made parts made again."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return _PART.sub(lambda found: f"{found[1]}\n{PARTS[found['name']]()}\n{found[3]}", text)
