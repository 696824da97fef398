"""Rows of `system_config` that were written by hand and break their rule: the last good value holds."""

from __future__ import annotations

import pytest

import common.config.watch
from common.cache import TTLCache
from common.config.keys import BACKFILL_DAYS, RETENTION_DAYS
from common.config.repository import ConfigRepository
from integration.common.configured import ByHand, Instance, write_by_hand
from servers.waiting import HANG_SECONDS, eventually

NONSENSE = [
    '"seven"',
    "-1",
    "null",
    '{"days": 7}',
    "true",
    "7.5",
    str(10**400),
    "1" * 20_000,  # more digits than Python's json reads
    "[" * 5_000 + "]" * 5_000,  # deeper than Python's json reads
    f'"{"x" * 1_000_000}"',
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda text: text[:12])
async def test_the_last_good_value_stays_and_the_key_is_named(
    setter: Instance, by_hand: ByHand, nonsense: str
) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await setter.config.refresh()
    await write_by_hand(by_hand, "backfill_days", nonsense)
    assert await setter.config.refresh()
    assert setter.config.usage().invalid_keys == ("backfill_days",)
    assert await setter.config.get(BACKFILL_DAYS) == 7
    assert setter.config.usage().stale_keys == ()
    assert (await setter.config.history(limit=1))[0].old_value == 7


async def test_who_never_read_the_key_takes_the_default(setter: Instance, by_hand: ByHand) -> None:
    await write_by_hand(by_hand, "backfill_days", '"seven"')
    started_later = ConfigRepository(setter.database, TTLCache(), setter.bus.publish)
    assert await started_later.get(BACKFILL_DAYS) == 3
    assert started_later.usage().invalid_keys == ("backfill_days",)


async def test_a_good_value_is_known_although_it_was_never_read(setter: Instance, by_hand: ByHand) -> None:
    await write_by_hand(by_hand, "backfill_days", "7")
    await setter.config.refresh()
    await write_by_hand(by_hand, "backfill_days", '"seven"')
    await setter.config.refresh()
    assert await setter.config.get(BACKFILL_DAYS) == 7


async def test_it_is_named_no_longer_once_it_is_set_again_or_its_row_is_deleted(
    setter: Instance, by_hand: ByHand
) -> None:
    await write_by_hand(by_hand, "backfill_days", '"seven"')
    await write_by_hand(by_hand, "retention_days", '"ever"')
    await setter.config.refresh()
    await setter.config.set_value("backfill_days", 8, changed_by="cli:ada")
    assert await setter.config.get(BACKFILL_DAYS) == 8
    assert setter.config.usage().invalid_keys == ("retention_days",)
    await by_hand.execute("DELETE FROM system_config WHERE key = 'retention_days'")
    await setter.config.refresh()
    assert setter.config.usage().invalid_keys == ()
    assert await setter.config.get(RETENTION_DAYS) == 400


async def test_a_row_put_right_by_hand_is_seen_by_who_reads_no_setting(
    setter: Instance, by_hand: ByHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common.config.watch, "LOOK_SECONDS", 0.05)
    # The next comparison would find it too.
    monkeypatch.setattr(common.config.watch, "COMPARE_SECONDS", 10 * HANG_SECONDS)
    await write_by_hand(by_hand, "backfill_days", '"seven"')
    setter.watch.start()
    await eventually(lambda: setter.config.usage().invalid_keys == ("backfill_days",))
    await write_by_hand(by_hand, "backfill_days", "9")
    await eventually(lambda: setter.config.usage().invalid_keys == ())
    assert await setter.config.get(BACKFILL_DAYS) == 9


async def test_a_row_that_no_setting_has_is_ignored(setter: Instance, by_hand: ByHand) -> None:
    await write_by_hand(by_hand, "unheard_of", '"seven"')
    assert await setter.config.refresh()
    assert setter.config.usage().invalid_keys == ()
