"""One simulator of the seeded market for each file of tests."""

from collections.abc import Iterator

import pytest

from servers.simulators import Simulator, simulator


@pytest.fixture(scope="module")
def upbit() -> Iterator[Simulator]:
    with simulator("upbit_simulator", "--seed", "7") as running:
        yield running
