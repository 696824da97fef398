"""Setting values: checked, all or none, compared with a revision, and recorded with their author."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from common.cache import TTLCache
from common.config.keys import BACKFILL_DAYS, REGISTRY, RETENTION_DAYS
from common.config.queries import NOT_VALID
from common.config.repository import ConfigRepository
from common.errors import PermanentError, StaleRevisionError, TransientError
from common.events import ConfigChanged
from integration.common.configured import ByHand, Instance, instance, write_by_hand
from integration.common.speaking import kept

A_SECRET = "AIzaSyD3m0nstr4t10nK3yF0rT3st1ngPurp0se"


async def changes(by_hand: ByHand) -> int:
    """Return how many changes were ever committed."""
    count: int = await by_hand.fetchval("SELECT count(*) FROM system_config_history")
    return count


async def test_of_those_who_set_a_key_at_the_same_time_each_has_a_revision_of_its_own(
    setter: Instance, by_hand: ByHand
) -> None:
    sets = (setter.config.set_value("backfill_days", days, changed_by="cli:ada") for days in range(20))
    revisions = await asyncio.gather(*sets)
    assert sorted(revisions) == list(range(1, 21))
    assert await changes(by_hand) == 20
    assert await setter.config.get(BACKFILL_DAYS) == revisions.index(20)


async def test_several_keys_are_one_change_and_every_key_is_published(
    database_url: str, fresh_nats: NatsServer, jetstream: JetStreamContext, by_hand: ByHand
) -> None:
    async with instance(database_url, fresh_nats.url("cli"), "setter") as setter:
        assert (await setter.config.get(BACKFILL_DAYS), await setter.config.get(RETENTION_DAYS)) == (3, 400)
        revisions = await setter.config.set_values(
            {"backfill_days": 7, "retention_days": 30}, changed_by="cli:ada"
        )
        assert revisions == {"backfill_days": 1, "retention_days": 2}
        assert (await setter.config.get(BACKFILL_DAYS), await setter.config.get(RETENTION_DAYS)) == (7, 30)
        events = [
            ConfigChanged.model_validate_json(message.data or b"")
            for message in await kept(jetstream, "CONFIG")
        ]
    assert [(event.key, event.revision) for event in events] == list(revisions.items())
    transactions = await by_hand.fetch("SELECT DISTINCT xmin::text FROM system_config")
    assert len(transactions) == 1


BROKEN: list[tuple[str, Any, str]] = [
    ("backfil_days", 7, "did you mean 'backfill_days'?"),
    ("nonsense", 7, "known are markets,"),
    ("backfill_days", 366, "a whole number of days from 0 to 365"),
    ("backfill_days", -1, "a whole number of days from 0 to 365"),
    ("backfill_days", "7", "a whole number of days from 0 to 365"),
    ("backfill_days", True, "a whole number of days from 0 to 365"),
    ("backfill_days", None, "a whole number of days from 0 to 365"),
    ("backfill_days", 10**5000, "a whole number of days from 0 to 365"),
    ("signal_min_confidence", float("nan"), "a number from 0 to 1"),
    ("signal_min_confidence", float("inf"), "a number from 0 to 1"),
    ("gemini_daily_cost_budget_usd", Decimal("NaN"), "an amount in US dollars from 0 to 10000"),
    ("gemini_daily_cost_budget_usd", "1." + "0" * 1_000_000, "an amount in US dollars from 0 to 10000"),
    ("markets", [], "must be a list of 1 to 250"),
    ("gemini_model", "", "a model name such as"),
    ("gemini_model", "x" * 1_000_000, "a model name such as"),
    ("gemini_model", A_SECRET, "a model name such as"),
    ("gemini_model", "password", "looks like a secret"),
    ("gemini_fallback_models", ["aq.hunter2hunter2hunter2hunter2", "password"], "gemini_fallback_models: "),
]


@pytest.mark.parametrize(("key", "value", "said"), BROKEN, ids=map(str, range(len(BROKEN))))
async def test_one_wrong_value_keeps_all_the_others_from_being_set(
    setter: Instance, by_hand: ByHand, key: str, value: object, said: str
) -> None:
    with pytest.raises(PermanentError) as refused:
        await setter.config.set_values(
            {"collect_interval_seconds": 5, key: value, "retention_days": 30}, changed_by="cli:ada"
        )
    assert said in str(refused.value)
    assert len(str(refused.value)) < 500
    assert A_SECRET not in repr(refused.getrepr(style="long"))
    assert await changes(by_hand) == 0
    assert await setter.config.get(RETENTION_DAYS) == 400


async def test_a_key_is_set_only_at_the_revision_it_was_read_at(setter: Instance, by_hand: ByHand) -> None:
    assert await setter.config.set_value("backfill_days", 7, changed_by="cli:ada", if_revision=0) == 1
    assert await setter.config.set_value("retention_days", 30, changed_by="cli:bob", if_revision=0) == 2
    # The key's own revision counts, not the newest of all.
    assert await setter.config.set_value("backfill_days", 8, changed_by="cli:ada", if_revision=1) == 3
    before = datetime.now(UTC)
    with pytest.raises(StaleRevisionError) as refused:
        await setter.config.set_value("backfill_days", 9, changed_by="cli:bob", if_revision=1)
    error = refused.value
    assert (error.key, error.expected, error.revision, error.changed_by) == ("backfill_days", 1, 3, "cli:ada")
    assert error.changed_at is not None
    assert error.changed_at <= before
    assert str(error) == (
        f"backfill_days is now at revision 3, changed by cli:ada at {error.changed_at:%Y-%m-%dT%H:%M:%SZ};"
        " read it again"
    )
    assert await setter.config.get(BACKFILL_DAYS) == 8
    assert await changes(by_hand) == 3


async def test_a_row_that_is_gone_is_at_revision_zero(setter: Instance, by_hand: ByHand) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    await by_hand.execute("DELETE FROM system_config")
    with pytest.raises(StaleRevisionError, match=r"is now at revision 0 \(no row, the default holds\)"):
        await setter.config.set_value("backfill_days", 8, changed_by="cli:ada", if_revision=1)
    assert await setter.config.set_value("backfill_days", 8, changed_by="cli:ada", if_revision=0) == 3


async def test_one_stale_revision_keeps_all_the_others_from_being_set(
    setter: Instance, by_hand: ByHand
) -> None:
    await setter.config.set_value("backfill_days", 7, changed_by="cli:ada")
    with pytest.raises(StaleRevisionError):
        await setter.config.set_values(
            {"retention_days": 30, "backfill_days": 8},
            changed_by="cli:bob",
            if_revisions={"retention_days": 0, "backfill_days": 0},
        )
    assert await changes(by_hand) == 1
    assert await setter.config.get(RETENTION_DAYS) == 400


async def test_the_copy_of_a_refused_writer_is_read_again(setter: Instance, nats: NatsServer) -> None:
    assert await setter.config.get(BACKFILL_DAYS) == 3
    silent = ConfigRepository(setter.database, TTLCache(), _nobody)
    await silent.set_value("backfill_days", 7, changed_by="cli:bob")
    assert await setter.config.get(BACKFILL_DAYS) == 3
    with pytest.raises(StaleRevisionError):
        await setter.config.set_value("backfill_days", 8, changed_by="cli:ada", if_revision=0)
    assert await setter.config.get(BACKFILL_DAYS) == 7


async def test_of_two_who_change_what_they_both_read_exactly_one_wins(
    database_url: str, nats: NatsServer
) -> None:
    async with (
        instance(database_url, nats.url("cli"), "ada") as ada,
        instance(database_url, nats.url("cli"), "bob") as bob,
    ):
        revision = 0
        for days in range(50):
            ends = await asyncio.gather(
                ada.config.set_value("backfill_days", days, changed_by="ada", if_revision=revision),
                bob.config.set_value("backfill_days", 100 + days, changed_by="bob", if_revision=revision),
                return_exceptions=True,
            )
            [won] = [end for end in ends if isinstance(end, int)]
            [lost] = [end for end in ends if isinstance(end, StaleRevisionError)]
            winner = ("ada", days) if ends.index(won) == 0 else ("bob", 100 + days)
            assert (lost.revision, lost.changed_by) == (won, winner[0])
            assert won == revision + 1
            [change] = await ada.config.history("backfill_days", limit=1)
            assert (change.changed_by, change.new_value) == winner
            revision = won


async def test_a_row_updated_by_hand_at_the_same_time_ends_no_writer(
    setter: Instance, by_hand: ByHand
) -> None:
    await setter.config.set_values({"backfill_days": 7, "retention_days": 30}, changed_by="cli:ada")

    async def update() -> None:
        for _ in range(30):
            await by_hand.execute("UPDATE system_config SET value = '9' WHERE key = 'backfill_days'")

    sets = (
        setter.config.set_values({"retention_days": 30, "backfill_days": days}, changed_by="cli:ada")
        for days in range(30)
    )
    await asyncio.gather(update(), *sets)
    assert await changes(by_hand) == 2 + 30 + 2 * 30


async def test_a_writer_that_meets_an_open_transaction_gets_an_error_and_has_changed_nothing(
    setter: Instance, by_hand: ByHand
) -> None:
    async with by_hand.transaction():
        await write_by_hand(by_hand, "backfill_days", "9")
        with pytest.raises(TransientError, match="lock timeout"):
            await setter.config.set_value("retention_days", 30, changed_by="cli:ada")
    assert await changes(by_hand) == 1


async def test_the_history_tells_who_changed_what_from_what_and_when(
    setter: Instance, by_hand: ByHand
) -> None:
    before = datetime.now(UTC)
    await setter.config.set_value("gemini_daily_cost_budget_usd", "2.50", changed_by="cli:ada")
    await setter.config.set_values({"backfill_days": 7, "retention_days": 30}, changed_by="cli:bob")
    await write_by_hand(by_hand, "backfill_days", "9")
    await by_hand.execute("DELETE FROM system_config WHERE key = 'retention_days'")
    history = await setter.config.history()
    assert [
        (change.revision, change.key, change.old_value, change.new_value, change.changed_by)
        for change in history
    ] == [
        (5, "retention_days", 30, None, "bongsu_admin"),
        (4, "backfill_days", 7, 9, "bongsu_admin"),
        (3, "retention_days", None, 30, "cli:bob"),
        (2, "backfill_days", None, 7, "cli:bob"),
        (1, "gemini_daily_cost_budget_usd", None, Decimal("2.50"), "cli:ada"),
    ]
    assert all(before <= change.changed_at <= datetime.now(UTC) for change in history)


async def test_the_history_of_one_key_and_the_last_changes_only(setter: Instance) -> None:
    for days in range(5):
        await setter.config.set_values(
            {"backfill_days": days, "retention_days": 30 + days}, changed_by="cli:ada"
        )
    assert [change.new_value for change in await setter.config.history("backfill_days", limit=2)] == [4, 3]
    # The older value of the last one shown is given too.
    assert [change.old_value for change in await setter.config.history("backfill_days", limit=1)] == [3]
    assert await setter.config.history("markets") == []
    with pytest.raises(PermanentError, match="did you mean 'backfill_days'"):
        await setter.config.history("backfil_days")


async def test_the_history_does_not_show_what_was_written_past_every_check(
    setter: Instance, by_hand: ByHand
) -> None:
    await write_by_hand(by_hand, "gemini_model", f'"{A_SECRET}"')
    await write_by_hand(by_hand, "unheard_of", f'"{A_SECRET}"')
    await setter.config.set_value("gemini_model", "gemini-3.8-flash", changed_by="cli:ada")
    values = [(change.old_value, change.new_value) for change in await setter.config.history()]
    assert values == [(NOT_VALID, "gemini-3.8-flash"), (None, NOT_VALID), (None, NOT_VALID)]


async def test_every_default_can_be_set_in_one_change(setter: Instance) -> None:
    values = {name: key.default for name, key in REGISTRY.items()}
    revisions = await setter.config.set_values(values, changed_by="cli:ada")
    assert list(revisions.values()) == list(range(1, len(REGISTRY) + 1))
    assert {name: await setter.config.get_value(name) for name in REGISTRY} == values


async def _nobody(_: ConfigChanged) -> None:
    """Publish nothing."""
