"""Power cuts: what was acknowledged is still there, and the run notices where it is not."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bongsu.servers.secrets import Secrets
from faults.stack.loop_image import Image, NoLoopDeviceError, new_image, raw_copy
from faults.stack.power_cut_stores import Ledger, NatsStore, PostgresStore, Store
from harness.finding import Finding
from harness.servers import frozen, scratch_folder
from servers.waiting import eventually

PROMISE = "power cut"
TIMES = 20
WRITING_SECONDS = (0.3, 1.2)
CONNECTED_SECONDS = 20.0
# What was acknowledged before the server froze may still be on its way to the writer.
ARRIVAL_SECONDS = 0.2


@dataclass(frozen=True)
class Cuts:
    """What the cuts of one store came to.

    Attributes:
        missing: Acknowledged, and not there after one of the cuts.
        unknown: Sent and not acknowledged when the power went: it may be there or not.
    """

    times: int
    acknowledged: int
    unknown: int
    missing: int


async def measure(seed: int, times: int = TIMES) -> list[Finding]:
    """Return a row for each store, as it is run and as it must not be; about five seconds a cut.

    Where no file can be mounted there is one row, which does not hold.
    """
    findings = []
    for store, as_run in (
        (NatsStore(as_run=True), True),
        (NatsStore(as_run=False), False),
        (PostgresStore(as_run=True), True),
        (PostgresStore(as_run=False), False),
    ):
        try:
            cuts = await _cut(store, random.Random(seed), times)
        except NoLoopDeviceError as error:
            return [
                Finding(
                    PROMISE, "power cuts", "0 acknowledged missing", f"not measured: {error}", holds=False
                )
            ]
        findings.append(_finding(store, cuts, as_run=as_run))
    return findings


def _finding(store: Store, cuts: Cuts, *, as_run: bool) -> Finding:
    return Finding(
        PROMISE,
        f"{store.name}: power cut {cuts.times} times while eight write",
        "0 acknowledged missing" if as_run else "some missing, or the row above proves nothing",
        f"{cuts.acknowledged:,} acknowledged, {cuts.unknown} unknown, {cuts.missing:,} missing",
        holds=cuts.acknowledged > 0 and (cuts.missing == 0 if as_run else cuts.missing > 0),
    )


async def _cut(store: Store, rng: random.Random, times: int) -> Cuts:
    """Write, freeze the server, look at a copy of its disk; again and again on one disk."""
    ledger = Ledger()
    missing: set[int] = set()
    with scratch_folder() as folder, new_image(folder) as disk:
        secrets = Secrets(folder / "secrets.json")
        async with _running(store, disk, secrets) as server:
            await store.prepare(server)
            for _ in range(times):
                until = asyncio.Event()
                writing = asyncio.create_task(store.write(server, ledger, until))
                await _until_writing(ledger, len(ledger.acknowledged))
                await asyncio.sleep(rng.uniform(*WRITING_SECONDS))
                with frozen(server.pid):
                    await asyncio.sleep(ARRIVAL_SECONDS)
                    until.set()
                    await writing
                    missing |= ledger.acknowledged - await _found_in_copy(store, disk, folder, secrets)
    acknowledged = len(ledger.acknowledged)
    return Cuts(times, acknowledged, ledger.sent - acknowledged, len(missing))


async def _until_writing(ledger: Ledger, known: int) -> None:
    await eventually(lambda: len(ledger.acknowledged) > known, CONNECTED_SECONDS)


async def _found_in_copy(store: Store, disk: Image, folder: Path, secrets: Secrets) -> set[int]:
    with raw_copy(disk, folder) as copy:
        async with _running(store, copy, secrets) as server:
            return await store.read(server)


@asynccontextmanager
async def _running(store: Store, disk: Image, secrets: Secrets) -> AsyncIterator[Any]:
    server = store.server(disk.directory, secrets)
    server.start()
    try:
        yield server
    finally:
        server.stop()
