"""The status page in a real browser shows what is true, whatever breaks."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from datetime import timedelta
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, expect

from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from browser.chromium import DESKTOP, PHONE, Scheme, watched_page
from browser.conftest import Stack
from common.clock import floor_minute, utc_now
from health.checks.registry import COMPONENTS
from integration.health.running import HealthProcess
from integration.health.stored import store, tell_changes
from servers.waiting import HANG_SECONDS

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOWHERE = "127.0.0.1:9"
# Chromium itself says so in the console when the server is away.
AWAY = re.compile(r"net::ERR_(?:CONNECTION_\w+|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)|status of 503")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script> says BUY'


async def test_before_anything_was_stored_the_page_says_so(
    postgres: PostgresServer, database: str, nats: NatsServer, tmp_path: Path, browser: Browser
) -> None:
    environment = {"DATABASE_URL": postgres.url("bongsu_health", database), "NATS_URL": nats.url("health")}
    health = await HealthProcess(environment, tmp_path / "health.log").start()
    async with watched_page(browser, str(health.http.base_url)) as watched:
        page = watched.page
        await expect(page.locator("#notices")).to_contain_text("collector: missing")
        await expect(page.locator("#signals-empty")).to_contain_text("No signal was made yet; due by 2")
        await expect(page.locator("#chart-empty")).to_have_text("No candle of these hours is stored.")
        await expect(page.locator("#changes-empty")).to_have_text(
            "No setting was ever changed; the defaults hold."
        )
        await expect(page.locator("#services")).to_contain_text("no instance reports")
        assert watched.complaints == []
    assert await health.stop() == 0


async def test_where_nothing_can_be_read_the_page_says_that_instead(tmp_path: Path, browser: Browser) -> None:
    environment = {"DATABASE_URL": f"postgresql://a@{NOWHERE}/b", "NATS_URL": f"nats://{NOWHERE}"}
    health = await HealthProcess(environment, tmp_path / "health.log").start()
    async with watched_page(browser, str(health.http.base_url)) as watched:
        page = watched.page
        for words in ("Health has lost NATS", "PostgreSQL cannot be read.", "database: not reached yet"):
            await expect(page.locator("#notices")).to_contain_text(words)
        for part in ("chart-empty", "signals-state", "budget-state", "changes-state"):
            await expect(page.locator(f"#{part}")).to_have_text("PostgreSQL cannot be read now.")
        assert await _flaws(page) == []
        assert watched.complaints == []
    assert await health.stop() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP, (360, 740)], ids=["phone", "desktop", "small"])
async def test_the_page_shows_everything_at_every_width_and_in_both_schemes(
    stack: Stack, browser: Browser, size: tuple[int, int], scheme: Scheme
) -> None:
    async with watched_page(browser, stack.url, size=size, scheme=scheme) as watched:
        page = watched.page
        await expect(page.locator("#state-word")).to_have_text("healthy")
        await expect(page.locator("#components th")).to_have_text(list(COMPONENTS))
        await expect(page.locator("#services h3")).to_have_text(["collector", "health", "signaler"])
        await expect(page.locator("#services")).to_contain_text("data_collection")
        await expect(page.locator("#signals button")).to_have_text(["↓SELL", "•HOLD", "↑BUY", "•HOLD"])
        await expect(page.locator("#gaps-summary")).to_have_text(
            "Gaps in these hours: 1 open (5 min), 1 repaired (6 min), 1 proven empty (3 min)"
        )
        await expect(page.locator("#budget")).to_contain_text("gemini-3.8-flash (asked first)")
        await expect(page.locator("#changes")).to_contain_text("retention_days: default → 90")
        await expect(page.locator("#chart-empty")).to_be_hidden()
        await expect(page.locator("#chart-summary")).to_contain_text("1 BUY, 1 SELL, 2 HOLD")
        assert await page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert await _flaws(page) == []
        assert watched.complaints == []
        assert watched.hosts == {f"127.0.0.1:{stack.health.port}"}


async def test_a_new_signal_appears_by_itself_and_the_keyboard_opens_all_of_it_as_text(
    stack: Stack, browser: Browser
) -> None:
    async with watched_page(browser, stack.url) as watched:
        page = watched.page
        await expect(page.locator("#signals button")).to_have_count(4)
        async with store(stack.postgres.url()) as stored:
            new = await stored.signal(floor_minute(utc_now()), action="BUY", reasoning=HOSTILE)
        await expect(page.locator("#signals tr").first).to_contain_text(HOSTILE)

        await page.locator("#signals-title").focus()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        record = page.get_by_role("dialog")
        await expect(record).to_contain_text(HOSTILE)
        for words in (str(new), '"rsi_14": 48.2', '"contents": "what?"', "0af7651916cd43dd8448eb211c80319c"):
            await expect(record).to_contain_text(words)
        assert page.url.endswith(f"#signal={new}")
        assert await _flaws(page) == []
        await page.keyboard.press("Escape")
        await expect(record).to_be_hidden()
        await expect(page.locator("#signals button").first).to_be_focused()
        assert await page.title() == "healthy · Bongsu"
        assert await page.locator("img:not([src='static/beacon.svg'])").count() == 0
        assert watched.complaints == []

        # The address of a record opens it.
        await page.goto(f"{stack.url}#signal={new}")
        await page.reload()
        await expect(record).to_contain_text(HOSTILE)


async def test_a_killed_database_shows_and_so_does_its_return(stack: Stack, browser: Browser) -> None:
    async with watched_page(browser, stack.url) as watched:
        page = watched.page
        await expect(page.locator("#state-word")).to_have_text("healthy")
        stack.postgres.kill()
        await expect(page.locator("#state-word")).to_have_text("unhealthy")
        await expect(page.locator("#notices")).to_contain_text("PostgreSQL cannot be read")
        # What was known stays, and says from when it is.
        await expect(page.locator("#notices")).to_contain_text("settings are from")
        await expect(page.locator("#signals button").first).to_be_visible()
        await page.locator("#signals button").first.click()
        await expect(page.get_by_role("dialog")).to_contain_text("PostgreSQL cannot be read at the moment")
        stack.postgres.start()
        await expect(page.locator("#state-word")).to_have_text("healthy")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.get_by_role("dialog")).to_contain_text("rsi_14")
        await expect(page.locator("#notices p")).to_have_count(0)
        assert [words for words in watched.complaints if not AWAY.search(words)] == []


async def test_a_lost_bus_and_a_silent_service_are_named(stack: Stack, browser: Browser) -> None:
    async with watched_page(browser, stack.url) as watched:
        page = watched.page
        await expect(page.locator("#state-word")).to_have_text("healthy")
        stack.nats.kill()
        await expect(page.locator("#notices")).to_contain_text("Health has lost NATS")
        stack.nats.start()
        await expect(page.locator("#state-word")).to_have_text("healthy")
        await stack.signaler.fall_silent()
        await expect(page.locator("#notices")).to_contain_text("(signaler) is silent")
        stack.signaler = await stack.speak("signaler")
        # The silent one is listed for 15 s more.
        await expect(page.locator("#state-word")).to_have_text("healthy")


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGSTOP], ids=["stopped", "frozen"])
async def test_a_page_that_hears_nothing_any_more_says_so_and_finds_back(
    stack: Stack, browser: Browser, end: signal.Signals
) -> None:
    async with watched_page(browser, stack.url) as watched:
        page = watched.page
        await expect(page.locator("#state-word")).to_have_text("healthy")
        os.kill(stack.health.process.pid, end)
        try:
            await expect(page.locator("#state-word")).to_have_text("unknown")
            await expect(page.locator("#notices")).to_contain_text("The connection to health is lost")
            await expect(page.locator("#notices")).to_contain_text("when it was healthy")
        finally:
            if end == signal.SIGSTOP:
                os.kill(stack.health.process.pid, signal.SIGCONT)
            else:
                await asyncio.to_thread(stack.health.process.wait, HANG_SECONDS)
                await stack.health.start()
        await expect(page.locator("#state-word")).to_have_text("healthy")
        assert [words for words in watched.complaints if not AWAY.search(words)] == []


async def test_several_markets_can_be_chosen_and_older_signals_asked_for(
    stack: Stack, browser: Browser
) -> None:
    now = floor_minute(utc_now())
    async with store(stack.postgres.url()) as stored:
        await stored.candles(now.replace(minute=0), 5, market="KRW-ETH")
        for number in range(1, 31):
            then = now - number * timedelta(days=1)
            await stored.signal(then, market="KRW-ETH", created_at=then)
        await stored.setting("markets", '["KRW-BTC", "KRW-ETH"]')
    await tell_changes(stack.nats, "markets")
    async with watched_page(browser, stack.url) as watched:
        page = watched.page
        await page.get_by_role("combobox", name="Market").select_option("KRW-ETH")
        await expect(page.locator("#market-title")).to_have_text("KRW-ETH")
        await expect(page.locator("#chart-summary")).to_contain_text("Candlestick chart of KRW-ETH")
        before = await page.locator("#signals tr").count()
        await page.get_by_role("button", name="Show older signals").click()
        await expect(page.locator("#signals tr")).not_to_have_count(before)
        assert await _flaws(page) == []
        assert watched.complaints == []
    async with store(stack.postgres.url()) as stored:
        await stored.connection.execute("DELETE FROM trading_signals WHERE symbol = 'KRW-ETH'")
        await stored.connection.execute("DELETE FROM system_config WHERE key = 'markets'")
        await stored.connection.execute("DELETE FROM system_config_history WHERE key = 'markets'")
    await tell_changes(stack.nats, "markets")


async def _flaws(page: Page) -> list[str]:
    """Return what axe finds against reading it with a screen reader, a keyboard or weak eyes."""
    found = await Axe().run(page, options=RULES)
    return [
        f"{flaw['id']}: {flaw['help']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for flaw in found.response["violations"]
        for node in flaw["nodes"]
    ]
