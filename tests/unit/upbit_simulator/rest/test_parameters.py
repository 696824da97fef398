"""Parameters are accepted and refused as the exchange does."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request
from yarl import URL

Client = TestClient[Request, Application]

MINUTES = "/v1/candles/minutes/1"


async def rows(client: Client, path: str) -> list[dict[str, object]]:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    found: list[dict[str, object]] = json.loads(await answer.text(), parse_float=Decimal)
    return found


@pytest.mark.parametrize(
    "spelling",
    ["2026-03-11T14:41:00Z", "2026-03-11 14:41:00", "2026-03-11T23:41:00+09:00", "2026-03-11T14:41:00.000Z"],
)
async def test_to_is_exclusive_in_all_four_spellings(client: Client, spelling: str) -> None:
    found = await rows(client, f"{MINUTES}?market=KRW-BTC&count=200&to={quote(spelling)}")
    times = [str(row["candle_date_time_utc"]) for row in found]
    assert max(times) in {"2026-03-11T14:40:00", "2026-03-11T14:39:00"}
    assert times == sorted(set(times), reverse=True)


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


async def test_trades_stop_at_the_midnight_of_the_day_asked(client: Client) -> None:
    found = await rows(client, "/v1/trades/ticks?market=KRW-BTC&days_ago=1&to=000100&count=500")
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    assert {row["trade_date_utc"] for row in found} == {yesterday}
    assert all(str(row["trade_time_utc"]) <= "00:01:00" for row in found)


@pytest.mark.parametrize("age", [timedelta(days=400), timedelta(days=2), timedelta(days=-1)])
async def test_a_cursor_outside_the_day_asked_finds_no_trades(client: Client, age: timedelta) -> None:
    cursor = int((datetime.now(UTC) - age).timestamp() * 1000) * 10_000
    assert await rows(client, f"/v1/trades/ticks?market=KRW-BTC&count=5&cursor={cursor}") == []


async def test_an_older_trade_is_shown_with_the_close_before_its_own_day(client: Client) -> None:
    found = await rows(client, "/v1/trades/ticks?market=KRW-BTC&days_ago=3&count=2")
    end = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%dT00:00:00Z}"
    [before] = await rows(client, f"/v1/candles/days?market=KRW-BTC&to={end}")
    for row in found:
        price, previous = row["trade_price"], row["prev_closing_price"]
        assert isinstance(price, Decimal)
        assert isinstance(previous, Decimal)
        assert previous == before["trade_price"]
        assert row["change_price"] == price - previous


async def test_trades_page_by_cursor(client: Client) -> None:
    whole = await rows(client, "/v1/trades/ticks?market=KRW-BTC&count=20&days_ago=1")
    cursor = whole[9]["sequential_id"]
    rest = await rows(client, f"/v1/trades/ticks?market=KRW-BTC&count=10&days_ago=1&cursor={cursor}")
    assert rest == whole[10:]


async def test_an_order_book_is_grouped_by_level(client: Client) -> None:
    [book] = await rows(client, "/v1/orderbook?markets=KRW-BTC&level=1000000&count=5")
    units = book["orderbook_units"]
    assert isinstance(units, list)
    assert len(units) == 5
    assert all(unit["ask_price"] % 1_000_000 == 0 for unit in units)


async def test_an_order_book_grouped_by_an_unsupported_level_is_an_empty_list(client: Client) -> None:
    assert await rows(client, "/v1/orderbook?markets=KRW-BTC&level=7") == []


REFUSED = {
    f"{MINUTES}": (400, "Missing request parameter error. Check the required parameters!"),
    f"{MINUTES}?market=KRW-NONE": (404, "Code not found"),
    f"{MINUTES}?market=KRW-BTC&count=abc": (400, "Type mismatch error. Check the parameters type!"),
    f"{MINUTES}?market=KRW-BTC&count=0": (400, "Invalid parameter. Check the given value!"),
    f"{MINUTES}?market=KRW-BTC&to=yesterday": (400, "Invalid parameter. Check the given value!"),
    f"{MINUTES}?market=KRW-BTC&to=2025-06-24T13:56:53+09:00": (
        400,
        "Invalid parameter. Check the given value!",
    ),
    f"{MINUTES}?market=KRW-BTC&to=2025-02-31T13:56:53Z": (400, "Invalid parameter. Check the given value!"),
    "/v1/candles/minutes/2?market=KRW-BTC": (400, "Invalid parameter. Check the given value!"),
    "/v1/candles/minutes/x?market=KRW-BTC": (400, "Type mismatch error. Check the parameters type!"),
    "/v1/candles/days?market=KRW-BTC&converting_price_unit=USD": (
        400,
        "Invalid parameter. Check the given value!",
    ),
    "/v1/ticker": (400, "Missing request parameter error. Check the required parameters!"),
    "/v1/ticker?markets=KRW-BTC,KRW-NONE": (404, "Code not found"),
    "/v1/trades/ticks?market=KRW-BTC&days_ago=8": (400, "Invalid parameter. Check the given value!"),
    "/v1/trades/ticks?market=KRW-BTC&to=25:00:00": (400, "Invalid parameter. Check the given value!"),
}


@pytest.mark.parametrize("path", REFUSED)
async def test_a_wrong_parameter_is_refused_in_the_exchange_s_words(client: Client, path: str) -> None:
    status, message = REFUSED[path]
    answer = await client.get(URL(path, encoded=True))
    assert answer.status == status
    assert await answer.json() == {"error": {"name": status, "message": message}}


async def test_every_answer_carries_the_exchange_s_headers(client: Client) -> None:
    answer = await client.get(f"{MINUTES}?market=KRW-BTC")
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert answer.headers["Remaining-Req"] == "group=candles; min=600; sec=9"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Limit-By-Ip"] == "Yes"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["ETag"].startswith('W/"0')


async def test_the_eleventh_request_of_a_second_gets_429_as_text(client: Client) -> None:
    answers = await asyncio.gather(*(client.get(f"{MINUTES}?market=KRW-BTC") for _ in range(25)))
    refused = [answer for answer in answers if answer.status == 429]
    assert refused
    assert await refused[0].text() == "Too many API requests."
    assert refused[0].headers["Remaining-Req"] == "group=candles; min=600; sec=0"


async def test_a_browser_s_requests_are_one_in_ten_seconds(client: Client) -> None:
    browser = {"Origin": "http://localhost"}
    statuses = [(await client.get("/v1/market/all", headers=browser)).status for _ in range(4)]
    assert 429 in statuses
    assert (await client.get("/v1/market/all")).headers["Remaining-Req"].startswith("group=market;")


async def test_a_time_at_the_edge_of_the_calendar_is_no_crash(client: Client) -> None:
    for text in ("0001-01-01T00:00:00%2B09:00", "9999-12-31T23:59:59-09:00"):
        answer = await client.get(URL(f"{MINUTES}?market=KRW-BTC&to={text}", encoded=True))
        assert answer.status in {200, 400}
