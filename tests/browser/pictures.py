"""Take the pictures of the status page for the docs: `python -m browser.pictures URL docs/images`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Browser

from browser.chromium import DESKTOP, PHONE, Scheme, chromium, watched_page

# A phone's screen has more points than the page has pixels.
PICTURES: tuple[tuple[str, tuple[int, int], Scheme, float], ...] = (
    ("page-desktop.png", (DESKTOP[0], 900), "light", 1),
    ("page-phone.png", PHONE, "dark", 2),
)


async def take(url: str, folder: Path) -> None:
    """Take each picture once its chart is drawn."""
    for name, size, scheme, scale in PICTURES:
        async with chromium(scale=scale) as browser:
            await _take(browser, url, folder / name, size=size, scheme=scheme, scale=scale)


async def _take(
    browser: Browser, url: str, file: Path, *, size: tuple[int, int], scheme: Scheme, scale: float
) -> None:
    async with watched_page(browser, url, size=size, scheme=scheme, scale=scale) as watched:
        await watched.page.locator("#signals tr").first.wait_for()
        await watched.page.locator("#chart-empty").wait_for(state="hidden")
        if size == PHONE:
            # Its first screen is the state; the next one is what a picture is for.
            await watched.page.locator("#market").scroll_into_view_if_needed()
        await watched.page.screenshot(path=file)


if __name__ == "__main__":
    images = Path(sys.argv[2])
    images.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(sys.argv[1], images))
