"""Fixtures that every test may ask for."""

import pytest
from hypothesis import settings

pytest_plugins = ("servers.fixtures",)

# How long an example takes tells how crowded the machine is, not whether the code is right.
settings.register_profile("bongsu", deadline=None)
settings.load_profile("bongsu")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that start the whole system: no worker is left alone with them at the end."""
    items.sort(key=lambda item: "system" not in item.path.parts)
