"""Can the official SDK tell the simulator from Upbit?"""

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
from contract.upbit.running import Simulator

import upbit as sdk


@pytest.fixture
def client(upbit: Simulator) -> Iterator[sdk.Upbit]:
    upbit.switch_all_off()
    with sdk.Upbit(base_url=f"{upbit.url}/v1", max_retries=2) as client:
        yield client


@pytest.fixture
async def async_client(upbit: Simulator) -> AsyncIterator[sdk.AsyncUpbit]:
    async with sdk.AsyncUpbit(base_url=f"{upbit.url}/v1", max_retries=2) as client:
        yield client
