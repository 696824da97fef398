"""Parameters are accepted and refused as the exchange does."""

from urllib.parse import quote

import pytest
from yarl import URL

from unit.upbit_simulator.rest.requesting import MINUTES, Client, rows


@pytest.mark.parametrize(
    "spelling",
    ["2026-03-11T14:41:00Z", "2026-03-11 14:41:00", "2026-03-11T23:41:00+09:00", "2026-03-11T14:41:00.000Z"],
)
async def test_to_is_exclusive_in_all_four_spellings(client: Client, spelling: str) -> None:
    found = await rows(client, f"{MINUTES}?market=KRW-BTC&count=200&to={quote(spelling)}")
    times = [str(row["candle_date_time_utc"]) for row in found]
    assert max(times) in {"2026-03-11T14:40:00", "2026-03-11T14:39:00"}
    assert times == sorted(set(times), reverse=True)


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


async def test_a_time_at_the_edge_of_the_calendar_is_no_crash(client: Client) -> None:
    for text in ("0001-01-01T00:00:00%2B09:00", "9999-12-31T23:59:59-09:00"):
        answer = await client.get(URL(f"{MINUTES}?market=KRW-BTC&to={text}", encoded=True))
        assert answer.status in {200, 400}
