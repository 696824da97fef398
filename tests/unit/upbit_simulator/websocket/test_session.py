"""What a WebSocket client receives, also under every fault."""

import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from servers.waiting import HANG_SECONDS
from upbit_simulator.app import build_app
from upbit_simulator.exchange import Exchange
from upbit_simulator.faults.kinds import WEBSOCKET_KINDS
from upbit_simulator.market.clock import ReplayClock, WallExchangeClock
from upbit_simulator.seeded.market import SeededMarket

Client = TestClient[Request, Application]
Socket = aiohttp.ClientWebSocketResponse
TICKET = {"ticket": "test"}
START_MS = 1_773_240_030_000


@pytest.fixture
def exchange() -> Exchange:
    """A market in which 20 s pass in one, so that things happen."""
    clock = ReplayClock(START_MS, START_MS + 3_600_000, 20.0, time.time())
    return Exchange(SeededMarket(7), clock)


@pytest.fixture
async def socket(client: Client) -> AsyncIterator[Socket]:
    async with client.ws_connect("/websocket/v1") as socket:
        yield socket


async def ask(socket: Socket, *parts: dict[str, Any]) -> None:
    await socket.send_str(json.dumps([TICKET, *parts]))


async def received(socket: Socket) -> Any:
    frame = await socket.receive(timeout=HANG_SECONDS)
    assert frame.type is WSMsgType.BINARY, frame
    return json.loads(frame.data)


async def until(socket: Socket, wanted: str, field: str = "stream_type") -> dict[str, Any]:
    while True:
        message: dict[str, Any] = await received(socket)
        if message.get(field) == wanted:
            return message


async def handshake_status(client: Client) -> int:
    try:
        await client.ws_connect("/websocket/v1")
    except aiohttp.WSServerHandshakeError as refusal:
        return refusal.status
    return 101


async def is_silent(socket: Socket) -> bool:
    try:
        await socket.receive(timeout=0.4)
    except TimeoutError:
        return True
    return False


async def switch_on(client: Client, kind: str, **params: object) -> None:
    answer = await client.post("/_control/faults", json={"kind": kind, "count": 1, "params": params})
    assert answer.status == 201


@pytest.mark.parametrize("kind", ["ticker", "trade", "orderbook", "candle.1s", "candle.1m", "candle.240m"])
async def test_a_snapshot_comes_first_and_then_what_happens(socket: Socket, kind: str) -> None:
    await ask(socket, {"type": kind, "codes": ["KRW-BTC"]})
    first, later = await received(socket), await received(socket)
    assert (first["type"], first["code"], first["stream_type"]) == (kind, "KRW-BTC", "SNAPSHOT")
    assert later["stream_type"] == "REALTIME"


@pytest.mark.parametrize("name", ["is_only_snapshot", "isOnlySnapshot"])
async def test_only_a_snapshot_in_both_spellings(socket: Socket, name: str) -> None:
    await ask(
        socket,
        {"type": "ticker", "codes": ["KRW-BTC"], name: True},
        {"type": "orderbook", "codes": ["KRW-BTC"]},
    )
    assert (await received(socket))["type"] == "ticker"
    assert {(await received(socket))["type"] for _ in range(4)} == {"orderbook"}


@pytest.mark.parametrize("name", ["is_only_realtime", "isOnlyRealtime"])
async def test_only_real_time_in_both_spellings(socket: Socket, name: str) -> None:
    await ask(socket, {"type": "candle.1m", "codes": ["KRW-BTC"], name: True})
    assert (await received(socket))["stream_type"] == "REALTIME"


async def test_every_closed_minute_ends_as_rest_shows_it(client: Client, socket: Socket) -> None:
    await ask(socket, {"type": "candle.1m", "codes": ["KRW-BTC"]})
    first = await received(socket)
    last = first
    while (message := await received(socket))["candle_date_time_utc"] == first["candle_date_time_utc"]:
        last = message
    end = f"{message['candle_date_time_utc']}Z"
    answer = await client.get(f"/v1/candles/minutes/1?market=KRW-BTC&to={end}")
    [row] = await answer.json()
    shared = set(row) & set(last)
    assert {key: row[key] for key in shared} == {key: last[key] for key in shared}


async def test_a_new_request_replaces_the_subscription(socket: Socket) -> None:
    await ask(socket, {"type": "orderbook", "codes": ["KRW-BTC"]})
    await received(socket)
    await ask(socket, {"type": "orderbook", "codes": ["KRW-ETH"]})
    await until(socket, "KRW-ETH", "code")
    assert {(await received(socket))["code"] for _ in range(3)} == {"KRW-ETH"}


TICKER = {"type": "ticker", "codes": ["KRW-BTC"]}


@pytest.mark.parametrize(
    ("parts", "listed"),
    [
        ([], {"method": "LIST_SUBSCRIPTIONS", "result": [TICKER], "ticket": "test"}),
        (
            [{"type": "orderbook", "codes": ["KRW-ETH.5"], "level": 10000}, {"format": "SIMPLE"}],
            {
                "mthd": "LIST_SUBSCRIPTIONS",
                "rslt": [
                    {"ty": "ticker", "cds": ["KRW-BTC"]},
                    {"ty": "orderbook", "cds": ["KRW-ETH"], "lv": 10000},
                ],
                "tckt": "test",
            },
        ),
    ],
)
async def test_a_listing_has_the_format_of_the_subscription_and_levels_of_order_books(
    socket: Socket, parts: list[dict[str, Any]], listed: dict[str, Any]
) -> None:
    await ask(socket, TICKER, *parts)
    await ask(socket, {"method": "LIST_SUBSCRIPTIONS"})
    assert await until(socket, "LIST_SUBSCRIPTIONS", next(iter(listed))) == listed


async def test_a_listing_that_names_a_format_changes_that_of_the_subscription(socket: Socket) -> None:
    await ask(socket, {"type": "orderbook", "codes": ["KRW-BTC"]})
    await ask(socket, {"method": "LIST_SUBSCRIPTIONS"}, {"format": "SIMPLE_LIST"})
    while not isinstance(message := await received(socket), list):
        pass
    assert message[0]["mthd"] == "LIST_SUBSCRIPTIONS"
    assert (await received(socket))[0]["ty"] == "orderbook"


@pytest.mark.parametrize("wire_format", ["JSON_LIST", "SIMPLE_LIST"])
async def test_list_formats_wrap_each_message(socket: Socket, wire_format: str) -> None:
    await ask(socket, {"type": "ticker", "codes": ["KRW-BTC"]}, {"format": wire_format})
    [message] = await received(socket)
    assert ("ty" in message) == (wire_format == "SIMPLE_LIST")


async def test_an_order_book_has_as_many_units_as_asked(socket: Socket) -> None:
    await ask(socket, {"type": "orderbook", "codes": ["KRW-BTC.5"]})
    assert len((await received(socket))["orderbook_units"]) == 5


@pytest.mark.parametrize(
    "parts",
    [
        [{"type": "orderbook", "codes": ["KRW-NONE", "KRW-ETH"]}],
        [
            {"type": "orderbook", "codes": ["KRW-BTC"], "level": 7},
            {"type": "orderbook", "codes": ["KRW-ETH"]},
        ],
    ],
    ids=["code", "level of an order book"],
)
async def test_what_is_unknown_is_silent_and_the_others_are_not(
    socket: Socket, parts: list[dict[str, Any]]
) -> None:
    await ask(socket, *parts)
    assert {(await received(socket))["code"] for _ in range(4)} == {"KRW-ETH"}


async def test_text_and_control_pings_are_answered(socket: Socket) -> None:
    await socket.send_str("PING")
    assert await received(socket) == {"status": "UP"}
    await socket.ping(b"are you there")
    await socket.send_str("PING")
    assert await received(socket) == {"status": "UP"}


async def test_after_one_text_ping_the_status_comes_again_and_again() -> None:
    exchange = Exchange(SeededMarket(7), WallExchangeClock(), status_seconds=0.2)
    async with (
        TestClient(TestServer(build_app(exchange))) as client,
        client.ws_connect("/websocket/v1") as socket,
    ):
        await socket.send_str("PING")
        assert [await received(socket) for _ in range(3)] == [{"status": "UP"}] * 3


async def test_a_days_volume_is_divided_by_the_takers_side(exchange: Exchange, socket: Socket) -> None:
    await ask(socket, {"type": "ticker", "codes": ["KRW-BTC"], "is_only_snapshot": True})
    frame = await socket.receive(timeout=HANG_SECONDS)
    ticker = json.loads(frame.data, parse_float=Decimal)
    last_ms = ticker["trade_timestamp"]
    first = last_ms // 86_400_000 * 1440
    volumes = {"ASK": Decimal(0), "BID": Decimal(0)}
    for minute in range(first, last_ms // 60_000 + 1):
        for trade in exchange.source.trades("KRW-BTC", minute):
            volumes[trade.side] += trade.volume if trade.time_ms <= last_ms else 0
    assert ticker["acc_ask_volume"] == volumes["ASK"]
    assert ticker["acc_bid_volume"] == volumes["BID"]


async def test_a_trade_is_at_the_best_price_its_taker_hit(socket: Socket) -> None:
    await ask(socket, {"type": "trade", "codes": ["KRW-BTC"]})
    sides: dict[str, Any] = {}
    while len(sides) < 2:
        trade = await received(socket)
        sides[trade["ask_bid"]] = trade
    assert sides["BID"]["trade_price"] == sides["BID"]["best_ask_price"] > sides["BID"]["best_bid_price"]
    assert sides["ASK"]["trade_price"] == sides["ASK"]["best_bid_price"] < sides["ASK"]["best_ask_price"]


REFUSED = {
    "no json": ("hello", "WRONG_FORMAT"),
    "no array": ('{"ticket": "x"}', "WRONG_FORMAT"),
    "no ticket": ('[{"type": "ticker"}]', "NO_TICKET"),
    "no type": ('[{"ticket": "x"}]', "NO_TYPE"),
    "a type missing": ('[{"ticket": "x"}, {"codes": ["KRW-BTC"]}]', "NO_TYPE"),
    "no codes": ('[{"ticket": "x"}, {"type": "ticker"}]', "NO_CODES"),
    "unknown type": ('[{"ticket": "x"}, {"type": "tickers", "codes": ["KRW-BTC"]}]', "INVALID_PARAM"),
    "a book depth of 5000 digits": (
        f'[{{"ticket": "x"}}, {{"type": "orderbook", "codes": ["KRW-BTC.{"1" * 5000}"]}}]',
        "INVALID_PARAM",
    ),
    "a level that is no number": (
        '[{"ticket": "x"}, {"type": "orderbook", "codes": ["KRW-BTC"], "level": NaN}]',
        "INVALID_PARAM",
    ),
    "nested too deep": ("[" * 100_000, "WRONG_FORMAT"),
    "half a character as ticket": (
        '[{"ticket": "\\ud800"}, {"method": "LIST_SUBSCRIPTIONS"}]',
        "NO_TICKET",
    ),
    "lower case": ('[{"ticket": "x"}, {"type": "ticker", "codes": ["krw-btc"]}]', "INVALID_PARAM"),
    "unknown format": (
        '[{"ticket": "x"}, {"type": "ticker", "codes": ["KRW-BTC"]}, {"format": "XML"}]',
        "WRONG_FORMAT",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_wrong_request_gets_an_error_and_the_connection_stays(socket: Socket, name: str) -> None:
    text, error = REFUSED[name]
    await socket.send_str(text)
    assert (await received(socket))["error"]["name"] == error
    await socket.send_str("PING")
    assert await received(socket) == {"status": "UP"}


async def test_more_than_five_requests_a_second_are_too_many(exchange: Exchange, socket: Socket) -> None:
    exchange.wall = lambda: START_MS / 1000
    list_all = json.dumps([TICKET, {"method": "LIST_SUBSCRIPTIONS"}])
    for _ in range(5):
        await socket.send_str(list_all)
        assert (await received(socket))["method"] == "LIST_SUBSCRIPTIONS"
    await socket.send_str(list_all)
    assert (await received(socket))["error"]["name"] == "TOO_MANY_REQUEST"
    exchange.wall = lambda: START_MS / 1000 + 1
    await socket.send_str(list_all)
    assert (await received(socket))["method"] == "LIST_SUBSCRIPTIONS"


async def test_more_than_five_connections_a_second_are_refused(exchange: Exchange, client: Client) -> None:
    exchange.wall = lambda: START_MS / 1000
    statuses = [await handshake_status(client) for _ in range(6)]
    assert statuses == [101] * 5 + [429]
    exchange.wall = lambda: START_MS / 1000 + 1
    assert await handshake_status(client) == 101


async def test_a_connection_without_data_is_closed() -> None:
    idle = Exchange(SeededMarket(7), WallExchangeClock(), idle_seconds=0.2)
    async with (
        TestClient(TestServer(build_app(idle))) as client,
        client.ws_connect("/websocket/v1") as socket,
    ):
        frame = await socket.receive(timeout=HANG_SECONDS)
    assert frame.type is WSMsgType.CLOSE


async def test_ws_refuse_refuses_the_handshake(client: Client) -> None:
    await switch_on(client, "ws_refuse", status=503)
    assert await handshake_status(client) == 503


@pytest.mark.parametrize("kind", ["ws_silent", "ws_stall"])
async def test_ws_silent_and_ws_stall_send_no_data_and_only_one_answers_pings(
    client: Client, socket: Socket, kind: str
) -> None:
    await ask(socket, {"type": "orderbook", "codes": ["KRW-BTC"]})
    await received(socket)
    await switch_on(client, kind)
    while not await is_silent(socket):
        pass
    await ask(socket, {"type": "orderbook", "codes": ["KRW-ETH"]})
    assert await is_silent(socket)
    await socket.send_str("PING")
    if kind == "ws_stall":
        assert await is_silent(socket)
    else:
        assert await received(socket) == {"status": "UP"}


@pytest.mark.parametrize("kind", ["ws_close", "ws_half_frame"])
async def test_a_dropped_connection_has_neither_a_close_frame_nor_half_a_message(
    client: Client, socket: Socket, kind: str
) -> None:
    await switch_on(client, kind)
    frame = await socket.receive(timeout=HANG_SECONDS)
    assert frame.type in {WSMsgType.CLOSED, WSMsgType.ERROR}


async def test_ws_close_may_send_a_close_code(client: Client, socket: Socket) -> None:
    await switch_on(client, "ws_close", code=1011)
    frame = await socket.receive(timeout=HANG_SECONDS)
    assert (frame.type, frame.data) == (WSMsgType.CLOSE, 1011)


async def test_error_and_status_frames_come_unasked(client: Client, socket: Socket) -> None:
    await switch_on(client, "ws_error_frame", name="TOO_MANY_REQUEST")
    assert (await received(socket))["error"]["name"] == "TOO_MANY_REQUEST"
    await switch_on(client, "ws_status_frame")
    assert await received(socket) == {"status": "UP"}


async def test_ws_text_frames_are_text(client: Client, socket: Socket) -> None:
    await switch_on(client, "ws_text_frames")
    await ask(socket, {"type": "ticker", "codes": ["KRW-BTC"]})
    frame = await socket.receive(timeout=HANG_SECONDS)
    assert frame.type is WSMsgType.TEXT


def test_every_websocket_fault_is_tested_here() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    assert [kind.name for kind in WEBSOCKET_KINDS if f'"{kind.name}"' not in source] == []
