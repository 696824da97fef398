"""One Gemini simulator for each file of tests, and the official client on it."""

from collections.abc import Iterator

import pytest
from google import genai
from google.genai import types

from servers.simulators import Simulator, simulator

KEY = "AQ.simulator-key-for-tests-0000000000000"


@pytest.fixture(scope="module")
def gemini() -> Iterator[Simulator]:
    with simulator("gemini_simulator") as running:
        yield running


@pytest.fixture
def client(gemini: Simulator) -> Iterator[genai.Client]:
    """google-genai without retries, on the simulator; every fault is off again afterwards."""
    yield client_for(gemini.url, KEY)
    gemini.switch_all_off()


def client_for(url: str, key: str, *, version: str = "v1beta") -> genai.Client:
    """Return a client with this key."""
    options = types.HttpOptions(
        base_url=url,
        api_version=version,
        timeout=60_000,
        # Without it the aiohttp transport tries once more by itself.
        retry_options=types.HttpRetryOptions(attempts=1),
    )
    return genai.Client(api_key=key, http_options=options)
