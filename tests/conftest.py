"""Fixtures that every test may ask for."""

import pytest
from hypothesis import settings
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

pytest_plugins = ("servers.fixtures",)

# How long an example takes tells how crowded the machine is, not whether the code is right.
settings.register_profile("bongsu", deadline=None)
settings.load_profile("bongsu")


@pytest.fixture(scope="session")
def measured() -> InMemoryMetricReader:
    """Reads the process's metrics; they add up over tests, so each test looks for a label of its own."""
    reader = InMemoryMetricReader()
    provider = MeterProvider(metric_readers=[reader])
    metrics.set_meter_provider(provider)
    assert metrics.get_meter_provider() is provider
    return reader


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that start the whole system: no worker is left alone with them at the end."""
    items.sort(key=lambda item: "system" not in item.path.parts)
