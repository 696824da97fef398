"""Who offers what around the last price? An order book made from the last trade, new every second. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

from upbit_simulator.candle import Trade
from upbit_simulator.listings import Listing, tick_size

DEPTH = 30
_LOT = Decimal("0.00000001")
_LEVELS = (10, 100, 1000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class BookUnit:
    """One line of the book; prices in KRW, sizes in coins."""

    ask_price: Decimal
    bid_price: Decimal
    ask_size: Decimal
    bid_size: Decimal


def order_book(listing: Listing, last: Trade, now_ms: int, *, depth: int, level: Decimal) -> list[BookUnit]:
    """Return `depth` units, best first; `level` in KRW groups prices, 0 means single price steps."""
    chance = Random(f"{listing.code}:{now_ms // 1000}")  # noqa: S311 - a repeatable market, not a secret
    step = max(tick_size(last.price), level)
    base = last.price // step * step
    units: list[BookUnit] = []
    for place in range(DEPTH):
        bid = max(base - place * step, step)
        ask = base + (place + 1) * step
        units.append(BookUnit(ask, bid, _size(chance, listing), _size(chance, listing)))
    return units[:depth]


def levels(price: Decimal) -> list[Decimal]:
    """Return the groupings the market supports, single price steps (0) first."""
    step = tick_size(price)
    return [Decimal(0), *(step * factor for factor in _LEVELS)]


def _size(chance: Random, listing: Listing) -> Decimal:
    return max(_LOT, Decimal(chance.expovariate(1.0) * listing.trade_size * 3).quantize(_LOT))
