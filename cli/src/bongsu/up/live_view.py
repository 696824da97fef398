"""LiveView of `bongsu up`: plain lines, or a live view where there is a terminal."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bongsu.stack_status import StackStatus, candle_text, changes, signal_text
from bongsu.up.supervision.supervisor import WatchedChild

COLOURS = {"healthy": "green", "degraded": "yellow", "unhealthy": "red"}


class LiveView:
    """Lines, and with a terminal one live view below them."""

    def __init__(self, *, plain: bool) -> None:
        self.is_live = not plain and sys.stdout.isatty()
        self._console = Console(highlight=False, soft_wrap=True)
        self._live: Live | None = None
        self._before = StackStatus()

    def say(self, text: str) -> None:
        """Print a line; a closed output does not end the run."""
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

    def show(self, status: StackStatus, children: list[WatchedChild], url: str) -> None:
        """Draw the newest state, or print a line for each change."""
        if self._live:
            self._live.update(render(status, children, url))
            return
        for line in changes(self._before, status):
            self.say(line)
        self._before = status


def render(status: StackStatus, children: list[WatchedChild], url: str) -> RenderableType:
    """Return the live view: processes, markets, health and where to look on."""
    colour = COLOURS.get(str(status.answer.get("status", "")), "red")
    markets = Table("market", "newest candle", "newest signal", box=None, header_style="dim")
    for market in status.markets:
        markets.add_row(market["market"], candle_text(market), signal_text(market))
    return Group(
        _processes(children),
        markets,
        Text.assemble("health   ", (status.health, colour)),
        Text(f"look at  {url}/   (Ctrl-C stops everything; the data stays)"),
    )


def _processes(children: list[WatchedChild]) -> Table:
    table = Table("process", "state", "pid", "up", "restarts", box=None, header_style="dim")
    for watched in children:
        running = watched.child.running
        state = Text("running", "green") if running else Text("starting again", "red")
        up = _duration(time.monotonic() - watched.since) if running else ""
        table.add_row(watched.child.name, state, str(watched.child.pid or ""), up, str(watched.restarts))
    return table


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
