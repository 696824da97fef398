"""Is a setting that was set the one that is read, in this process?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TYPE_CHECKING

import asyncpg
import pytest

from bongsu import migrations
from bongsu.servers.nats import NatsServer
from bongsu.servers.postgres import PostgresServer
from common.config_keys import BACKFILL_DAYS, REGISTRY
from common.errors import PermanentError, TransientError
from integration.common.configured import Instance, instance

if TYPE_CHECKING:
    Admin = asyncpg.Connection[asyncpg.Record]

VALUES = {
    "markets": ["KRW-BTC", "KRW-ETH"],
    "backfill_days": 7,
    "signal_min_confidence": 0.75,
    "gemini_daily_cost_budget_usd": Decimal("2.50"),
    "gemini_model": "gemini-3.5-flash-lite",
    "trading_enabled": True,
}


@pytest.fixture
async def setter(database_url: str, nats: NatsServer) -> AsyncIterator[Instance]:
    """One that may set, as the command line does."""
    async with instance(database_url, nats.url("cli"), "setter") as built:
        yield built


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """A connection to this test's database, as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def write_by_hand(admin: Admin, key: str, value: object) -> None:
    """Set a value past all our code."""
    await admin.execute(
        "INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)"
        " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        key,
        json.dumps(value),
    )


async def test_without_a_row_every_key_has_its_default_and_is_asked_for_once(setter: Instance) -> None:
    for _ in range(2):
        assert {key: await setter.config.get_value(key) for key in REGISTRY} == {
            key: registered.default for key, registered in REGISTRY.items()
        }
    assert setter.config.usage().model_dump(exclude={"stale_keys"}) == {
        "hits": len(REGISTRY),
        "misses": len(REGISTRY),
        "hit_rate": 50.0,
        "waits": 0,
    }


async def test_a_value_that_was_set_is_read_with_its_type(setter: Instance) -> None:
    for key, value in VALUES.items():
        await setter.config.get_value(key)
        await setter.config.set_value(key, value, changed_by="cli:ada")
    found = {key: await setter.config.get_value(key) for key in VALUES}
    assert found == VALUES
    assert [type(value) for value in found.values()] == [type(value) for value in VALUES.values()]


async def test_every_change_is_kept_with_revision_and_author(setter: Instance, admin: Admin) -> None:
    assert await setter.config.set_value("backfill_days", 7, changed_by="cli:ada") == 1
    assert await setter.config.set_value("retention_days", 30, changed_by="cli:bob") == 2
    assert await setter.config.set_value("backfill_days", 8, changed_by="cli:ada") == 3
    await write_by_hand(admin, "backfill_days", 9)
    await admin.execute("DELETE FROM system_config WHERE key = 'retention_days'")
    history = await admin.fetch(
        "SELECT revision, key, value, updated_by FROM system_config_history ORDER BY revision"
    )
    assert [tuple(row) for row in history] == [
        (1, "backfill_days", "7", "cli:ada"),
        (2, "retention_days", "30", "cli:bob"),
        (3, "backfill_days", "8", "cli:ada"),
        (4, "backfill_days", "9", "bongsu_admin"),
        (5, "retention_days", None, "bongsu_admin"),
    ]


async def test_of_those_who_set_a_key_at_the_same_time_each_has_a_revision_of_its_own(
    setter: Instance, admin: Admin
) -> None:
    sets = (setter.config.set_value("backfill_days", days, changed_by="cli:ada") for days in range(20))
    revisions = await asyncio.gather(*sets)
    assert sorted(revisions) == list(range(1, 21))
    assert await admin.fetchval("SELECT count(*) FROM system_config_history") == 20
    assert await setter.config.get(BACKFILL_DAYS) == revisions.index(20)


BROKEN: list[tuple[str, object, str]] = [
    ("backfil_days", 7, "did you mean 'backfill_days'?"),
    ("backfill_days", 366, "a whole number of days from 0 to 365"),
    ("markets", [], "must be a list of 1 to 20"),
    ("signal_min_confidence", float("nan"), "a number from 0 to 1"),
]


async def test_what_breaks_the_rule_changes_nothing(setter: Instance, admin: Admin) -> None:
    for key, value, said in BROKEN:
        with pytest.raises(PermanentError) as refused:
            await setter.config.set_value(key, value, changed_by="cli:ada")
        assert said in str(refused.value)
    assert await admin.fetchval("SELECT count(*) FROM system_config_history") == 0


async def test_a_value_written_by_hand_is_found_by_comparing_revisions(
    setter: Instance, admin: Admin
) -> None:
    assert await setter.config.get(BACKFILL_DAYS) == 3
    await write_by_hand(admin, "backfill_days", 9)
    assert await setter.config.get(BACKFILL_DAYS) == 3
    assert await setter.config.refresh()
    assert await setter.config.get(BACKFILL_DAYS) == 9
    assert not await setter.config.refresh()


async def test_a_row_deleted_by_hand_is_its_default_again(setter: Instance, admin: Admin) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    assert await setter.config.get(BACKFILL_DAYS) == 7
    await setter.config.refresh()
    await admin.execute("DELETE FROM system_config")
    assert await setter.config.refresh()
    assert await setter.config.get(BACKFILL_DAYS) == 3


async def test_an_invalid_value_written_by_hand_keeps_the_last_good_one(
    setter: Instance, admin: Admin
) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    assert await setter.config.get(BACKFILL_DAYS) == 7
    for invalid in ("seven", -1, None, {"days": 7}, 10**400, True):
        await write_by_hand(admin, "backfill_days", invalid)
        assert await setter.config.refresh()
        assert await setter.config.get(BACKFILL_DAYS) == 7
    assert setter.config.usage().stale_keys == ()


async def test_without_a_last_good_value_an_invalid_one_is_the_default(
    setter: Instance, admin: Admin
) -> None:
    await write_by_hand(admin, "backfill_days", "seven")
    assert await setter.config.get(BACKFILL_DAYS) == 3


async def test_while_postgresql_is_away_the_last_known_value_holds_and_is_called_stale(
    own_postgres: PostgresServer, nats: NatsServer
) -> None:
    await migrations.apply(own_postgres.url())
    async with instance(own_postgres.url(), nats.url("cli"), "setter") as setter:
        await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
        assert await setter.config.get(BACKFILL_DAYS) == 7
        own_postgres.stop()
        await setter.config.cache.invalidate()
        assert await setter.config.get(BACKFILL_DAYS) == 7
        assert setter.config.usage().stale_keys == ("backfill_days",)
        with pytest.raises(TransientError):
            await setter.config.get_value("retention_days")
        with pytest.raises(TransientError):
            await setter.config.set_value("backfill_days", 8, changed_by="cli:ada")
        own_postgres.start()
        assert await setter.config.get(BACKFILL_DAYS) == 7
        assert setter.config.usage().stale_keys == ()
