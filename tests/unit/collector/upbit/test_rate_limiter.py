from __future__ import annotations

from dataclasses import dataclass

import pytest

from collector.upbit.rate_limiter import Block, RateLimiter
from common.errors import TransientError

STATED = '{"error": {"name": "blocked", "message": "Retry after 75 seconds"}}'


@dataclass
class SetClock:
    """Shows the seconds that the test sets."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def limiter(clock: SetClock) -> RateLimiter:
    """One whose time stands still until the test moves it."""
    return RateLimiter(monotonic=clock)


def remaining(requests: int, group: str = "candles") -> dict[str, str]:
    return {"Remaining-Req": f"group={group}; min=600; sec={requests}"}


def test_at_first_a_request_may_go_out_at_once() -> None:
    assert RateLimiter().wait_seconds == 0


@pytest.mark.parametrize(
    ("replicas", "left", "pauses"), [(1, 1, False), (1, 0, True), (3, 3, False), (3, 2, True)]
)
def test_each_replica_leaves_a_request_of_this_second_to_every_other(
    replicas: int, left: int, *, pauses: bool
) -> None:
    limiter = RateLimiter(replicas=replicas, monotonic=SetClock())
    limiter.record_answer(200, remaining(left), "")
    assert limiter.wait_seconds == pytest.approx(1.0 if pauses else 0.0)


def test_too_many_requests_wait_for_the_next_second(limiter: RateLimiter) -> None:
    limiter.record_answer(429, {}, "")
    assert limiter.wait_seconds == pytest.approx(1.0)
    assert limiter.block.seconds_left == 0


@pytest.mark.parametrize(("body", "seconds"), [("", 60), (STATED, 75), ("blocked for 30 s", 60)])
def test_a_block_lasts_as_long_as_upbit_states_and_a_minute_at_least(
    limiter: RateLimiter, body: str, seconds: float
) -> None:
    limiter.record_answer(418, {}, body)
    assert limiter.block.seconds_left == pytest.approx(seconds)
    with pytest.raises(TransientError, match="Upbit has blocked this address for another"):
        limiter.raise_if_blocked()


def test_what_was_on_its_way_when_the_block_began_does_not_lengthen_it(limiter: RateLimiter) -> None:
    for status in (418, 200, 418):
        limiter.record_answer(status, {}, "")
    assert limiter.block.seconds_left == pytest.approx(60)


@pytest.mark.parametrize(("between", "seconds"), [((), 120), ((429,), 120), ((200,), 60), ((502,), 60)])
async def test_a_block_that_comes_again_is_twice_as_long(
    limiter: RateLimiter, clock: SetClock, between: tuple[int, ...], seconds: float
) -> None:
    limiter.adopt_block(Block(seconds_left=60, length_seconds=60))
    clock.seconds += 60
    await limiter.wait_until_allowed()
    for status in (*between, 418):
        limiter.record_answer(status, {}, "")
    assert limiter.block.seconds_left == pytest.approx(seconds)


async def test_a_block_of_another_collector_holds_here_and_is_not_shared_again(limiter: RateLimiter) -> None:
    limiter.adopt_block(Block(seconds_left=50, length_seconds=120))
    limiter.adopt_block(Block(seconds_left=20, length_seconds=60))
    assert limiter.block.seconds_left == pytest.approx(50)
    assert limiter.block.length_seconds == 120
    assert await limiter.unshared_block(0.01) is None


async def test_a_block_is_kept_to_be_shared_until_it_is(limiter: RateLimiter) -> None:
    limiter.record_answer(418, {}, "")
    assert await limiter.unshared_block(0.01) is not None
    assert await limiter.unshared_block(0.01) is not None
    limiter.mark_shared()
    assert await limiter.unshared_block(0.01) is None


@pytest.mark.parametrize(
    ("answers", "seconds"),
    [
        ([("candles", 9), ("candles", 0)], 0.5),
        # As many left begin another second, and another group has one of its own.
        ([("candles", 9), ("candles", 9), ("candles", 0)], 0.5),
        ([("ticker", 9), ("candles", 0)], 0.75),
    ],
)
def test_a_used_up_second_is_waited_for_from_the_first_answer_of_its_group(
    limiter: RateLimiter, clock: SetClock, answers: list[tuple[str, int]], seconds: float
) -> None:
    for group, left in answers:
        limiter.record_answer(200, remaining(left, group), "")
        clock.seconds += 0.25
    assert limiter.wait_seconds == pytest.approx(seconds)
