"""Headers and rate limits are those of the exchange."""

import asyncio

from unit.upbit_simulator.rest.requesting import MINUTES, Client


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
