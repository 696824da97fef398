"""`bongsu doctor` on real servers: sound ones, and ones with a flaw."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from nats.js import JetStreamContext

from bongsu.doctor.checks.disk import free_bytes
from bongsu.provisioning import migrations
from bongsu.provisioning.nats_config import server_configuration
from bongsu.provisioning.nats_users import USERS
from bongsu.servers import ports
from bongsu.servers.nats.server import NatsServer, binary
from bongsu.servers.postgres.server import PostgresServer
from bongsu.up.environment import SIMULATED_GEMINI_KEY
from common.streams import DECIDE_ON_CANDLES
from servers.commands import Ended
from servers.simulators import Simulator
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.bongsu.conftest import Admin, Command

ALONE = {"services": "problem", "health page": "unknown", "newest signal": "unknown", "disk": "unknown"}


@pytest.fixture(scope="module")
def durable(servers_folder: Path) -> Iterator[PostgresServer]:
    """A PostgreSQL as `bongsu up` starts it; that of the other tests may lose what it acknowledged."""
    server = PostgresServer(servers_folder / "durable" / "postgres")
    server.start()
    asyncio.run(migrations.apply(server.url()))
    yield server
    server.stop()


@pytest.fixture
def stack(durable: PostgresServer, nats: NatsServer, gemini: Simulator, upbit: Simulator) -> dict[str, str]:
    """The variables of a sound stack, but for the services, which are not there."""
    return {
        "DATABASE_URL": durable.url(),
        "NATS_URL": nats.url(),
        "NATS_MONITOR_URL": nats.monitor_url,
        "UPBIT_BASE_URL": upbit.url,
        "GOOGLE_GEMINI_BASE_URL": gemini.url,
        "GEMINI_API_KEY": SIMULATED_GEMINI_KEY,
    }


@pytest.fixture
async def settings(durable: PostgresServer) -> AsyncIterator[Admin]:
    """A connection to the sound database; what a test does to settings and migrations is undone."""
    connection = await asyncpg.connect(durable.url())
    ledger = await connection.fetch("SELECT version, name, sha256 FROM schema_migrations")
    yield connection
    await connection.execute("DELETE FROM system_config; DELETE FROM schema_migrations")
    await connection.executemany(
        "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)",
        [tuple(row.values()) for row in ledger],
    )
    await connection.close()


def finding(ended: Ended, check: str) -> dict[str, Any]:
    """Return what was found at a check."""
    assert ended.err == ""
    [found] = [each for each in ended.document["findings"] if each["check"] == check]
    return dict(found)


async def test_a_sound_stack_without_its_services_lacks_nothing_but_them(command: Command) -> None:
    ended = await command("doctor", "--json")
    verdicts = {each["check"]: each["verdict"] for each in ended.document["findings"]}
    assert {check: verdict for check, verdict in verdicts.items() if verdict != "ok"} == {
        **ALONE,
        "budget": "warning",
    }
    assert ended.code == 1
    assert {"postgresql", "durability", "migrations", "streams", "nats sync", "gemini models"} <= set(
        verdicts
    )
    assert "24 calls a day" in finding(ended, "budget")["found"]
    assert SIMULATED_GEMINI_KEY not in ended.out


async def test_a_person_reads_the_finding_and_the_fix(command: Command) -> None:
    ended = await command("doctor")
    lines = ended.out.splitlines()
    assert (
        "problem  services               no collector and no signaler and no health answers on NATS" in lines
    )
    [fix] = [line for line in lines[lines.index("What to do") :] if line.startswith("budget ")]
    assert "bongsu config set signal_interval_minutes 69" in fix
    assert lines[-1] == "1 to be put right, 1 to know about, 3 not known"


async def test_a_database_that_loses_what_it_acknowledged_is_a_problem(
    command: Command, postgres: PostgresServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url(database=database))
    found = finding(await command("doctor", "--json"), "durability")
    assert (found["verdict"], found["found"].partition(" off")[0]) == (
        "problem",
        "fsync and full_page_writes and synchronous_commit",
    )


async def test_a_database_without_migrations_is_a_problem_and_the_rest_is_still_looked_at(
    command: Command, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url())
    ended = await command("doctor", "--json")
    assert finding(ended, "migrations")["found"] == "none was ever applied: the database has no tables"
    assert finding(ended, "streams")["verdict"] == "ok"


async def test_whatever_somebody_changed_by_hand_is_found(command: Command, settings: Admin) -> None:
    await settings.execute("DELETE FROM schema_migrations WHERE version = 5")
    for key, value in (
        ("retention_days", "-1"),
        ("markets", '["KRW-BTC", "KRW-NOPE"]'),
        ("gemini_model", '"gemini-2.5-flash"'),
        ("gemini_fallback_models", "[]"),
    ):
        await settings.execute("INSERT INTO system_config (key, value) VALUES ($1, $2::jsonb)", key, value)
    ended = await command("doctor", "--json")
    for check, said in (
        ("migrations", "not applied: 0005_upbit_block.sql"),
        ("settings", "retention_days: what bongsu_admin stored is not a whole number"),
        ("upbit", "knows no KRW-NOPE"),
        ("gemini models", "gone: gemini-2.5-flash; no configured model is left"),
        ("budget", "48 calls a day for 2 markets"),
    ):
        found = finding(ended, check)
        assert (found["verdict"], said in found["found"], bool(found["fix"])) == ("problem", True, True), (
            check
        )


async def test_a_key_with_a_line_end_in_its_file_is_read_and_one_that_is_missing_is_named(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GEMINI_API_KEY")
    monkeypatch.setenv("GEMINI_API_KEY_FILE", str(tmp_path / "key"))
    assert "GEMINI_API_KEY_FILE" in finding(await command("doctor", "--json"), "environment")["found"]
    (tmp_path / "key").write_text(f"{SIMULATED_GEMINI_KEY}\n")
    assert finding(await command("doctor", "--json"), "gemini key")["verdict"] == "ok"


async def test_a_consumer_that_is_gone_and_a_stream_that_differs_are_named(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", fresh_nats.url())
    monkeypatch.setenv("NATS_MONITOR_URL", f"http://127.0.0.1:{ports.free_port()}")
    await jetstream.delete_consumer(DECIDE_ON_CANDLES.stream, DECIDE_ON_CANDLES.name)
    config = (await jetstream.stream_info("JOBS")).config
    await jetstream.update_stream(config.evolve(max_age=3600.0))
    await jetstream.delete_stream("DEAD")
    ended = await command("doctor", "--json")
    found = finding(ended, "streams")
    assert found["verdict"] == "problem"
    assert found["found"] == (
        "stream JOBS differs in max_age; stream DEAD is missing; consumer signaler-candles-closed is missing"
    )
    assert finding(ended, "nats sync")["verdict"] == "unknown"
    assert finding(ended, "nats sync")["found"].startswith("not known: the monitor http://127.0.0.1:")


@contextmanager
def nats_with(folder: Path, *, without: str) -> Iterator[dict[str, str]]:
    """A nats-server whose configuration lacks a line or a block; gives its variables."""
    port, monitor_port = ports.free_port(), ports.free_port()
    text = server_configuration(
        name="test",
        host=ports.HOST,
        port=port,
        monitor_port=monitor_port,
        store=folder / "store",
        passwords=dict.fromkeys(USERS, "hunter2secret"),
    )
    begin = text.index(without)
    end = text.index("\n}\n", begin) + 3 if without.endswith("{") else text.index("\n", begin)
    path = folder / "nats.conf"
    path.write_text(text[:begin] + text[end:])
    process = subprocess.Popen([binary(), "-c", str(path)], stderr=subprocess.DEVNULL)
    try:
        yield {
            "NATS_URL": f"nats://admin:hunter2secret@127.0.0.1:{port}",
            "NATS_MONITOR_URL": f"http://127.0.0.1:{monitor_port}",
        }
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("without", "check", "said"),
    [
        ("  sync_interval: always", "nats sync", "sync_interval is 120 s: a power cut loses"),
        ("jetstream {", "streams", "JetStream cannot be used"),
    ],
)
async def test_a_nats_that_may_lose_what_it_acknowledged_is_a_problem(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without: str, check: str, said: str
) -> None:
    with nats_with(tmp_path, without=without) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        port = int(variables["NATS_URL"].rpartition(":")[2])
        await eventually(lambda: not ports.is_free(port))
        ended = await command("doctor", "--json")
    found = finding(ended, check)
    assert (found["verdict"], said in found["found"]) == ("problem", True)
    assert "hunter2" not in ended.out


async def test_a_user_that_may_not_look_is_named_and_nothing_is_guessed(
    command: Command, nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NATS_URL", nats.url("cli"))
    found = finding(await command("doctor", "--json"), "streams")
    assert (found["verdict"], found["fix"]) == (
        "unknown",
        "name the user admin in NATS_URL: only it may look at streams",
    )


async def test_servers_that_are_away_are_problems_and_not_the_end(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = "127.0.0.1:9"
    monkeypatch.setenv("DATABASE_URL", f"postgresql://bongsu_admin:hunter2secret@{away}/bongsu")
    monkeypatch.setenv("NATS_URL", f"nats://admin:hunter2secret@{away}")
    for name in ("HEALTH_URL", "UPBIT_BASE_URL", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.setenv(name, f"http://{away}")
    ended = await command("doctor", "--json")
    checks = ("postgresql", "nats", "health page", "upbit", "gemini key")
    assert [finding(ended, check)["verdict"] for check in checks] == ["problem"] * len(checks)
    assert (ended.code, "hunter2" in ended.out) == (1, False)


async def test_a_page_that_is_somebody_elses_is_named(
    command: Command, upbit: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEALTH_URL", upbit.url)
    found = finding(await command("doctor", "--json"), "health page")
    assert (found["verdict"], "; the port is held by python" in found["found"]) == ("problem", True)


async def test_without_a_stack_what_it_will_need_is_looked_at(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("NATS_URL")
    ended = await command("doctor", "--json")
    verdicts = {each["check"]: each["verdict"] for each in ended.document["findings"]}
    assert verdicts["stack"] == "problem"
    assert (verdicts["upbit"], verdicts["gemini key"], verdicts["disk"]) == ("ok", "ok", "ok")
    assert not {"postgresql", "nats", "streams"} & set(verdicts)


async def test_a_full_disk_that_keeps_postgresql_down_is_found(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "NATS_URL", "NATS_MONITOR_URL"):
        monkeypatch.delenv(name)
    # A stack of root's, whose cluster is not in the data dir; where nothing can be written, nothing is free.
    cluster = next((path for path in (Path("/proc"), Path("/dev")) if free_bytes(path) == 0), None)
    if cluster is None:
        pytest.skip("no file system without room")
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "postgres.path").write_text(f"{cluster}\n")
    urls = {
        "database_url": "postgresql://bongsu_admin:secret@127.0.0.1:9/bongsu",
        "nats_url": "nats://admin:secret@127.0.0.1:9",
        "health_url": "http://127.0.0.1:9",
    }
    (tmp_path / "run.json").write_text(json.dumps(urls))
    ended = await command("doctor", "--json", "--data-dir", str(tmp_path))
    assert finding(ended, "postgresql")["verdict"] == "problem"
    disk = finding(ended, "disk")
    assert (disk["verdict"], f"0 MB free at {cluster};" in disk["found"]) == ("problem", True)


async def test_an_address_that_is_none_is_a_problem_and_not_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DATABASE_URL", "NATS_URL", "HEALTH_URL"):
        monkeypatch.setenv(name, "hunter2secret")
    ended = await command("doctor", "--json")
    for check, name in (("postgresql", "DATABASE_URL"), ("nats", "NATS_URL"), ("health page", "HEALTH_URL")):
        found = finding(ended, check)
        assert (found["verdict"], found["fix"]) == ("problem", f"correct {name}")
    assert "hunter2" not in ended.out
