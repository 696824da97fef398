"""In which order is everything looked at, and what is left out where a server does not answer?"""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from bongsu.database.settings import settings_in_force
from bongsu.doctor.budget import judge_budget
from bongsu.doctor.bus import examine_bus
from bongsu.doctor.clock import judge_clock
from bongsu.doctor.database import DatabaseFacts, database_facts, judge_server
from bongsu.doctor.disk import free_bytes, fullest_folder, judge_disk
from bongsu.doctor.finding import Finding, problem, unknown
from bongsu.doctor.gemini import examine_gemini, judge_newest_signal
from bongsu.doctor.health import examine_page, examine_port
from bongsu.doctor.migrations import judge_migrations
from bongsu.doctor.settings import judge_settings
from bongsu.doctor.target import Patient
from bongsu.doctor.upbit import examine_exchange
from bongsu.doctor.upbit_keys import examine_upbit_key
from bongsu.errors import CommandError, UnreachableError
from bongsu.provisioning.migrations import default_folder, read_migrations

START = "start it: `make run`, or docker compose up -d postgres"


async def examine(patient: Patient) -> list[Finding]:
    """Return what was found, nothing left out: what cannot be told is said to be so."""
    facts, database = await _database(patient)
    in_force = settings_in_force(facts.stored if facts else {})
    values: dict[str, Any] = {name: setting.value for name, setting in in_force.items()}
    models = list(dict.fromkeys([values["gemini_model"], *values["gemini_fallback_models"]]))
    bus, exchange, upbit_key, gemini, page = await asyncio.gather(
        _bus(patient),
        examine_exchange(patient, values["markets"]),
        examine_upbit_key(patient),
        examine_gemini(patient, models),
        _page(patient),
    )
    budget = judge_budget(
        interval_minutes=values["signal_interval_minutes"],
        markets=len(values["markets"]),
        budget=values["gemini_daily_request_budget"],
        models=len(models),
        has_key=bool(patient.gemini_key),
        is_simulated=patient.is_simulated,
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
        _disk(patient, facts, values),
    ]


async def _database(patient: Patient) -> tuple[DatabaseFacts | None, list[Finding]]:
    if not patient.has_servers:
        return None, []
    try:
        facts = await database_facts(patient.stack.database_url)
    except CommandError as error:
        left_out = unknown("settings", "cannot be told without the database; the defaults are taken below")
        fix = START if isinstance(error, UnreachableError) else "correct DATABASE_URL"
        return None, [problem("postgresql", str(error), fix), left_out]
    return facts, [
        *judge_server(facts),
        judge_clock("of the database", facts.seconds_ahead),
        _migrations(facts),
        *judge_settings(facts.stored),
    ]


def _migrations(facts: DatabaseFacts) -> Finding:
    try:
        return judge_migrations(facts.applied, read_migrations(default_folder()))
    except CommandError as error:
        return unknown("migrations", str(error))


async def _bus(patient: Patient) -> list[Finding]:
    if not patient.has_servers:
        return []
    try:
        return await examine_bus(patient, version("bongsu-common"))
    except CommandError as error:
        return [problem("nats", str(error), "correct NATS_URL")]


async def _page(patient: Patient) -> Finding:
    if not patient.has_servers:
        return examine_port()
    try:
        url = patient.stack.health_url
    except UnreachableError as error:
        return unknown("health page", str(error))
    except CommandError as error:
        return problem("health page", str(error), "correct HEALTH_URL")
    return await examine_page(url)


def _disk(patient: Patient, facts: DatabaseFacts | None, values: dict[str, Any]) -> Finding:
    if patient.has_servers and not patient.is_embedded:
        return unknown(
            "disk", "the servers' own cannot be told from here", "look with `df -h` where they run"
        )
    folder = fullest_folder(patient.data_dir)
    return judge_disk(
        free_bytes(folder),
        folder,
        sizes=facts.sizes if facts else {},
        markets=len(values["markets"]),
        interval_minutes=values["signal_interval_minutes"],
        retention_days=values["retention_days"],
    )
