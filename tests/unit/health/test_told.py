"""What may a person believe when the one who told has died?"""

from __future__ import annotations

import pytest

from health.notifications.checkpoint import Told
from health.schemas import OverallStatus


@pytest.mark.parametrize(
    ("told", "telling", "seen", "known"),
    [
        (None, None, "degraded", "degraded"),
        ("healthy", None, "unhealthy", "healthy"),
        # Whether it is out nobody knows: told again where it holds, taken back where it does not.
        ("healthy", "unhealthy", "unhealthy", "healthy"),
        ("healthy", "unhealthy", "healthy", "unhealthy"),
        ("healthy", "unhealthy", "degraded", "unhealthy"),
        (None, "unhealthy", "healthy", "unhealthy"),
    ],
)
def test_a_state_that_was_being_told_is_known_unless_it_still_holds(
    told: OverallStatus | None, telling: OverallStatus | None, seen: OverallStatus, known: OverallStatus
) -> None:
    assert Told(status=told, telling=telling).last_known(seen) == known


def test_a_state_that_is_being_told_is_another_record() -> None:
    assert not Told(status="healthy").says_the_same_as(Told(status="healthy", telling="degraded"))
    assert Told(status="healthy", teller="a").says_the_same_as(Told(status="healthy", teller="b"))
