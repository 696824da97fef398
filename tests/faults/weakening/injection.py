"""Fault injection into a service: the product has no fail point in it, so its public methods are replaced.

`python -m faults.weakening.injection collector after_commit --nth 3` is `python -m collector`, with the same
environment and log, that kills itself after the third page it has stored. Several names together are all
done; without a name it is the healthy service. `migration` in a service's place applies the files of
`--folder` to `DATABASE_URL`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import runpy
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg

from faults.weakening.weakenings import WEAKENINGS

MIGRATION = "migration"
SERVICES = ("collector", "signaler", "health", MIGRATION)


def kill_after(owner: type[Any], method: str, nth: int, *, sends: str | None = None) -> None:
    """Have the process end, as in a power cut, after the n-th return of an async method.

    Args:
        sends: Of `Bus.publish`, only the calls that send this event count.
    """
    whole, returned = getattr(owner, method), itertools.count(1)

    async def and_die(self: Any, *arguments: Any, **named: Any) -> Any:
        result = await whole(self, *arguments, **named)
        if (sends is None or type(arguments[0]).__name__ == sends) and next(returned) == nth:
            _die()
        return result

    setattr(owner, method, and_die)


def kill_before(owner: type[Any], method: str, nth: int) -> None:
    """Have the process end before the n-th call of a method."""
    whole, calls = getattr(owner, method), itertools.count(1)

    def or_die(self: Any, *arguments: Any, **named: Any) -> Any:
        if next(calls) == nth:
            _die()
        return whole(self, *arguments, **named)

    setattr(owner, method, or_die)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _page_is_published(nth: int) -> None:
    """A page is published and acknowledged, and the service does not know it yet."""
    from common.bus.broker import Bus

    kill_after(Bus, "publish", nth, sends="CandlesClosed")


def _page_is_taken(nth: int) -> None:
    """A page has come from the stream, and its transaction has not begun."""
    from collector.repository import CandleRepository

    kill_before(CandleRepository, "store_page", nth)


def _page_is_stored(nth: int) -> None:
    """A page's transaction is committed, and the page is not acknowledged yet."""
    from collector.repository import CandleRepository

    kill_after(CandleRepository, "store_page", nth)


def _signal_is_stored(nth: int) -> None:
    """A signal is in the table, and not published yet."""
    from signaler.repository import SignalRepository

    kill_after(SignalRepository, "insert_signal", nth)


def _signal_is_published(nth: int) -> None:
    """A signal is published, and its page is not acknowledged yet."""
    from common.bus.broker import Bus

    kill_after(Bus, "publish", nth, sends="SignalGenerated")


def _statement_is_done(nth: int) -> None:
    """A statement is done: in a file's transaction, before its commit, or between two files."""
    kill_after(asyncpg.Connection, "execute", nth)


KILL_POINTS: dict[tuple[str, str], Callable[[int], None]] = {
    ("collector", "after_publish"): _page_is_published,
    ("collector", "before_commit"): _page_is_taken,
    ("collector", "after_commit"): _page_is_stored,
    ("signaler", "after_commit"): _signal_is_stored,
    ("signaler", "after_publish"): _signal_is_published,
    (MIGRATION, "during"): _statement_is_done,
}


def main(arguments: Sequence[str]) -> None:
    """Break what is named, then run the service's ordinary main."""
    options = _parser().parse_args(arguments)
    for what in options.what:
        _break(options.service, what, options.nth)
    if options.service == MIGRATION:
        _migrate(options.folder)
    else:
        runpy.run_module(options.service, run_name="__main__", alter_sys=True)


def _break(service: str, what: str, nth: int) -> None:
    if what in WEAKENINGS:
        WEAKENINGS[what]()
    elif point := KILL_POINTS.get((service, what)):
        point(nth)
    else:
        sys.exit(f"{service} has no {what!r}; see python -m faults.weakening.injection --help")


def _migrate(folder: Path) -> None:
    from bongsu.provisioning import migrations

    asyncio.run(migrations.apply(os.environ["DATABASE_URL"], folder=folder))


def _parser() -> argparse.ArgumentParser:
    points = ", ".join(f"{service} {point}" for service, point in KILL_POINTS)
    parser = argparse.ArgumentParser(
        prog="python -m faults.weakening.injection",
        description="Runs a service that is broken from outside.",
        epilog=f"kill points: {points}; weakened: {', '.join(WEAKENINGS)}",
    )
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("what", nargs="*", help="kill points and weakened protections")
    parser.add_argument("--nth", type=int, default=1, help="die when a kill point is reached so often (1)")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="the migration's files")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
