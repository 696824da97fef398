"""`bongsu config get|set|list|history`: the settings that every service reads."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import nats as nats_client
import pytest

from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer
from common.config.keys import REGISTRY
from servers.commands import bongsu
from servers.waiting import HANG_SECONDS, subscribed

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

Stack = dict[str, str]
A_SECRET = "AIzaSyA1234567890-hunter2-hunter2"


async def changes(admin: Admin) -> int:
    """Return how often a setting was changed in this database."""
    return int(await admin.fetchval("SELECT count(*) FROM system_config_history"))


async def test_values_are_committed_under_their_setters_name_and_every_service_is_notified(
    stack: Stack, admin: Admin, nats: NatsServer
) -> None:
    listener = await nats_client.connect(nats.url())
    events = await listener.subscribe("config.changed")
    await subscribed(listener)
    words = (
        "gemini_daily_cost_budget_usd",
        "1.50",
        "markets",
        '["KRW-BTC", "KRW-ETH"]',
        "retention_days",
        "90",
    )
    ended = await asyncio.to_thread(bongsu, "config", "set", *words, USER="kim", **stack)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [
        "gemini_daily_cost_budget_usd = 1.50 (revision 1)",
        'markets = ["KRW-BTC", "KRW-ETH"] (revision 2)',
        "retention_days = 90 (revision 3)",
    ]
    published = [json.loads((await events.next_msg(timeout=HANG_SECONDS)).data) for _ in range(3)]
    await listener.close()
    rows = await admin.fetch(
        "SELECT key, revision, updated_by, value::text FROM system_config ORDER BY revision"
    )
    assert [(event["key"], event["revision"]) for event in published] == [
        (row["key"], row["revision"]) for row in rows
    ]
    assert {row["updated_by"] for row in rows} == {"cli:kim"}
    assert rows[0]["value"] == '"1.50"'
    assert await changes(admin) == 3


async def test_without_the_bus_the_values_are_committed_and_the_delay_is_said_once(
    stack: Stack, admin: Admin
) -> None:
    dead = f"nats://cli:hunter2secret@127.0.0.1:{ports.free_port()}"
    words = ("backfill_days", "7", "retention_days", "90")
    ended = await asyncio.to_thread(bongsu, "config", "set", *words, **{**stack, "NATS_URL": dead})
    assert (ended.code, len(ended.out.splitlines())) == (0, 2)
    assert ended.out.startswith("backfill_days = 7 (revision ")
    assert ended.line == (
        "bongsu: the services are not notified now (NATS cannot be reached); they find the change by"
        " themselves within 30 s\n"
    )
    rows = await admin.fetch("SELECT key, value::text FROM system_config")
    assert {tuple(row) for row in rows} == {("backfill_days", "7"), ("retention_days", "90")}
    assert await changes(admin) == 2


async def test_a_value_written_past_every_check_is_named_beside_the_answer_and_not_shown(
    stack: Stack, admin: Admin
) -> None:
    await admin.execute(
        "INSERT INTO system_config (key, value) VALUES ('gemini_model', $1)", json.dumps(A_SECRET)
    )
    ended = await asyncio.to_thread(bongsu, "config", "list", "--json", **stack)
    assert ended.code == 0
    listed = {setting["key"]: setting for setting in ended.document}
    assert list(listed) == list(REGISTRY)
    assert listed["gemini_model"]["value"] == REGISTRY["gemini_model"].default
    assert (listed["gemini_model"]["updated_by"], listed["gemini_model"]["valid"]) == ("bongsu_admin", False)
    assert listed["markets"]["valid"]
    assert "gemini_model: what is stored is not a model name" in ended.line
    assert "hunter2" not in ended.out + ended.err


@pytest.mark.parametrize("value", ["-5", "366", "seven"])
async def test_a_refused_value_changes_nothing(command: Command, admin: Admin, value: str) -> None:
    ended = await command("config", "set", "backfill_days", value)
    assert (ended.code, ended.out) == (2, "")
    assert ended.line == "bongsu: backfill_days: must be a whole number of days from 0 to 365\n"
    assert await changes(admin) == 0


async def test_an_address_of_the_bus_that_is_none_is_refused_before_anything_changes(
    command: Command, admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", "hunter2secret")
    ended = await command("config", "set", "backfill_days", "7")
    assert (ended.code, ended.out) == (2, "")
    assert ended.line == "bongsu: NATS_URL: must be a URL such as nats://127.0.0.1:4222; correct it\n"
    assert await changes(admin) == 0


@pytest.mark.parametrize(
    ("key", "printed"),
    [
        ("markets", '["KRW-BTC", "KRW-ETH"]\n'),
        ("gemini_daily_cost_budget_usd", "1\n"),
        ("trading_enabled", "false\n"),
        ("gemini_model", "gemini-3.8-flash\n"),
    ],
)
async def test_a_value_is_printed_as_it_is_typed(
    command: Command, admin: Admin, key: str, printed: str
) -> None:
    await admin.execute(
        "INSERT INTO system_config (key, value) VALUES ('markets', '[\"KRW-BTC\",\"KRW-ETH\"]')"
    )
    ended = await command("config", "get", key)
    assert (ended.code, ended.out, ended.err) == (0, printed, "")


async def test_one_value_and_what_was_set_is_one_json_document(command: Command, stack: Stack) -> None:
    ended = await command("config", "get", "signal_min_confidence", "--json")
    assert ended.document == {"key": "signal_min_confidence", "value": 0.6, "revision": 0, "valid": True}
    words = ("signal_min_confidence", "0.7", "retention_days", "90")
    ended = await asyncio.to_thread(bongsu, "config", "set", *words, "--json", **stack)
    assert ended.document == [
        {"key": "signal_min_confidence", "value": 0.7, "revision": 1},
        {"key": "retention_days", "value": 90, "revision": 2},
    ]
    ended = await command("config", "get", "signal_min_confidence", "--json")
    assert ended.document == {"key": "signal_min_confidence", "value": 0.7, "revision": 1, "valid": True}


async def test_the_list_says_of_each_setting_what_it_is_and_who_changed_it(
    command: Command, admin: Admin
) -> None:
    await admin.execute("INSERT INTO system_config (key, value) VALUES ('backfill_days', '7')")
    ended = await command("config", "list")
    lines = ended.out.splitlines()
    assert len(lines) == 2 + len(REGISTRY)
    [changed] = (line for line in lines if line.startswith("backfill_days"))
    assert "7 (default 3, set by bongsu_admin)" in changed
    assert changed.endswith(REGISTRY["backfill_days"].meaning)


async def test_a_row_that_is_nonsense_is_called_so_in_the_list(command: Command, admin: Admin) -> None:
    await admin.execute(
        "INSERT INTO system_config (key, value) VALUES ('backfill_days', $1::jsonb)", "[" * 5000 + "]" * 5000
    )
    ended = await command("config", "list")
    assert ended.code == 0
    [row] = (line for line in ended.out.splitlines() if line.startswith("backfill_days"))
    assert "3 (what bongsu_admin set is not valid)" in row
    assert ended.line == (
        "bongsu: backfill_days: what is stored is not a whole number of days from 0 to 365; a service keeps"
        " the value it knew, or takes the default; set it again\n"
    )


@pytest.mark.parametrize(
    "wrong", [("markets", "[]"), ("market", "x"), ("gemini_model", A_SECRET), ("retention_days",)]
)
async def test_of_several_settings_one_that_is_wrong_keeps_all_from_being_set(
    command: Command, admin: Admin, wrong: tuple[str, ...]
) -> None:
    ended = await command("config", "set", "backfill_days", "7", *wrong)
    assert (ended.code, ended.out) == (2, "")
    assert ended.line.startswith("bongsu: nothing was set: ")
    assert "hunter2" not in ended.err
    assert await changes(admin) == 0


async def test_a_change_of_what_another_has_changed_is_refused_with_its_author(
    command: Command, admin: Admin
) -> None:
    assert (await command("config", "set", "backfill_days", "7", "--if-revision", "0")).code == 0
    ended = await command("config", "set", "backfill_days", "8", "--if-revision", "0")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line.startswith("bongsu: backfill_days is now at revision 1, changed by cli:")
    assert ended.line.endswith("Z; read it again\n")
    assert await changes(admin) == 1
    assert (await command("config", "set", "backfill_days", "8", "--if-revision", "1")).code == 0


@pytest.mark.parametrize(
    ("revision", "code"), [("-1", 2), ("one", 2), ("1.5", 2), ("", 2), ("9" * 30, 1), ("9" * 5000, 2)]
)
async def test_a_revision_that_is_none_is_refused(
    command: Command, admin: Admin, revision: str, code: int
) -> None:
    ended = await command("config", "set", "backfill_days", "7", "--if-revision", revision)
    assert (ended.code, ended.out) == (code, "")
    assert len(ended.line) < 200
    assert await changes(admin) == 0


async def test_an_open_transaction_on_the_settings_is_not_called_an_outage(
    command: Command, admin: Admin
) -> None:
    async with admin.transaction():
        await admin.execute("INSERT INTO system_config (key, value) VALUES ('retention_days', '30')")
        ended = await command("config", "set", "backfill_days", "7")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line == ("bongsu: another open transaction holds the settings; nothing was set, try again\n")


async def test_the_history_is_printed_the_newest_first(command: Command, admin: Admin) -> None:
    await command("config", "set", "backfill_days", "7", "retention_days", "90")
    await command("config", "set", "backfill_days", "8")
    await admin.execute("UPDATE system_config SET value = $1 WHERE key = 'backfill_days'", '"seven"')
    ended = await command("config", "history")
    assert (ended.code, ended.err) == (0, "")
    title, columns, *rows = ended.out.splitlines()
    assert title == "Changes, newest first (UTC)"
    assert columns.split() == ["when", "revision", "key", "by", "from", "→", "to"]
    assert [row.split("  ")[-1].strip() for row in rows] == [
        "8 → <not valid>",
        "7 → 8",
        "(default) → 90",
        "(default) → 7",
    ]
    ended = await command("config", "history", "backfill_days", "--limit", "2", "--json")
    assert [(change["revision"], change["old_value"]) for change in ended.document] == [(4, 8), (3, 7)]
    assert set(ended.document[0]) == {
        "revision",
        "key",
        "old_value",
        "new_value",
        "changed_by",
        "changed_at",
    }
    assert ended.document[0]["changed_at"].endswith("Z")


async def test_a_setting_that_was_never_changed_has_a_history_of_one_sentence(command: Command) -> None:
    ended = await command("config", "history", "markets")
    assert (ended.code, ended.out) == (0, "no one has changed markets yet; the default holds\n")
    assert (await command("config", "history", "--json")).document == []
