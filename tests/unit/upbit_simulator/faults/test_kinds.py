"""Every fault changes what a client of the REST routes sees."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

from upbit_simulator.faults.kinds import ANSWER_KINDS, KINDS, ROW_KINDS

Client = TestClient[Request, Application]
CANDLES = "/v1/candles/minutes/1?market=KRW-BTC&count=20"


async def switch_on(client: Client, kind: str, *, count: int | None = None, **params: object) -> None:
    fault = {"kind": kind, "params": params} | ({"count": count} if count else {})
    answer = await client.post("/_control/faults", json=fault)
    assert answer.status == 201, await answer.text()


async def candles(client: Client, path: str = CANDLES) -> list[dict[str, Any]]:
    answer = await client.get(path)
    assert answer.status == 200
    found: list[dict[str, Any]] = json.loads(await answer.text())
    return found


async def descriptions(client: Client) -> dict[str, str]:
    """Return what is said of each kind."""
    listed = (await (await client.get("/_control/faults")).json())["kinds"]
    return {kind["kind"]: kind["description"] for kind in listed}


async def test_every_kind_is_listed_with_a_description(client: Client) -> None:
    described = await descriptions(client)
    assert set(described) == {kind.name for kind in KINDS}
    assert all(described.values())
    assert "twice as long" in described["blocked"]


@pytest.mark.parametrize(
    ("kind", "params", "status", "said"),
    [
        ("rate_limited", {}, 429, "Too many API requests."),
        ("rate_limited", {"body": "json"}, 429, '"too_many_requests"'),
        ("market_offline", {}, 403, '"market_offline"'),
        *(
            ("http_error", {"status": status, "body": body}, status, said)
            for status, name in ((429, '"too_many_requests"'), (503, '{"error"'))
            for body, said in (("json", name), ("html", "<html>"), ("empty", ""))
        ),
    ],
)
async def test_a_refusal_has_the_status_and_the_body_that_were_asked_for(
    client: Client, kind: str, params: dict[str, object], status: int, said: str
) -> None:
    await switch_on(client, kind, count=1, **params)
    answer = await client.get(CANDLES)
    text = await answer.text()
    assert answer.status == status
    assert said in text
    assert bool(text) == bool(said)
    assert status != 429 or answer.headers["Remaining-Req"] == "group=candles; min=600; sec=0"
    assert (await client.get(CANDLES)).status == 200


async def test_blocked_lasts_for_the_time_in_the_body_on_every_route(client: Client) -> None:
    await switch_on(client, "blocked", count=1, block_seconds=90)
    answer = await client.get(CANDLES)
    assert answer.status == 418
    assert "90초" in (await answer.json())["error"]["message"]
    assert (await client.get("/v1/market/all")).status == 418


@pytest.mark.parametrize("query", ["", "?kind=blocked"])
async def test_clearing_blocked_lifts_the_block_and_forgets_it(client: Client, query: str) -> None:
    for _ in range(2):
        await switch_on(client, "blocked", count=1, block_seconds=90)
        assert "90초" in await (await client.get(CANDLES)).text()
        await client.delete(f"/_control/faults{query}")
        assert (await client.get(CANDLES)).status == 200


@pytest.mark.parametrize("kind", ["slow", "hang"])
async def test_a_slow_or_hanging_exchange_runs_into_the_client_s_limit(client: Client, kind: str) -> None:
    await switch_on(client, kind)
    with pytest.raises(TimeoutError):
        await client.get(CANDLES, timeout=aiohttp.ClientTimeout(total=0.2))


async def test_slow_answers_after_the_delay(client: Client) -> None:
    await switch_on(client, "slow", delay_seconds=0.2)
    started = asyncio.get_running_loop().time()
    assert (await client.get(CANDLES)).status == 200
    assert asyncio.get_running_loop().time() - started >= 0.2


async def test_reset_breaks_the_connection(client: Client) -> None:
    await switch_on(client, "reset")
    with pytest.raises(aiohttp.ClientError):
        await client.get(CANDLES)


async def test_truncated_json_cannot_be_parsed(client: Client) -> None:
    await switch_on(client, "truncated_json")
    text = await (await client.get(CANDLES)).text()
    assert text.startswith('[{"market"')
    with pytest.raises(json.JSONDecodeError):
        json.loads(text)


async def test_cut_off_ends_inside_a_chunk(client: Client) -> None:
    await switch_on(client, "cut_off")
    answer = await client.get(CANDLES)
    assert (answer.status, answer.headers["Transfer-Encoding"]) == (200, "chunked")
    with pytest.raises(aiohttp.ClientPayloadError):
        await answer.read()


async def read_by_an_old_client(client: Client) -> tuple[str, bytes]:
    """Return head and body of an HTTP/1.0 answer."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(f"GET {CANDLES} HTTP/1.0\r\nAccept-Encoding: identity\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head.decode(), body


async def test_an_http_1_0_client_is_answered_without_chunks(client: Client) -> None:
    head, body = await read_by_an_old_client(client)
    assert head.startswith("HTTP/1.0 200 OK")
    assert len(json.loads(body)) == 20


async def test_cut_off_gives_an_http_1_0_client_less_than_it_announces(client: Client) -> None:
    await switch_on(client, "cut_off")
    head, body = await read_by_an_old_client(client)
    announced = next(line for line in head.splitlines() if line.startswith("Content-Length: "))
    assert 0 < len(body) < int(announced.removeprefix("Content-Length: "))


async def test_html_page_comes_with_200(client: Client) -> None:
    await switch_on(client, "html_page")
    answer = await client.get(CANDLES)
    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "<html>" in await answer.text()


async def test_wrong_content_type_keeps_the_body(client: Client) -> None:
    await switch_on(client, "wrong_content_type")
    answer = await client.get(CANDLES)
    assert answer.content_type == "text/html"
    assert len(json.loads(await answer.text())) == 20


@pytest.mark.parametrize("kind", ["huge_body", "gzip_bomb"])
async def test_a_huge_body_is_as_long_as_asked(client: Client, kind: str) -> None:
    await switch_on(client, kind, megabytes=2)
    assert len(await (await client.get(CANDLES)).read()) > 2 << 20


async def test_clock_skew_moves_what_its_description_names_and_nothing_else(client: Client) -> None:
    await switch_on(client, "clock_skew", seconds=-300)
    described = (await descriptions(client))["clock_skew"]
    assert described.startswith("Date and the timestamp of tickers and order books are off")
    for route in ("ticker", "orderbook"):
        began = datetime.now(UTC)
        answer = await client.get(f"/v1/{route}?markets=KRW-BTC")
        ended, skew, second = datetime.now(UTC), timedelta(seconds=-300), timedelta(seconds=1)
        stamped = datetime.fromtimestamp((await answer.json())[0]["timestamp"] / 1000, UTC)
        for shown in (parsedate_to_datetime(answer.headers["Date"]), stamped):
            assert began + skew - second <= shown <= ended + skew
        assert (await candles(client))[0]["timestamp"] / 1000 - stamped.timestamp() > 100


async def test_newest_candle_late_hides_the_last_minutes_and_is_not_the_end_of_history(
    client: Client,
) -> None:
    await switch_on(client, "newest_candle_late", minutes=5)
    [newest] = await candles(client, "/v1/candles/minutes/1?market=KRW-BTC&count=1")
    age = datetime.now(UTC) - datetime.fromisoformat(f"{newest['candle_date_time_utc']}+00:00")
    assert timedelta(minutes=6) <= age < timedelta(minutes=12)


async def test_duplicate_candles_come_twice(client: Client) -> None:
    await switch_on(client, "duplicate_candles")
    found = await candles(client)
    assert found[0] == found[1]
    assert len(found) == 40


async def test_out_of_order_changes_the_order_only(client: Client) -> None:
    path = "/v1/candles/minutes/1?market=KRW-BTC&count=10&to=2026-03-11T14:40:00Z"
    whole = await candles(client, path)
    await switch_on(client, "out_of_order")
    mixed = await candles(client, path)
    assert mixed != whole
    assert sorted(mixed, key=str) == sorted(whole, key=str)


@pytest.mark.parametrize(
    ("unit", "minutes", "spelling"),
    [
        ("minutes/1", 3, "%Y-%m-%dT%H:%M:00"),
        ("minutes/15", 0, "%Y-%m-%dT%H:{quarter:02}:00"),
        ("days", 0, "%Y-%m-%dT00:00:00"),
        ("months", 0, "%Y-%m-01T00:00:00"),
    ],
)
async def test_a_future_candle_stands_where_one_of_its_length_opens(
    client: Client, unit: str, minutes: int, spelling: str
) -> None:
    await switch_on(client, "future_candle", minutes=5)
    ahead, newest = await candles(client, f"/v1/candles/{unit}?market=KRW-BTC&count=1")
    opened = datetime.fromisoformat(ahead["candle_date_time_utc"])
    quarter = opened.minute // 15 * 15
    assert ahead["candle_date_time_utc"] == opened.strftime(spelling.format(quarter=quarter))
    assert opened.replace(tzinfo=UTC) > datetime.now(UTC) + timedelta(minutes=minutes)
    assert ahead["candle_date_time_utc"] > newest["candle_date_time_utc"]
    assert opened + timedelta(hours=9) == datetime.fromisoformat(ahead["candle_date_time_kst"])


@pytest.mark.parametrize(
    ("params", "spelling"),
    [
        ({"value": "zero"}, '"trade_price":0.00000000'),
        ({"value": "negative"}, '"trade_price":-1'),
        ({"value": "nan"}, '"trade_price":NaN'),
        ({"value": "string"}, '"trade_price":"1'),
        ({"value": "huge"}, '"trade_price":1e400'),
        ({"value": "negative", "field": "candle_acc_trade_volume"}, '"candle_acc_trade_volume":-'),
    ],
)
async def test_bad_values_break_a_number_of_the_newest_candle(
    client: Client, params: dict[str, Any], spelling: str
) -> None:
    await switch_on(client, "bad_values", **params)
    assert spelling in await (await client.get(CANDLES)).text()


async def test_revised_candle_changes_one_closed_candle(client: Client) -> None:
    path = "/v1/candles/minutes/1?market=KRW-BTC&count=10"
    before = {row["candle_date_time_utc"]: row for row in await candles(client, path)}
    ages = range(1, 10)
    for age in ages:
        await switch_on(client, "revised_candle", minutes=age, count=1)
    # Once for each: some of these minutes have no trade.
    after = [await candles(client, path) for _ in ages]
    changed = [
        row
        for answer in after
        for row in answer[2:]
        if row["candle_date_time_utc"] in before and row != before[row["candle_date_time_utc"]]
    ]
    assert changed
    assert all(row["low_price"] <= row["trade_price"] <= row["high_price"] for row in changed)


async def test_a_fault_of_one_route_neither_concerns_nor_hides_that_of_another(client: Client) -> None:
    await switch_on(client, "http_error", route="ticker", status=500)
    assert (await client.get(CANDLES)).status == 200
    assert (await client.get("/v1/ticker?markets=KRW-BTC")).status == 500
    await switch_on(client, "http_error", route="candles", status=504)
    assert (await client.get(CANDLES)).status == 504


async def test_trades_have_the_row_faults_too(client: Client) -> None:
    await switch_on(client, "duplicate_candles", route="trades")
    found = await candles(client, "/v1/trades/ticks?market=KRW-BTC&count=5")
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("http_error", {"status": 200}),
        ("http_error", {"body": "xml"}),
        ("slow", {"delay_seconds": "long"}),
        ("slow", {"route": "everything"}),
        ("bad_values", {"value": "odd"}),
        ("missing_candles", {"every": 1}),
        ("huge_body", {"megabytes": 1.5}),
        ("huge_body", {"megabytes": 501}),
        ("gzip_bomb", {"megabytes": 1_000_000}),
        ("clock_skew", {"seconds": True}),
        ("clock_skew", {"seconds": float("nan")}),
        ("slow", {"delay_seconds": float("nan")}),
        ("slow", {"delay_seconds": float("inf")}),
        ("rate_limited", {"body": "html"}),
        ("ws_close", {"code": 70_000}),
        ("ws_close", {"code": 1005}),
        ("ws_close", {"code": 2000}),
        ("ws_error_frame", {"name": "\ud800"}),
    ],
)
async def test_a_wrong_parameter_is_refused_when_it_is_given(
    client: Client, kind: str, params: dict[str, object]
) -> None:
    answer = await client.post("/_control/faults", json={"kind": kind, "params": params})
    assert answer.status == 400
    assert next(iter(params)) in (await answer.json())["error"]


async def test_a_kind_that_is_no_text_is_refused_whatever_its_parameters(client: Client) -> None:
    answer = await client.post("/_control/faults", json={"kind": [], "params": {"body": "text"}})
    assert answer.status == 400


def test_the_kinds_tested_here_are_all_there_are() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind.name for kind in (*ANSWER_KINDS, *ROW_KINDS) if f'"{kind.name}"' not in source] == []
