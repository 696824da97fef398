"""Requests of the REST tests."""

import json
from decimal import Decimal

from aiohttp.test_utils import TestClient
from aiohttp.web import Application, Request

Client = TestClient[Request, Application]

MINUTES = "/v1/candles/minutes/1"


async def rows(client: Client, path: str) -> list[dict[str, object]]:
    answer = await client.get(path)
    assert answer.status == 200, await answer.text()
    found: list[dict[str, object]] = json.loads(await answer.text(), parse_float=Decimal)
    return found
