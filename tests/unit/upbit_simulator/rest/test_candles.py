"""Candles of every length page, end and add up as the exchange's do."""

from datetime import datetime, timedelta
from decimal import Decimal

from unit.upbit_simulator.rest.requesting import MINUTES, Client, rows


async def test_paging_by_the_oldest_candle_repeats_and_skips_nothing(client: Client) -> None:
    whole = await rows(client, f"{MINUTES}?market=KRW-ETH&count=60&to=2026-03-11T14:41:00Z")
    first = await rows(client, f"{MINUTES}?market=KRW-ETH&count=30&to=2026-03-11T14:41:00Z")
    end = f"{first[-1]['candle_date_time_utc']}Z"
    second = await rows(client, f"{MINUTES}?market=KRW-ETH&count=30&to={end}")
    assert first + second == whole


async def test_more_than_200_candles_are_200(client: Client) -> None:
    assert len(await rows(client, f"{MINUTES}?market=KRW-BTC&count=1000")) == 200


async def test_history_ends_with_an_empty_list(client: Client) -> None:
    assert await rows(client, f"{MINUTES}?market=KRW-BTC&to=2020-01-01T00:00:00Z") == []


async def test_a_day_is_made_of_its_minutes(client: Client) -> None:
    [day] = await rows(client, "/v1/candles/days?market=KRW-BTC&to=2026-03-12T00:00:00Z")
    hours = await rows(client, "/v1/candles/minutes/60?market=KRW-BTC&count=24&to=2026-03-12T00:00:00Z")
    assert day["candle_date_time_utc"] == "2026-03-11T00:00:00"
    assert day["opening_price"] == hours[-1]["opening_price"]
    assert day["trade_price"] == hours[0]["trade_price"]
    volumes = [row["candle_acc_trade_volume"] for row in hours]
    assert day["candle_acc_trade_volume"] == sum(v for v in volumes if isinstance(v, Decimal))


async def test_weeks_start_on_monday_and_months_on_the_first(client: Client) -> None:
    [week] = await rows(client, "/v1/candles/weeks?market=KRW-BTC&to=2026-03-12T00:00:00Z")
    [month] = await rows(client, "/v1/candles/months?market=KRW-BTC&to=2026-03-12T00:00:00Z")
    assert (week["first_day_of_period"], month["first_day_of_period"]) == ("2026-03-09", "2026-03-01")


async def test_seconds_add_up_to_their_minute(client: Client) -> None:
    newest = await rows(client, "/v1/candles/minutes/1?market=KRW-BTC&count=3")
    start = datetime.fromisoformat(f"{newest[-1]['candle_date_time_utc']}+00:00")
    end = (start + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    seconds = await rows(client, f"/v1/candles/seconds?market=KRW-BTC&count=60&to={end}")
    inside = [row for row in seconds if str(row["candle_date_time_utc"]) >= f"{start:%Y-%m-%dT%H:%M:%S}"]
    assert inside[0]["trade_price"] == newest[-1]["trade_price"]
    assert max(str(row["high_price"]) for row in inside) == str(newest[-1]["high_price"])
