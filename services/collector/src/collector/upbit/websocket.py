"""Client of Upbit's WebSocket: the newest prices and, above all, the exchange's time as it passes."""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from upbit import AsyncUpbit, UpbitError
from websockets.exceptions import InvalidStatus, WebSocketException

from collector.upbit.parser import Tick, parse_frame, parse_tick
from collector.upbit.rate_limiter import BLOCKED, RateLimiter
from common.errors import TransientError
from common.events import INTERRUPTION_SHOWN_SECONDS
from common.tasks import Background
from common.telemetry.names import LogEvent

IDLE_SECONDS = 10.0
CONNECT_SECONDS = 5.0
MAX_FRAME_BYTES = 1024 * 1024
BACKOFF_SECONDS = (0.5, 1.0, 2.0, 5.0)
# A frame that is no JSON is one of the last two.
LISTEN_ERRORS = (TransientError, WebSocketException, UpbitError, OSError, ValueError, RecursionError)


class UpbitStream:
    """Keeps one subscription to `ticker` and `candle.1m` alive, whatever the connection does.

    Args:
        limiter: Upbit blocks the address for this connection too.
        on_tick: Called with every usable message; must be quick.
    """

    def __init__(
        self, client: AsyncUpbit, limiter: RateLimiter, on_tick: Callable[[Tick], Awaitable[None]]
    ) -> None:
        self._client = client
        self._limiter = limiter
        self._on_tick = on_tick
        self._markets: tuple[str, ...] = ()
        self._connection = Background("upbit_stream", self._keep_connected)
        self._log = structlog.get_logger("collector.upbit.websocket")
        self._interrupted_at: float | None = None
        self.error: str | None = "not connected yet"

    @property
    def problem(self) -> str | None:
        """Why it is not delivering, or that it was interrupted a moment ago; None otherwise."""
        if self.error or self._interrupted_at is None:
            return self.error
        seconds = time.monotonic() - self._interrupted_at
        return f"it was interrupted {seconds:.0f} s ago" if seconds < INTERRUPTION_SHOWN_SECONDS else None

    async def watch(self, markets: tuple[str, ...]) -> None:
        """Subscribe to these markets, instead of those before."""
        if markets == self._markets:
            return
        await self.stop()
        self._markets = markets
        self._connection.start()

    async def stop(self) -> None:
        """Disconnect."""
        await self._connection.stop()
        self._markets = ()

    async def _keep_connected(self) -> None:
        failures = 0
        while True:
            try:
                await self._listen()
            except LISTEN_ERRORS as error:
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
                for message in parse_frame(await self._receive(connection)):
                    await self._handle(message)
        finally:
            await connection.close()

    async def _connect(self) -> Any:
        self._limiter.raise_if_blocked()
        manager = self._client.ws_public.connect_public(
            websocket_connection_options={"max_size": MAX_FRAME_BYTES}
        )
        try:
            return await asyncio.wait_for(manager.enter(), CONNECT_SECONDS)
        except InvalidStatus as error:
            answer = error.response
            if answer.status_code == BLOCKED:
                self._limiter.record_answer(BLOCKED, {}, (answer.body or b"").decode(errors="replace")[:500])
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

    async def _handle(self, message: dict[str, Any]) -> None:
        if "error" in message:
            raise ValueError(f"Upbit refuses the subscription: {str(message['error'])[:200]}")
        tick = parse_tick(message)
        if tick and tick.market in self._markets:
            if self.error:
                self._log.info(LogEvent.PROBE_RECOVERED, probe="upbit_websocket")
                self.error = None
            await self._on_tick(tick)


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}"
