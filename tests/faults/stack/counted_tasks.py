"""Counter of a service's asyncio tasks, which cannot be seen from outside: its event loop records them.

`python -m faults.stack.counted_tasks collector` is `python -m collector`, with the same environment, that
appends `<unix time> <tasks>` to `collector.tasks` in its working folder every two seconds.
"""

from __future__ import annotations

import asyncio
import runpy
import sys
import time
from pathlib import Path

COUNT_SECONDS = 2.0


class CountingPolicy(asyncio.DefaultEventLoopPolicy):
    """Gives loops that count their own tasks, by a timer and not by a task of their own.

    Args:
        file: What is appended to.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def new_event_loop(self) -> asyncio.AbstractEventLoop:
        """Return a loop that counts from its start on."""
        loop = super().new_event_loop()
        loop.call_soon(self._count, loop)
        return loop

    def _count(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._file.open("a", encoding="utf-8") as output:
            output.write(f"{time.time():.1f} {len(asyncio.all_tasks(loop))}\n")
        loop.call_later(COUNT_SECONDS, self._count, loop)


def counted_tasks(file: Path, *, since: float, until: float) -> list[tuple[float, float]]:
    """Return what was written between two moments (Unix s), as (moment, tasks)."""
    pairs = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    counted = [(float(moment), float(tasks)) for moment, tasks in pairs]
    return [(moment, tasks) for moment, tasks in counted if since <= moment <= until]


def main(service: str) -> None:
    """Run the service's ordinary main on a loop that counts."""
    asyncio.set_event_loop_policy(CountingPolicy(Path(f"{service}.tasks")))
    runpy.run_module(service, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1])
