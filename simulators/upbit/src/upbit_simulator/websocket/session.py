"""WebSocket session: answers requests, pushes changes, closes when idle, and applies faults."""

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from upbit_simulator.encoding import encode
from upbit_simulator.exchange import Exchange
from upbit_simulator.websocket.formats import format_message
from upbit_simulator.websocket.messages import Message, subscriptions_message
from upbit_simulator.websocket.stream import Stream
from upbit_simulator.websocket.subscription import (
    DEFAULT_FORMAT,
    ListRequest,
    RequestError,
    Subscription,
    error_frame,
    parse_request,
)

MESSAGES_PER_SECOND, MESSAGES_PER_MINUTE = 5, 100
_FASTEST_PUSH_SECONDS = 0.1
_UP = '{"status":"UP"}'
# The head of a final binary frame that announces 126 bytes of payload; then fewer come.
_HALF_FRAME = b"\x82\x7e\x00\x7e" + b'{"type":"candle.1m","code":"KRW-'


class Session:
    """Lives as long as the connection; `run` returns when it has ended."""

    def __init__(
        self, exchange: Exchange, socket: web.WebSocketResponse, transport: asyncio.Transport | None
    ) -> None:
        self._exchange = exchange
        self._socket = socket
        self._transport = transport
        self._stream = Stream(exchange)
        self._subscription: Subscription | None = None
        self._pushed_until_ms = 0
        self._last_data = time.monotonic()
        self._requests: deque[float] = deque()
        self._status_due: float | None = None
        self._kept_faults: set[str] = set()
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve until the client leaves, 120 s pass without data, or a fault ends it."""
        async with asyncio.TaskGroup() as tasks:
            pusher = tasks.create_task(self._push())
            try:
                while not self._socket.closed:
                    await self._receive()
            except ConnectionError:
                return
            finally:
                pusher.cancel()

    async def _receive(self) -> None:
        allowed = self._exchange.idle_seconds
        idle_left = allowed - (time.monotonic() - self._last_data)
        try:
            message = await self._socket.receive(timeout=max(idle_left, 0.01))
        except TimeoutError:
            if time.monotonic() - self._last_data >= allowed:
                await self._socket.close(code=WSCloseCode.GOING_AWAY, drain=False)
            return
        self._last_data = time.monotonic()
        if not self._has_fault("ws_stall"):
            await self._handle(message)

    async def _handle(self, message: WSMessage) -> None:
        if message.type is WSMsgType.PING:
            await self._socket.pong(message.data)
        elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
            raw = message.data
            await self._answer(raw if isinstance(raw, str) else raw.decode("utf-8", errors="replace"))

    async def _answer(self, text: str) -> None:
        if text.strip() == "PING":
            return await self._send_status()
        try:
            self._count_request(self._exchange.wall())
            asked = parse_request(text)
        except RequestError as error:
            return await self._send([encode(error_frame(error.name))])
        if isinstance(asked, ListRequest):
            return await self._send([self._list_subscriptions(asked)])
        async with self._sending:
            now = self._exchange.clock.now_ms()
            self._subscription, self._pushed_until_ms = asked, now
            if not self._has_fault("ws_silent"):
                await self._write(self._texts(asked, self._stream.snapshots(asked, now)))
        return None

    async def _send_status(self) -> None:
        """Send that the connection is up, and from then on repeat it."""
        self._status_due = time.monotonic() + self._exchange.status_seconds
        await self._send([_UP])

    def _count_request(self, now: float) -> None:
        while self._requests and self._requests[0] <= now - 60:
            self._requests.popleft()
        last_second = sum(1 for moment in self._requests if moment > now - 1)
        if last_second >= MESSAGES_PER_SECOND or len(self._requests) >= MESSAGES_PER_MINUTE:
            raise RequestError("TOO_MANY_REQUEST")
        self._requests.append(now)

    def _list_subscriptions(self, asked: ListRequest) -> str:
        subscription = self._subscription or Subscription(asked.ticket, (), DEFAULT_FORMAT)
        subscription = replace(subscription, format=asked.format or subscription.format)
        if self._subscription is not None:
            self._subscription = subscription
        return format_message(subscriptions_message(subscription.channels, asked.ticket), subscription.format)

    async def _push(self) -> None:
        """Push once an exchange second, but at most 10 times and at least once a wall second."""
        pause = min(1.0, max(_FASTEST_PUSH_SECONDS, 1.0 / self._exchange.clock.speed))
        try:
            while not self._socket.closed:
                await asyncio.sleep(pause)
                if not await self._apply_faults():
                    await self._push_changes()
        except ConnectionError:
            return

    async def _push_changes(self) -> None:
        async with self._sending:
            if self._subscription is None:
                return
            now = self._exchange.clock.now_ms()
            after, self._pushed_until_ms = self._pushed_until_ms, now
            changes = self._stream.changes(self._subscription, after, now)
            await self._write(self._texts(self._subscription, changes))

    def _texts(self, subscription: Subscription, messages: Iterable[Message]) -> list[str]:
        return [format_message(message, subscription.format) for message in messages]

    async def _apply_faults(self) -> bool:
        """Apply the faults of a connection; True when nothing else is sent this time."""
        faults = self._exchange.faults
        if self._has_fault("ws_stall"):
            return True
        if self._status_due is not None and time.monotonic() >= self._status_due:
            await self._send_status()
        closing = faults.take_on("websocket", "ws_close", "ws_half_frame")
        if closing is not None:
            await self._drop(closing.kind, closing.params.get("code"))
            return True
        wrong = faults.take_on("websocket", "ws_error_frame")
        if wrong is not None:
            await self._send([encode(error_frame(str(wrong.params.get("name", "INVALID_PARAM"))))])
        if faults.take_on("websocket", "ws_status_frame") is not None:
            await self._send([_UP])
        return self._has_fault("ws_silent")

    def _has_fault(self, kind: str) -> bool:
        """Say whether a lasting fault is on this connection; one with a count stays until it ends."""
        if kind not in self._kept_faults:
            fault = self._exchange.faults.take_on("websocket", kind)
            if fault is not None and fault.remaining is None:
                return True
            if fault is not None:
                self._kept_faults.add(kind)
        return kind in self._kept_faults

    async def _drop(self, kind: str, code: int | None) -> None:
        if code is not None:
            await self._socket.close(code=code, drain=False)
        elif self._transport is not None and kind == "ws_half_frame":
            self._transport.write(_HALF_FRAME)
            self._transport.close()
        elif self._transport is not None:
            self._transport.abort()

    async def _send(self, texts: list[str]) -> None:
        async with self._sending:
            await self._write(texts)

    async def _write(self, texts: list[str]) -> None:
        as_text = self._exchange.faults.take_on("websocket", "ws_text_frames") is not None if texts else False
        for text in texts:
            if as_text:
                await self._socket.send_str(text)
            else:
                await self._socket.send_bytes(text.encode())
            self._last_data = time.monotonic()
