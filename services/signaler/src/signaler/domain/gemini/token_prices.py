"""Price list of Gemini: US dollars for a million tokens, thinking billed as output.

Source: the vendor's price page as transcribed 2026-10-07 and 2026-10-14; gemini-4-hydrogen 2026-11-13. Paid
tier, standard service, without the discount for cached input, so the figure is never too low.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class Price:
    """Valid from `since` until the same model's next row."""

    model: str
    since: date
    input_usd: Decimal
    output_usd: Decimal


def _price(model: str, since: date, input_usd: str, output_usd: str) -> Price:
    return Price(model, since, Decimal(input_usd), Decimal(output_usd))


PRICES: tuple[Price, ...] = (
    _price("gemini-3.8-flash", date(2026, 9, 2), "0.75", "3.75"),
    _price("gemini-3.8-flash", date(2027, 1, 1), "1.50", "7.50"),
    _price("gemini-3.6-flash", date(2026, 7, 21), "0.75", "3.75"),
    _price("gemini-3.6-flash", date(2027, 1, 1), "1.50", "7.50"),
    _price("gemini-3.5-flash-lite", date(2026, 7, 21), "0.30", "2.50"),
    _price("gemini-3.1-flash-lite", date(2026, 5, 7), "0.25", "1.50"),
    _price("gemini-4-argon", date(2026, 10, 13), "2", "10"),
    _price("gemini-4-argon", date(2026, 12, 1), "4", "20"),
    _price("gemini-4-hydrogen", date(2026, 11, 12), "1.50", "7.50"),
    _price("gemini-2.5-flash", date(2025, 6, 17), "0.30", "2.50"),
    _price("gemini-2.5-flash-lite", date(2025, 7, 22), "0.10", "0.40"),
)

DEAREST = max(PRICES, key=lambda price: price.output_usd)


def cost_usd(model: str, day: date, *, input_tokens: int | None, output_tokens: int | None) -> Decimal | None:
    """Return what the tokens cost on `day`; None where no token count is known.

    An unknown model is billed as the dearest known one, so that the day's budget stops it too.
    """
    if input_tokens is None and output_tokens is None:
        return None
    rows = [price for price in PRICES if price.model == model] or [DEAREST]
    # A day before the first row (a wrong clock) is billed at the first known price.
    price = max((row for row in rows if row.since <= day), key=lambda row: row.since, default=rows[0])
    return (price.input_usd * (input_tokens or 0) + price.output_usd * (output_tokens or 0)) / MILLION
