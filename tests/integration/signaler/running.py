"""The Gemini simulator and the signaler as real processes, and rows as the collector would store them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx

from bongsu.servers import ports
from common.events import Candle
from servers.surroundings import measured
from servers.waiting import HANG_SECONDS, eventually, eventually_sync

MARKET = "KRW-BTC"


class GeminiSimulator:
    """`python -m gemini_simulator` on a free port."""

    def __init__(self) -> None:
        port = ports.free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.url, timeout=HANG_SECONDS)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gemini_simulator", "--port", str(port)], stdout=subprocess.DEVNULL
        )
        try:
            eventually_sync(self._answers)
        except BaseException:
            self.stop()
            raise

    def fail(self, kind: str, *, count: int | None = None, **params: object) -> None:
        """Switch a fault on, for `count` requests or until `heal`."""
        body = {"kind": kind, "params": params} | ({"count": count} if count else {})
        self._http.post("/_control/faults", json=body).raise_for_status()

    def heal(self) -> None:
        """Switch every fault off."""
        self._http.delete("/_control/faults").raise_for_status()

    def kinds(self) -> list[str]:
        """Every fault there is."""
        return [kind["kind"] for kind in self._http.get("/_control/faults").json()["kinds"]]

    def generations(self) -> int:
        """How many generateContent requests have come so far, answered or not."""
        rows = self._http.get("/_control/stats").json()["requests"]
        return sum(row["count"] for row in rows if row["route"].endswith(":{method}"))

    def stop(self) -> None:
        """End the process."""
        self._http.close()
        self._process.terminate()
        try:
            self._process.wait(HANG_SECONDS)
        finally:
            self._process.kill()

    def _answers(self) -> bool:
        try:
            return self._http.get("/_control/faults").status_code == 200
        except httpx.TransportError:
            return False


class SignalerProcess:
    """`python -m signaler`; its log lines are read from a file."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "signaler"],
                env=measured(**environment),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def lines(self, event: str) -> list[dict[str, Any]]:
        """Return the JSON log lines of one event so far."""
        written = [line for line in self._log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, written) if line["event"] == event]

    def text(self) -> str:
        """Everything it wrote."""
        return self._log.read_text()

    def jobs(self, outcome: str) -> list[dict[str, Any]]:
        """Return the records of runs that ended so."""
        return [line for line in self.lines("job.finished") if line["outcome"] == outcome]

    def ready(self) -> bool:
        """Tell whether it has said that it is ready."""
        assert self.process.poll() is None, self.text()
        return bool(self.lines("service.ready"))

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(HANG_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


async def soon(predicate: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the awaited answer is true."""
    # mypy finds no type for a coroutine in eventually's union.
    await eventually(cast("Callable[[], bool]", predicate))


async def store_candles(url: str, candles: Sequence[Candle], *, collected_at: datetime) -> None:
    """Insert candles as the collector's store does."""
    connection = await asyncpg.connect(url)
    try:
        await connection.executemany(
            "INSERT INTO market_data (symbol, timestamp, open, high, low, close, volume, trade_value, source,"
            " collected_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'simulator', $9)",
            [
                (MARKET, c.timestamp, c.open, c.high, c.low, c.close, c.volume, c.trade_value, collected_at)
                for c in candles
            ],
        )
    finally:
        await connection.close()


async def rows(url: str, query: str, *arguments: object) -> list[dict[str, Any]]:
    """Return a query's rows."""
    connection = await asyncpg.connect(url)
    try:
        return [dict(row) for row in await connection.fetch(query, *arguments)]
    finally:
        await connection.close()


async def configure(url: str, **values: object) -> None:
    """Set runtime settings, before anybody has read them."""
    connection = await asyncpg.connect(url)
    try:
        for key, value in values.items():
            await connection.execute(
                "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                key,
                json.dumps(value),
            )
    finally:
        await connection.close()
