"""Buses as the services have them, and the events that go over them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal

from nats.js import JetStreamContext
from nats.js.api import RawStreamMsg

from common.bus.broker import Bus
from common.clock import MINUTE
from common.events import Candle, CandlesClosed, SignalGenerated

BASE = datetime(2026, 3, 11, 14, 0, tzinfo=UTC)
PAGES = "market.candle.closed.KRW-BTC"

Speak = Callable[..., Awaitable[Bus]]


def page(minute: int = 0, *, close: int = 100, repair_run_id: str | None = None) -> CandlesClosed:
    """Return the page of one minute of 2026-03-11."""
    start = BASE + minute * MINUTE
    candle = Candle(
        timestamp=start,
        open=Decimal(close),
        high=Decimal(close),
        low=Decimal(close),
        close=Decimal(close),
        volume=Decimal("0.5"),
        trade_value=Decimal("50.25"),
    )
    return CandlesClosed(
        market="KRW-BTC",
        covers_from=start,
        covers_to=start + MINUTE,
        candles=(candle,),
        collected_at=start + 2 * MINUTE,
        source="simulator",
        repair_run_id=repair_run_id,
    )


def signal(signal_id: str = "s1", *, reasoning: str = "the trend is up") -> SignalGenerated:
    """Return a decision to buy."""
    return SignalGenerated(
        signal_id=signal_id,
        market="KRW-BTC",
        candle_timestamp=BASE,
        signal_type="BUY",
        confidence=0.7,
        reasoning=reasoning,
        source="rule",
        cause="no key",
        price_at_signal=Decimal(100),
        created_at=BASE,
    )


async def count(jetstream: JetStreamContext, stream: str) -> int:
    """Return how many messages a stream holds."""
    return (await jetstream.stream_info(stream)).state.messages


async def kept(jetstream: JetStreamContext, stream: str) -> list[RawStreamMsg]:
    """Return every message of a stream, oldest first."""
    state = (await jetstream.stream_info(stream)).state
    return [
        await jetstream.get_msg(stream, sequence)
        for sequence in range(state.first_seq, state.last_seq + 1)
        if state.messages
    ]
