"""Reading values: what was set in this process is what is read."""

from __future__ import annotations

from decimal import Decimal

import pytest

from bongsu.provisioning import migrations
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.cache import TTLCache
from common.config.keys import BACKFILL_DAYS, MARKETS, REGISTRY
from common.config.repository import ConfigRepository
from common.database.pool import Database, Share
from common.errors import ServiceError, TransientError
from integration.common.configured import ByHand, Instance, instance, write_by_hand

VALUES = {
    "markets": ["KRW-BTC", "KRW-ETH"],
    "backfill_days": 7,
    "signal_min_confidence": 0.75,
    "gemini_daily_cost_budget_usd": Decimal("2.50"),
    "gemini_model": "gemini-3.5-flash-lite",
    "trading_enabled": True,
}


async def test_without_a_row_every_key_has_its_default_and_is_asked_for_once(setter: Instance) -> None:
    for _ in range(2):
        assert {key: await setter.config.get_value(key) for key in REGISTRY} == {
            key: registered.default for key, registered in REGISTRY.items()
        }
    assert setter.config.usage().model_dump() == {
        "hits": len(REGISTRY),
        "misses": len(REGISTRY),
        "hit_rate": 50.0,
        "waits": 0,
        "stale_keys": (),
        "invalid_keys": (),
    }


async def test_a_value_that_was_set_is_read_with_its_type(setter: Instance) -> None:
    for key, value in VALUES.items():
        await setter.config.get_value(key)
        await setter.config.set_value(key, value, changed_by="cli:ada")
    found = {key: await setter.config.get_value(key) for key in VALUES}
    assert found == VALUES
    assert [type(value) for value in found.values()] == [type(value) for value in VALUES.values()]


async def test_a_value_written_by_hand_is_found_by_comparing_revisions(
    setter: Instance, by_hand: ByHand
) -> None:
    assert await setter.config.get(BACKFILL_DAYS) == 3
    await write_by_hand(by_hand, "backfill_days", "9")
    assert await setter.config.get(BACKFILL_DAYS) == 3
    assert await setter.config.refresh()
    assert await setter.config.get(BACKFILL_DAYS) == 9
    assert not await setter.config.refresh()


async def test_a_row_deleted_by_hand_is_its_default_again(setter: Instance, by_hand: ByHand) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    assert await setter.config.get(BACKFILL_DAYS) == 7
    await setter.config.refresh()
    await by_hand.execute("DELETE FROM system_config")
    assert await setter.config.refresh()
    assert await setter.config.get(BACKFILL_DAYS) == 3


async def test_while_postgresql_is_away_the_last_known_value_holds_and_is_called_stale(
    own_postgres: PostgresServer, nats: NatsServer
) -> None:
    await migrations.apply(own_postgres.url())
    async with instance(own_postgres.url(), nats.url("cli"), "setter") as setter:
        await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
        await setter.config.refresh()
        own_postgres.stop()
        assert await setter.config.get(BACKFILL_DAYS) == 7
        assert await setter.config.get(MARKETS) == ["KRW-BTC"]
        assert setter.config.usage().stale_keys == ("backfill_days", "markets")
        with pytest.raises(TransientError):
            await setter.config.set_value("backfill_days", 8, changed_by="cli:ada")
        with pytest.raises(TransientError):
            await setter.config.history()
        own_postgres.start()
        assert await setter.config.get(BACKFILL_DAYS) == 7
        assert setter.config.usage().stale_keys == ("markets",)
        await setter.config.refresh()
        assert setter.config.usage().stale_keys == ()


async def test_a_value_that_was_never_read_is_no_silent_default_while_postgresql_is_away(
    setter: Instance,
) -> None:
    never_opened = Database("postgresql://127.0.0.1:9/bongsu", service="test", share=Share(1, 1))
    config = ConfigRepository(never_opened, TTLCache(), setter.bus.publish)
    with pytest.raises(TransientError):
        await config.get(BACKFILL_DAYS)


async def test_a_role_that_may_not_read_settings_any_more_goes_on_with_what_it_knew(
    setter: Instance, by_hand: ByHand, postgres: PostgresServer, database: str, nats: NatsServer
) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    async with instance(postgres.url("bongsu_collector", database), nats.url("collector"), "c1") as reader:
        assert await reader.config.get(BACKFILL_DAYS) == 7
        await by_hand.execute("REVOKE SELECT ON system_config FROM bongsu_collector")
        await reader.config.cache.invalidate()
        assert await reader.config.get(BACKFILL_DAYS) == 7
        assert reader.config.usage().stale_keys == ("backfill_days",)
        with pytest.raises(ServiceError):
            await reader.config.refresh()


async def test_a_value_that_was_set_is_known_though_postgresql_went_before_it_was_read(
    own_postgres: PostgresServer, nats: NatsServer
) -> None:
    await migrations.apply(own_postgres.url())
    async with instance(own_postgres.url(), nats.url("cli"), "setter") as setter:
        assert await setter.config.get(BACKFILL_DAYS) == 3
        await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
        own_postgres.stop()
        assert await setter.config.get(BACKFILL_DAYS) == 7
