"""A simulator in this process on a free port, and clients for it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application, Request

from upbit_simulator.app import build_app
from upbit_simulator.exchange import Exchange
from upbit_simulator.market.clock import WallExchangeClock
from upbit_simulator.seeded.market import SeededMarket

Client = TestClient[Request, Application]


@pytest.fixture
async def exchange() -> Exchange:
    return Exchange(SeededMarket(7), WallExchangeClock())


@pytest.fixture
async def client(exchange: Exchange) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(exchange))) as client:
        yield client
