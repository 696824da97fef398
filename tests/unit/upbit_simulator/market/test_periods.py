"""Weeks, months and years open with their period, also without a trade on its first day."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from upbit_simulator.market.candles import Candle
from upbit_simulator.market.periods import PERIODS, periods_back


def unix_ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def day_candle(day: date) -> Candle:
    one = Decimal(1)
    return Candle(unix_ms(day), one, one, one, one, unix_ms(day), one, one)


@pytest.mark.parametrize(
    ("period", "opened"),
    [("weeks", date(2026, 3, 9)), ("months", date(2026, 3, 1)), ("years", date(2026, 1, 1))],
)
def test_a_period_opens_at_its_first_midnight_also_when_trading_began_later(
    period: str, opened: date
) -> None:
    days = [day_candle(date(2026, 3, 12)), day_candle(date(2026, 3, 11)), day_candle(date(2025, 12, 31))]
    found = list(periods_back(days, PERIODS[period].grid))
    assert [candle.volume for candle in found] == [2, 1]
    assert found[0].open_ms == unix_ms(opened)
