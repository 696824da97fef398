"""Rate limits: 429 for a client that asks too often, 418 for one that goes on."""

from upbit_simulator.rate_limits import FIRST_BLOCK_SECONDS, RateLimits

IP = "127.0.0.1"


def refuse(limits: RateLimits, times: int, now: float) -> None:
    for _ in range(10 + times):
        limits.check(IP, "candles", now)


def test_ten_a_second_are_allowed_and_counted_down() -> None:
    limits = RateLimits()
    left = [limits.check(IP, "candles", 100.5).remaining for _ in range(10)]
    assert left == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert not limits.check(IP, "candles", 100.9).allowed


def test_the_next_second_starts_again_from_zero() -> None:
    limits = RateLimits()
    refuse(limits, 1, 100.9)
    assert limits.check(IP, "candles", 101.0).remaining == 9


def test_groups_and_clients_are_counted_apart() -> None:
    limits = RateLimits()
    refuse(limits, 1, 100.0)
    assert limits.check(IP, "ticker", 100.0).allowed
    assert limits.check("10.0.0.2", "candles", 100.0).allowed


def test_going_on_over_the_limit_blocks_every_group() -> None:
    limits = RateLimits()
    refuse(limits, 10, 100.0)
    assert limits.check(IP, "ticker", 101.0).block_seconds == FIRST_BLOCK_SECONDS - 1


def test_refusals_that_are_far_apart_do_not_block() -> None:
    limits = RateLimits()
    for second in range(0, 60, 6):
        refuse(limits, 2, 100.0 + second)
    assert limits.check(IP, "candles", 200.0).allowed


def test_a_block_ends_and_the_next_one_is_longer() -> None:
    limits = RateLimits()
    refuse(limits, 10, 100.0)
    assert limits.check(IP, "candles", 100.0 + FIRST_BLOCK_SECONDS).allowed
    refuse(limits, 10, 200.0)
    assert limits.check(IP, "candles", 200.0).block_seconds == 2 * FIRST_BLOCK_SECONDS


def test_a_window_may_be_longer_than_a_second() -> None:
    limits = RateLimits()
    verdicts = [
        limits.check(IP, "origin", now, allowed=1, window_seconds=10) for now in (100.0, 109.9, 110.0)
    ]
    assert [verdict.allowed for verdict in verdicts] == [True, False, True]


def test_a_block_that_was_ordered_can_be_lifted_and_an_earned_one_cannot() -> None:
    limits = RateLimits()
    limits.block(IP, 100.0, 60)
    limits.lift()
    assert limits.check(IP, "candles", 100.0).allowed
    assert limits.block(IP, 100.0, 60) == 60
    limits.lift()
    refuse(limits, 10, 200.0)
    limits.lift()
    assert limits.check(IP, "candles", 200.0).block_seconds == FIRST_BLOCK_SECONDS
