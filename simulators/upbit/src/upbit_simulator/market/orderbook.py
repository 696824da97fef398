"""Order book around the last trade, with new sizes every second. Pure.

The whole book is a size at every price step, so a grouped book is the sum of the single steps.
"""

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from itertools import zip_longest

import numpy as np

from upbit_simulator.market.candles import Trade
from upbit_simulator.market.listings import Listing, tick_size
from upbit_simulator.market.noise import Integers, key_of, uniform

DEPTH = 30
# How many price steps away from the last price there are still orders.
_DEEPEST_STEPS = 30_000
_LOT = Decimal("0.00000001")
_LEVELS = (10, 100, 1000, 10_000, 100_000)


@dataclass(frozen=True, slots=True)
class BookUnit:
    """One line of the book; prices in KRW, sizes in coins; 0 where one side has fewer lines."""

    ask_price: Decimal
    bid_price: Decimal
    ask_size: Decimal
    bid_size: Decimal


def order_book(listing: Listing, last: Trade, now_ms: int, *, depth: int, level: Decimal) -> list[BookUnit]:
    """Return up to `depth` units, best first; `last` bought from the best ask (BID) or sold to the best bid.

    Prices are grouped by `level` KRW, one of `levels`; the sizes change every second of exchange time.
    """
    step = tick_size(last.price)
    together = max(1, int(level / step))
    bought = last.side == "BID"
    hit = int((last.price / step).to_integral_value(ROUND_CEILING if bought else ROUND_FLOOR))
    best_ask = hit if bought else hit + 1
    away = np.arange(min((depth + 1) * together, _DEEPEST_STEPS), dtype=np.int64)
    ask_places, bid_places = -(-(best_ask + away) // together), (best_ask - 1 - away) // together
    asks = _sums(ask_places, _lots(listing, "asks", now_ms, away))
    bids = _sums(bid_places, _lots(listing, "bids", now_ms, away))
    both = zip_longest(asks[:depth], bids[:depth], fillvalue=(0, 0))
    grouped = step * together
    return [
        BookUnit(ask * grouped, bid * grouped, ask_lots * _LOT, bid_lots * _LOT)
        for (ask, ask_lots), (bid, bid_lots) in both
    ]


def levels(price: Decimal) -> list[Decimal]:
    """Return the groupings the market supports, single price steps (0) first."""
    step = tick_size(price)
    return [Decimal(0), *(step * factor for factor in _LEVELS)]


def _lots(listing: Listing, side: str, now_ms: int, away: Integers) -> Integers:
    """Return the sizes, in 1e-8 coins, so many steps away from the best price."""
    luck = uniform(key_of(listing.code, side, now_ms // 1000), away)
    lots: Integers = np.maximum(-np.log1p(-luck) * listing.trade_size * 3e8, 1.0).astype(np.int64)
    return lots


def _sums(places: Integers, lots: Integers) -> list[tuple[int, int]]:
    """Return (place, lots together), best first; there is no order at a price of 0."""
    heads = np.flatnonzero(np.diff(places, prepend=places[0] - 1))
    together = zip(places[heads].tolist(), np.add.reduceat(lots, heads).tolist(), strict=True)
    return [(place, size) for place, size in together if place > 0]
