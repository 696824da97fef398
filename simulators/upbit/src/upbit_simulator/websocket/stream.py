"""Message stream of a subscription for a stretch of exchange time. No sockets, no waiting."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from upbit_simulator.exchange import Exchange
from upbit_simulator.faults.kinds import skew_ms
from upbit_simulator.market.candles import MINUTE_MS, Candle, Trade, candle_of
from upbit_simulator.market.orderbook import BookUnit, levels, order_book
from upbit_simulator.market.tickers import previous_close, ticker_at
from upbit_simulator.websocket.messages import (
    REALTIME,
    SNAPSHOT,
    Message,
    candle_message,
    orderbook_message,
    ticker_message,
    trade_message,
)
from upbit_simulator.websocket.subscription import CANDLE_SECONDS, Channel, Subscription

# A fast replay covers minutes in one step; a client gets the newest of what happened in it.
MOST_TRADES = 40
MOST_CANDLES = 5


@dataclass(frozen=True)
class Stream:
    """Messages of one exchange; times are Unix ms of exchange time."""

    exchange: Exchange

    def snapshots(self, subscription: Subscription, now_ms: int) -> Iterator[Message]:
        """Yield the first message for each code; a market unknown or not begun stays silent."""
        for channel in subscription.channels:
            for code, depth in channel.codes if channel.snapshot else ():
                if self.exchange.listing(code) is not None:
                    yield from self._snapshot(channel, code, depth, now_ms)

    def changes(self, subscription: Subscription, after_ms: int, now_ms: int) -> Iterator[Message]:
        """Yield what happened in (after, now], oldest first within a code."""
        for channel in subscription.channels:
            for code, depth in channel.codes if channel.realtime else ():
                if self.exchange.listing(code) is not None and now_ms > after_ms:
                    yield from self._changes(channel, code, depth, after_ms, now_ms)

    def _snapshot(self, channel: Channel, code: str, depth: int, now_ms: int) -> Iterator[Message]:
        last = self.exchange.view.last_trade(code, now_ms)
        if last is None:
            return
        if channel.type in CANDLE_SECONDS:
            candle = self._candle(channel.type, code, last.time_ms, now_ms)
            yield from () if candle is None else (candle_message(channel.type, code, candle, SNAPSHOT),)
        else:
            yield from self._message(channel, code, depth, last, now_ms, SNAPSHOT)

    def _changes(
        self, channel: Channel, code: str, depth: int, after_ms: int, now_ms: int
    ) -> Iterator[Message]:
        view = self.exchange.view
        trades = view.trades_between(code, after_ms, now_ms, MOST_TRADES)
        if channel.type in CANDLE_SECONDS:
            yield from self._moved_candles(channel.type, code, trades, now_ms)
        elif channel.type == "trade":
            for trade in trades:
                yield from self._message(channel, code, depth, trade, now_ms, REALTIME)
        elif channel.type == "orderbook" and after_ms // 1000 != now_ms // 1000:
            last = view.last_trade(code, now_ms)
            yield from () if last is None else self._message(channel, code, depth, last, now_ms, REALTIME)
        elif channel.type == "ticker" and trades:
            yield from self._message(channel, code, depth, trades[-1], now_ms, REALTIME)

    def _moved_candles(self, kind: str, code: str, trades: list[Trade], now_ms: int) -> Iterator[Message]:
        """Yield every candle a trade fell into once, so one that ended meanwhile is sent complete."""
        length = CANDLE_SECONDS[kind] * 1000
        opened = sorted({trade.time_ms // length * length for trade in trades})
        for open_ms in opened[-MOST_CANDLES:]:
            candle = self._candle(kind, code, open_ms, now_ms)
            if candle is not None:
                yield candle_message(kind, code, candle, REALTIME)

    def _candle(self, kind: str, code: str, inside_ms: int, now_ms: int) -> Candle | None:
        seconds = CANDLE_SECONDS[kind]
        open_ms = inside_ms // (seconds * 1000) * seconds * 1000
        if seconds >= 60:
            return self.exchange.view.bucket(code, open_ms, seconds // 60, now_ms)
        minute = self.exchange.source.trades(code, open_ms // MINUTE_MS)
        until = min(now_ms, open_ms + 999)
        return candle_of(open_ms, [trade for trade in minute if open_ms <= trade.time_ms <= until])

    def _message(
        self, channel: Channel, code: str, depth: int, trade: Trade, now_ms: int, stream: str
    ) -> Iterator[Message]:
        skew = self.exchange.faults.peek("clock_skew")
        shown = now_ms + (0 if skew is None else skew_ms(skew))
        if channel.type == "ticker":
            found = ticker_at(self.exchange.view, code, now_ms)
            if found is not None:
                bought = self.exchange.view.bought(code, found.day.open_ms // MINUTE_MS, now_ms)
                yield ticker_message(found, bought, shown, stream)
        elif channel.type == "trade":
            previous = previous_close(self.exchange.view, code, trade.time_ms) or trade.price
            best = self._book(code, trade, 1, Decimal(0), trade.time_ms)[0]
            yield trade_message(code, trade, previous, best, stream)
        elif channel.level in levels(trade.price):
            units = self._book(code, trade, depth, channel.level, now_ms)
            yield orderbook_message(code, units, channel.level, shown, stream)

    def _book(self, code: str, last: Trade, depth: int, level: Decimal, now_ms: int) -> list[BookUnit]:
        listing = self.exchange.listing(code)
        return [] if listing is None else order_book(listing, last, now_ms, depth=depth, level=level)
