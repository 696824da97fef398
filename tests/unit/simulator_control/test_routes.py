from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from simulator_control import FaultKind, Faults, RequestStats, control_routes

Client = TestClient[web.Request, web.Application]


async def pong(_: web.Request) -> web.Response:
    return web.Response(text="pong")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    kinds = [FaultKind("slow", "late", {"delay_seconds": "5"})]
    faults, stats = Faults(kinds, lambda *_: None), RequestStats()
    app = web.Application(middlewares=[stats.middleware])
    app.add_routes(
        [*control_routes(faults, stats), web.get("/_control/clock", pong), web.get("/ping/{n}", pong)]
    )
    async with TestClient(TestServer(app)) as opened:
        yield opened


async def test_a_fault_is_posted_listed_and_deleted(client: Client) -> None:
    posted = await client.post("/_control/faults", json={"kind": "slow", "seconds": 600, "count": 2})
    assert posted.status == 201
    listed = await (await client.get("/_control/faults")).json()
    assert listed["kinds"] == [{"kind": "slow", "description": "late", "params": {"delay_seconds": "5"}}]
    assert listed["active"][0]["id"] == (await posted.json())["id"]
    assert 0 < listed["active"][0]["seconds_left"] <= 600
    assert await (await client.delete("/_control/faults?kind=slow")).json() == {"deleted": 1}
    assert (await (await client.get("/_control/faults")).json())["active"] == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "must be JSON"),
        (b"[]", "must be an object with a kind"),
        (b"{}", "must be an object with a kind"),
        (b'{"kind": "slow", "sec": 1}', "field 'sec' is unknown; allowed: count, kind, params, seconds"),
        (b'{"kind": "slow", "params": [1]}', "params must be an object"),
        (b'{"kind": "slow", "params": []}', "params must be an object"),
        (b'{"kind": "slow", "params": false}', "params must be an object"),
        (b"[" * 200_000, "must be JSON"),
        (b'{"kind": []}', "is unknown"),
    ],
)
async def test_a_wrong_body_is_answered_400_with_the_fix(client: Client, body: bytes, reason: str) -> None:
    answer = await client.post("/_control/faults", data=body)
    assert answer.status == 400
    assert reason in (await answer.json())["error"]


async def test_a_body_that_is_too_long_is_refused_as_json(client: Client) -> None:
    answer = await client.post("/_control/faults", data=b"[" * 3_000_000)
    assert answer.status == 413
    assert "too long" in (await answer.json())["error"]


async def test_requests_are_counted_by_route_and_status_control_routes_apart(client: Client) -> None:
    for path in ("/ping/1", "/ping/2", "/nowhere", "/_control/clock"):
        await (await client.get(path)).read()
    counted: dict[str, Any] = await (await client.get("/_control/stats")).json()
    assert counted == {
        "total": 3,
        "requests": [
            {"route": "/ping/{n}", "status": 200, "count": 2},
            {"route": "unknown route", "status": 404, "count": 1},
        ],
    }


async def test_a_kind_that_does_not_exist_cannot_be_switched_off(client: Client) -> None:
    answer = await client.delete("/_control/faults?kind=slwo")
    assert answer.status == 400
    assert "kind 'slwo' is unknown" in (await answer.json())["error"]
