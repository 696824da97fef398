"""The official client on the Gemini simulator."""

import pytest
from google import genai
from google.genai import types

from servers.simulators import Simulator

KEY = "AQ.simulator-key-for-tests-0000000000000"


@pytest.fixture
def client(gemini: Simulator) -> genai.Client:
    """google-genai without retries, on the simulator."""
    return client_for(gemini.url, KEY)


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
