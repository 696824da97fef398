"""Do `bongsu config get|set|list` read and change what every service reads?"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import nats as nats_client
import pytest

from bongsu.servers import ports
from bongsu.servers.nats import NatsServer
from common.config_keys import REGISTRY
from servers.commands import bongsu

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

Stack = dict[str, str]
A_SECRET = "AIzaSyA1234567890-hunter2-hunter2"


async def changes(admin: Admin) -> int:
    """Return how often a setting was changed in this database."""
    return int(await admin.fetchval("SELECT count(*) FROM system_config_history"))


async def test_a_value_is_committed_under_its_setters_name_and_every_service_is_told(
    stack: Stack, admin: Admin, nats: NatsServer
) -> None:
    listener = await nats_client.connect(nats.url())
    heard = await listener.subscribe("config.changed")
    await listener.flush()
    ended = await asyncio.to_thread(
        bongsu, "config", "set", "gemini_daily_cost_budget_usd", "1.50", USER="kim", **stack
    )
    assert (ended.code, ended.err) == (0, "")
    event = json.loads((await heard.next_msg(timeout=5)).data)
    await listener.close()
    row = await admin.fetchrow("SELECT value::text, revision, updated_by FROM system_config")
    assert row is not None
    assert (row["value"], row["updated_by"]) == ('"1.50"', "cli:kim")
    assert (event["key"], event["revision"]) == ("gemini_daily_cost_budget_usd", row["revision"])
    assert ended.out == f"gemini_daily_cost_budget_usd = 1.50 (revision {row['revision']})\n"


async def test_without_the_bus_the_value_is_committed_and_the_delay_is_told(
    stack: Stack, admin: Admin
) -> None:
    dead = f"nats://cli:hunter2secret@127.0.0.1:{ports.free_port()}"
    ended = await asyncio.to_thread(
        bongsu, "config", "set", "backfill_days", "7", **{**stack, "NATS_URL": dead}
    )
    assert ended.code == 0
    assert ended.out.startswith("backfill_days = 7 (revision ")
    assert "find the change by themselves within 30 s" in ended.line
    assert "hunter2" not in ended.err
    assert await admin.fetchval("SELECT value::text FROM system_config") == "7"


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
    assert listed["gemini_model"]["updated_by"] == "bongsu_admin"
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


async def test_one_value_is_one_json_document(command: Command) -> None:
    ended = await command("config", "get", "signal_min_confidence", "--json")
    assert ended.document == {"key": "signal_min_confidence", "value": 0.6}


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
