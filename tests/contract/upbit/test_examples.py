"""The simulator writes every public example's keys, order, kinds and digits.

The examples stand beside the project, in `shared/examples`; without them these tests are skipped.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS

FOLDER = Path(__file__).parents[4] / "shared" / "examples"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no examples at {FOLDER}")

CODES = ["KRW-BTC", "KRW-ETH", "KRW-XRP", "KRW-SOL", "KRW-DOGE"]
BODIES = {
    "candles_minutes": "/v1/candles/minutes/1?market=KRW-BTC&count=3",
    "candles_seconds": "/v1/candles/seconds?market=KRW-BTC&count=2",
    "candles_days": "/v1/candles/days?market=KRW-BTC&count=2",
    "candles_days_converted": "/v1/candles/days?market=KRW-BTC&converting_price_unit=KRW",
    "market_all": "/v1/market/all",
    "market_all_details": "/v1/market/all?is_details=true",
    "orderbook": "/v1/orderbook?markets=KRW-BTC",
    "orderbook_instruments": "/v1/orderbook/instruments?markets=KRW-BTC",
    "ticker": "/v1/ticker?markets=KRW-BTC",
    "trades_ticks": "/v1/trades/ticks?market=KRW-BTC&count=2&days_ago=1",
}
ERRORS: dict[str, tuple[str, dict[str, object] | None]] = {
    "error_400_quotation": ("/v1/candles/minutes/2?market=KRW-BTC", None),
    "error_400_quotation_missing": ("/v1/candles/minutes/1", None),
    "error_400_quotation_type": ("/v1/candles/minutes/1?market=KRW-BTC&count=x", None),
    "error_404_quotation": ("/v1/candles/minutes/1?market=KRW-NONE", None),
    "error_403_market_offline": ("/v1/market/all", {"kind": "market_offline"}),
    "error_429": ("/v1/candles/days?market=KRW-BTC", {"kind": "rate_limited"}),
    "error_429_exchange": ("/v1/candles/days?market=KRW-BTC", {"kind": "rate_limited", "body": "json"}),
    "error_500": ("/v1/market/all", {"kind": "http_error", "status": 500}),
    "error_418": ("/v1/orderbook?markets=KRW-BTC", {"kind": "blocked"}),
}
MESSAGES = {
    "ws_ticker": ("ticker", "DEFAULT", "REALTIME"),
    "ws_ticker_simple": ("ticker", "SIMPLE", "REALTIME"),
    "ws_trade": ("trade", "DEFAULT", "REALTIME"),
    "ws_trade_simple": ("trade", "SIMPLE", "REALTIME"),
    "ws_orderbook": ("orderbook", "DEFAULT", "SNAPSHOT"),
    "ws_orderbook_simple": ("orderbook", "SIMPLE", "SNAPSHOT"),
    "ws_orderbook_realtime": ("orderbook", "DEFAULT", "REALTIME"),
    "ws_orderbook_realtime_simple": ("orderbook", "SIMPLE", "REALTIME"),
    "ws_candle_1m": ("candle.1m", "DEFAULT", "REALTIME"),
    "ws_candle_1m_simple": ("candle.1m", "SIMPLE", "REALTIME"),
}
# The group of private orders, where a public route is asked.
PUBLIC_GROUP = {"group=order; min=480; sec=0": "group=candles; min=600; sec=0"}
# What brings them: a text that is sent, or a fault.
EXACT_FRAMES: dict[str, str | dict[str, object]] = {
    "ws_status_up": "PING",
    "ws_error_wrong_format": "not a request",
    "ws_error": {"kind": "ws_error_frame", "name": "INVALID_AUTH"},
}
REQUESTS = {"ws_subscribe"}
PRIVATE = re.compile(
    r"upbit_(accounts|orders?_.*|ws_my(asset|order).*"
    r"|error_40[013]_(?!market_offline|quotation).*|error_404_order_not_found)\.json"
)


class Digits(str):
    """A JSON number as it was written."""


def kind(value: Any, places: bool) -> Any:
    """Return the shape of a value: keys in order, types, for numbers the decimals where fixed.

    Of a list the different shapes are returned, in the order in which they come."""
    if isinstance(value, dict):
        return [(key, kind(item, places)) for key, item in value.items()]
    if isinstance(value, list):
        shapes = [kind(item, places) for item in value]
        return [shape for place, shape in enumerate(shapes) if shape not in shapes[:place]]
    if isinstance(value, Digits):
        _, _, decimals = value.partition(".")
        return "number" if not places else f"number .{len(decimals)}"
    return type(value).__name__


def parsed(text: str) -> Any:
    return json.loads(text, parse_float=Digits, parse_int=Digits)


def example(name: str) -> str:
    return (FOLDER / f"upbit_{name}.json").read_text(encoding="utf-8")


async def fetch(upbit: Simulator, path: str) -> tuple[int, str, Mapping[str, str]]:
    async with aiohttp.ClientSession() as session, session.get(upbit.url + path) as answer:
        return answer.status, await answer.text(), answer.headers


def switch_on(upbit: Simulator, fault: Mapping[str, object]) -> None:
    params = {key: value for key, value in fault.items() if key != "kind"}
    upbit.switch_on(str(fault["kind"]), count=1, **params)


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_has_the_example_s_shape(upbit: Simulator, name: str) -> None:
    upbit.switch_all_off()
    status, text, _ = await fetch(upbit, BODIES[name])
    fixed_places = name.startswith(("candles", "trades", "ticker"))
    assert status == 200
    assert kind(parsed(text), fixed_places) == kind(parsed(example(name)), fixed_places)
    assert text == text.strip()
    assert ", " not in text


@pytest.mark.parametrize("name", ERRORS)
async def test_an_error_is_the_example_s(upbit: Simulator, name: str) -> None:
    path, fault = ERRORS[name]
    upbit.switch_all_off()
    if fault is not None:
        switch_on(upbit, fault)
    wanted = json.loads(example(name))
    status, text, headers = await fetch(upbit, path)
    upbit.switch_all_off()
    assert status == wanted["status"]
    for field, value in wanted["headers"].items():
        assert headers[field] == PUBLIC_GROUP.get(value, value)
    if "text" in wanted:
        assert text == wanted["text"]
    else:
        expected = json.dumps(wanted["body"], ensure_ascii=False, separators=(",", ":"))
        assert text == expected


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_has_the_example_s_shape(upbit: Simulator, name: str) -> None:
    upbit.switch_all_off()
    wanted_type, wire_format, stream = MESSAGES[name]
    request: list[dict[str, object]] = [{"ticket": "test"}, {"type": wanted_type, "codes": CODES}]
    key = "st" if wire_format == "SIMPLE" else "stream_type"
    async with aiohttp.ClientSession() as session, session.ws_connect(upbit.websocket_url) as socket:
        await socket.send_str(json.dumps([*request, {"format": wire_format}]))
        text = await socket.receive_bytes(timeout=HANG_SECONDS)
        while parsed(text.decode())[key] != stream:
            text = await socket.receive_bytes(timeout=2 * HANG_SECONDS)
    fixed_places = name.startswith("ws_candle")
    assert kind(parsed(text.decode()), fixed_places) == kind(parsed(example(name)), fixed_places)


@pytest.mark.parametrize("name", EXACT_FRAMES)
async def test_a_frame_is_the_example_to_the_letter(upbit: Simulator, name: str) -> None:
    upbit.switch_all_off()
    cause = EXACT_FRAMES[name]
    async with aiohttp.ClientSession() as session, session.ws_connect(upbit.websocket_url) as socket:
        if isinstance(cause, str):
            await socket.send_str(cause)
        else:
            switch_on(upbit, cause)
        assert await socket.receive_bytes(timeout=HANG_SECONDS) == example(name).strip().encode()


async def test_the_example_s_subscription_is_understood(upbit: Simulator) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(upbit.websocket_url) as socket:
        await socket.send_str(example("ws_subscribe"))
        kinds = [json.loads(await socket.receive_bytes(timeout=HANG_SECONDS))["type"] for _ in range(2)]
    assert kinds == ["ticker", "candle.1m"]


def test_every_example_is_either_tested_here_or_private() -> None:
    tested = {*BODIES, *ERRORS, *MESSAGES, *EXACT_FRAMES, *REQUESTS}
    files = [path for path in FOLDER.glob("upbit_*.json") if not PRIVATE.fullmatch(path.name)]
    assert {path.stem.removeprefix("upbit_") for path in files} == tested
