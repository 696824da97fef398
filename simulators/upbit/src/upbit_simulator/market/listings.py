"""Listed KRW markets, with their names and price steps. Pure."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Listing:
    """One market; `base_price` in KRW, `minute_volatility` as a ratio, `trade_size` in coins a trade."""

    code: str
    korean_name: str
    english_name: str
    base_price: int = 1000
    minute_volatility: float = 0.0005
    trade_size: float = 1.0


LISTINGS = (
    Listing("KRW-BTC", "비트코인", "Bitcoin", 140_000_000, 0.00045, 0.04),
    Listing("KRW-ETH", "이더리움", "Ethereum", 4_700_000, 0.00060, 0.9),
    Listing("KRW-XRP", "리플", "XRP", 3_100, 0.00070, 900.0),
    Listing("KRW-SOL", "솔라나", "Solana", 205_000, 0.00075, 9.0),
    Listing("KRW-DOGE", "도지코인", "Dogecoin", 310, 0.00080, 6_000.0),
)

# Lower price bound and step, for KRW markets since 2025-07-31 (docs: krw-market-info).
TICK_SIZES = (
    (Decimal(1_000_000), Decimal(1000)),
    (Decimal(500_000), Decimal(500)),
    (Decimal(100_000), Decimal(100)),
    (Decimal(50_000), Decimal(50)),
    (Decimal(10_000), Decimal(10)),
    (Decimal(5_000), Decimal(5)),
    (Decimal(100), Decimal(1)),
    (Decimal(10), Decimal("0.1")),
    (Decimal(1), Decimal("0.01")),
    (Decimal("0.1"), Decimal("0.001")),
    (Decimal("0.01"), Decimal("0.0001")),
    (Decimal("0.001"), Decimal("0.00001")),
    (Decimal("0.0001"), Decimal("0.000001")),
    (Decimal("0.00001"), Decimal("0.0000001")),
    (Decimal(0), Decimal("0.00000001")),
)


def tick_size(price: Decimal) -> Decimal:
    """Return the price step of the KRW market at this price."""
    return next(step for bound, step in TICK_SIZES if price >= bound)


def listing_for(code: str) -> Listing:
    """Return what is known of a market; one found only in a recording is named after its coin."""
    coin = code.partition("-")[2]
    return next((known for known in LISTINGS if known.code == code), Listing(code, coin, coin))
