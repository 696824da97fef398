"""Runner of the doctor's checks; what a server that does not answer leaves open is reported as unknown."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from bongsu.database.settings import settings_in_force
from bongsu.doctor.checks.budget import judge_budget
from bongsu.doctor.checks.bus import check_bus
from bongsu.doctor.checks.clock import judge_clock
from bongsu.doctor.checks.database import DatabaseFacts, database_facts, judge_server
from bongsu.doctor.checks.disk import free_bytes, fullest_folder, judge_disk
from bongsu.doctor.checks.gemini import check_gemini, judge_newest_signal
from bongsu.doctor.checks.health import check_page, check_port
from bongsu.doctor.checks.migrations import judge_migrations
from bongsu.doctor.checks.settings import judge_settings
from bongsu.doctor.checks.upbit import check_exchange
from bongsu.doctor.checks.upbit_keys import check_upbit_key
from bongsu.doctor.finding import Finding, problem, unknown
from bongsu.doctor.target import Target
from bongsu.errors import CommandError, UnreachableError
from bongsu.provisioning.migrations import default_folder, read_migrations

START = "start it: `make run`, or docker compose up -d postgres"


async def run_checks(target: Target) -> list[Finding]:
    """Return what was found, nothing left out: what cannot be found out is reported as unknown."""
    facts, database = await _database(target)
    in_force = settings_in_force(facts.stored if facts else {})
    values: dict[str, Any] = {name: setting.value for name, setting in in_force.items()}
    models = list(dict.fromkeys([values["gemini_model"], *values["gemini_fallback_models"]]))
    bus, exchange, upbit_key, gemini, page = await asyncio.gather(
        _bus(target),
        check_exchange(target, values["markets"]),
        check_upbit_key(target),
        check_gemini(target, models),
        _page(target),
    )
    budget = judge_budget(
        interval_minutes=values["signal_interval_minutes"],
        markets=len(values["markets"]),
        budget=values["gemini_daily_request_budget"],
        models=len(models),
        has_key=bool(target.gemini_key),
        is_simulated=target.is_simulated,
    )
    signal = [judge_newest_signal(facts.newest_signal)] if facts else []
    return [
        *database,
        *bus,
        page,
        *exchange,
        upbit_key,
        *gemini,
        budget,
        *signal,
        _disk(target, facts, values),
    ]


async def _database(target: Target) -> tuple[DatabaseFacts | None, list[Finding]]:
    if not target.has_servers:
        return None, []
    try:
        facts = await database_facts(target.stack.database_url)
    except CommandError as error:
        left_out = unknown("settings", "not known without the database; the defaults are taken below")
        fix = START if isinstance(error, UnreachableError) else "correct DATABASE_URL"
        return None, [problem("postgresql", str(error), fix), left_out]
    try:
        migrations = judge_migrations(facts.applied, read_migrations(default_folder()))
    except CommandError as error:
        migrations = unknown("migrations", str(error))
    return facts, [
        *judge_server(facts),
        judge_clock("of the database", facts.seconds_ahead),
        migrations,
        *judge_settings(facts.stored),
    ]


async def _bus(target: Target) -> list[Finding]:
    if not target.has_servers:
        return []
    try:
        return await check_bus(target, version("bongsu-common"))
    except CommandError as error:
        return [problem("nats", str(error), "correct NATS_URL")]


async def _page(target: Target) -> Finding:
    if not target.has_servers:
        return check_port()
    try:
        url = target.stack.health_url
    except UnreachableError as error:
        return unknown("health page", str(error))
    except CommandError as error:
        return problem("health page", str(error), "correct HEALTH_URL")
    return await check_page(url)


def _disk(target: Target, facts: DatabaseFacts | None, values: dict[str, Any]) -> Finding:
    if target.has_servers and not target.is_embedded:
        return unknown("disk", "the servers' own is not known from here", "look with `df -h` where they run")
    folder = fullest_folder(target.data_dir)
    return judge_disk(
        free_bytes(folder),
        folder,
        sizes=facts.sizes if facts else {},
        markets=len(values["markets"]),
        interval_minutes=values["signal_interval_minutes"],
        retention_days=values["retention_days"],
    )
