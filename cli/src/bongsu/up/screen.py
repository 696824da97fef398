"""What does the person at the terminal see while the system runs?"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bongsu.up.status import News, candle_text, lines, signal_text
from bongsu.up.supervisor import Watched

COLOURS = {"healthy": "green", "degraded": "yellow", "unhealthy": "red"}


class Screen:
    """Lines, and with a terminal one live view below them."""

    def __init__(self, *, plain: bool) -> None:
        self.is_live = not plain and sys.stdout.isatty()
        self._console = Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._before = News()

    def say(self, text: str) -> None:
        """Print a line; one that nobody can read any more is not worth an end."""
        with contextlib.suppress(OSError):
            if self.is_live:
                self._console.print(Text(text))
            else:
                sys.stdout.write(text + "\n")
                sys.stdout.flush()

    @contextlib.contextmanager
    def showing(self) -> Iterator[None]:
        """Show the live view inside, where there is a terminal for it."""
        if not self.is_live:
            yield
            return
        with Live(console=self._console, refresh_per_second=2, transient=True) as live:
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def show(self, news: News, children: list[Watched], url: str) -> None:
        """Draw the newest state, or print a line for each change."""
        if self._live:
            self._live.update(picture(news, children, url))
            return
        for line in lines(self._before, news):
            self.say(line)
        self._before = news


def picture(news: News, children: list[Watched], url: str) -> RenderableType:
    """Return the live view: processes, markets, health and where to look on."""
    status = str(news.detail.get("status", ""))
    health = Text.assemble("health   ", (news.health, COLOURS.get(status, "red")))
    return Group(
        _processes(children),
        _markets(news),
        health,
        Text(f"look at  {url}/   (Ctrl-C stops everything; the data stays)"),
    )


def _processes(children: list[Watched]) -> Table:
    table = Table("process", "state", "pid", "up", "restarts", box=None, header_style="dim")
    for watched in children:
        running = watched.child.running
        state = Text("running", "green") if running else Text("starting again", "red")
        up = _duration(time.monotonic() - watched.since) if running else ""
        table.add_row(watched.child.name, state, str(watched.child.pid or ""), up, str(watched.restarts))
    return table


def _markets(news: News) -> Table:
    table = Table(
        "market", "newest candle", "stored", "newest signal", "signals", box=None, header_style="dim"
    )
    for market in news.markets:
        table.add_row(
            str(market.get("market")),
            candle_text(market),
            str(market.get("candles", "")),
            signal_text(market),
            str(market.get("signals", "")),
        )
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
