"""Service check: missing, silent, and with old settings."""

from __future__ import annotations

import pytest

from common.events import CacheUsage
from health.checks.services import missing_services, services_live
from health.domain import LiveInstance
from unit.health.facts import facts, instance, live


def test_a_missing_service_is_listed_without_an_instance() -> None:
    known = facts(instances=live(instance("collector"), instance("health")))
    rows = [(row.name, row.instance, row.status) for row in services_live(known)]
    assert rows == [
        ("collector", "collector-1", "healthy"),
        ("signaler", None, "unhealthy"),
        ("health", "health-1", "healthy"),
    ]
    assert missing_services(known) == ["signaler"]


def test_a_service_whose_only_instance_is_silent_counts_as_missing() -> None:
    silent = LiveInstance(instance("collector"), silent_seconds=4.0)
    known = facts(instances=(silent, *live(instance("signaler"), instance("health"))))
    assert missing_services(known) == ["collector"]


@pytest.mark.parametrize("flaw", ["stale_keys", "invalid_keys"])
def test_an_instance_that_serves_old_settings_is_a_warning(flaw: str) -> None:
    cache = CacheUsage.model_validate(
        {"hits": 1, "misses": 1, "hit_rate": 50.0, "waits": 0, flaw: ["markets"]}
    )
    rows = services_live(facts(instances=live(instance("signaler", cache=cache))))
    assert rows[1].status == "warning"
