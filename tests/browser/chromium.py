"""Debian's Chromium, driven by Playwright, whose own browsers are never downloaded."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

from servers.waiting import HANG_SECONDS

Scheme = Literal["dark", "light"]

HOW_TO_INSTALL = "Chromium is missing; install it as root with: sh deploy/debian_packages.sh chromium"
PHONE = (390, 844)
DESKTOP = (1280, 800)
# Where root has no sandbox, and a container only little shared memory.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
WAIT_MS = 1000 * HANG_SECONDS


class ChromiumMissingError(Exception):
    """There is none; says how to install it."""


@dataclass
class Watched:
    """A page, and what it should not have done."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def note_message(self, message: ConsoleMessage) -> None:
        """Take note of an error or a warning in the console."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def note_request(self, request: Request) -> None:
        """Take note of whom it asks."""
        self.hosts.add(urlsplit(request.url).netloc)


@asynccontextmanager
async def chromium(*, scale: float = 1) -> AsyncIterator[Browser]:
    """Start it on a screen with so many points a pixel; ChromiumMissingError where there is none."""
    path = shutil.which("chromium")
    if path is None:
        raise ChromiumMissingError(HOW_TO_INSTALL)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            # A page's own scale, without this one, would leave what is drawn on a canvas blurred.
            executable_path=path,
            args=[*ARGUMENTS, f"--force-device-scale-factor={scale}"],
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def watched_page(
    browser: Browser, url: str, *, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", scale: float = 1
) -> AsyncIterator[Watched]:
    """Open an address in a window of its own."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
        device_scale_factor=scale,
    )
    context.set_default_timeout(WAIT_MS)
    expect.set_options(timeout=WAIT_MS)
    try:
        page = await context.new_page()
        watched = Watched(page)
        page.on("console", watched.note_message)
        page.on("pageerror", lambda error: watched.complaints.append(f"uncaught: {error}"))
        page.on("request", watched.note_request)
        await page.goto(url)
        yield watched
    finally:
        await context.close()
