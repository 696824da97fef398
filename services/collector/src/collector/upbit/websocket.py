"""What does Upbit's WebSocket tell? The newest prices and, above all, the exchange's time, as it passes."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog
from upbit import AsyncUpbit, UpbitError
from websockets.exceptions import InvalidStatus, WebSocketException

from collector.upbit.rate_limiter import BLOCKED, RequestGate
from common.errors import TransientError
from common.events import INTERRUPTION_SHOWN_SECONDS
from common.tasks import cancel_tasks, run_forever
from common.telemetry.names import LogEvent

IDLE_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MAX_FRAME_BYTES = 1024 * 1024
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Tick:
    """One message: the market's newest trade price and its time at the exchange."""

    market: str
    price: Decimal
    exchange_time: datetime


class UpbitStream:
    """Keeps one subscription to `ticker` and `candle.1m` alive, whatever the connection does.

    Args:
        gate: Upbit blocks the address for this connection too.
        on_tick: Called with every usable message; must be quick.
    """

    def __init__(
        self, client: AsyncUpbit, gate: RequestGate, on_tick: Callable[[Tick], Awaitable[None]]
    ) -> None:
        self._client = client
        self._gate = gate
        self._on_tick = on_tick
        self._markets: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None
        self._log = structlog.get_logger("collector.upbit.websocket")
        self._interrupted_at: float | None = None
        self.error: str | None = "not connected yet"

    @property
    def trouble(self) -> str | None:
        """Why it is not delivering, or that it was interrupted a moment ago; None otherwise."""
        if self.error or self._interrupted_at is None:
            return self.error
        seconds = time.monotonic() - self._interrupted_at
        return f"it was interrupted {seconds:.0f} s ago" if seconds < INTERRUPTION_SHOWN_SECONDS else None

    async def watch(self, markets: tuple[str, ...]) -> None:
        """Subscribe to these markets, instead of those before."""
        if markets == self._markets and self._task:
            return
        await self.stop()
        self._markets = markets
        self._task = asyncio.create_task(run_forever("upbit_stream", self._keep_connected))

    async def stop(self) -> None:
        """Disconnect."""
        await cancel_tasks([self._task])
        self._task = None

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except (
                TransientError,
                WebSocketException,
                UpbitError,
                OSError,
                TimeoutError,
                ValueError,
                RecursionError,
            ) as error:
                if failures == 0:
                    self._log.warning(LogEvent.PROBE_FAILED, probe="upbit_websocket", error=_describe(error))
                if not self.error:
                    failures, self._interrupted_at = 0, time.monotonic()
                failures += 1
                self.error = _describe(error)
            pause = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
            await asyncio.sleep(pause * random.uniform(1, 1.2))  # noqa: S311

    async def _listen(self) -> None:
        connection = await self._connect()
        try:
            await connection.send_raw(json.dumps(self._subscription()))
            while True:
                for message in _messages(await self._receive(connection)):
                    await self._take(message)
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        self._gate.refuse_while_blocked()
        manager = self._client.ws_public.connect_public(
            websocket_connection_options={"max_size": MAX_FRAME_BYTES}
        )
        try:
            return await asyncio.wait_for(manager.enter(), CONNECT_SECONDS)
        except InvalidStatus as error:
            answer = error.response
            if answer.status_code == BLOCKED:
                self._gate.note(BLOCKED, {}, (answer.body or b"").decode(errors="replace")[:500])
            raise

    async def _receive(self, connection: Any) -> bytes:
        """Return the next frame; a connection that answers nothing, not even PING, for 20 s is given up."""
        try:
            frame: bytes = await asyncio.wait_for(connection.recv_bytes(), IDLE_SECONDS)
        except TimeoutError:
            await connection.send_raw("PING")
            frame = await asyncio.wait_for(connection.recv_bytes(), IDLE_SECONDS)
        return frame

    def _subscription(self) -> list[dict[str, Any]]:
        codes = list(self._markets)
        return [
            {"ticket": str(uuid.uuid4())},
            {"type": "ticker", "codes": codes},
            {"type": "candle.1m", "codes": codes, "is_only_realtime": True},
            {"format": "DEFAULT"},
        ]

    async def _take(self, message: dict[str, Any]) -> None:
        if "error" in message:
            raise ValueError(f"Upbit refuses the subscription: {str(message['error'])[:200]}")
        tick = parse_tick(message)
        if tick and tick.market in self._markets:
            if self.error:
                self._log.info(LogEvent.PROBE_RECOVERED, probe="upbit_websocket")
                self.error = None
            await self._on_tick(tick)


def _messages(frame: bytes) -> list[dict[str, Any]]:
    document = json.loads(frame, parse_float=Decimal)
    rows = document if isinstance(document, list) else [document]
    return [row for row in rows if isinstance(row, dict)]


def parse_tick(message: dict[str, Any]) -> Tick | None:
    """Return what a ticker or candle message says, or None for any other or a damaged one."""
    if not str(message.get("type")).startswith(("ticker", "candle.")):
        return None
    try:
        price = Decimal(str(message["trade_price"]))
        moment = datetime.fromtimestamp(int(message["timestamp"]) / 1000, UTC)
        market = str(message["code"])
    except (KeyError, ValueError, TypeError, OverflowError, OSError, InvalidOperation):
        return None
    return Tick(market, price, moment) if price.is_finite() and price > 0 else None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
