"""/metrics has what health knows of the whole system, in Prometheus' format."""

from __future__ import annotations

import asyncio
import shutil

import asyncpg
import nats as nats_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bongsu.servers.nats.server import NatsServer
from common.clock import MINUTE, floor_minute, utc_now
from common.events import ConsumerState, JobFinished
from integration.common.speaking import signal
from integration.health.running import HealthProcess, Speak, Voice, soon
from servers.observed import used_names
from servers.waiting import HANG_SECONDS

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def series(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    """Return what a sample is found by."""
    return name, frozenset(labels.items())


async def scrape(health: HealthProcess) -> Samples:
    """Return every sample of one answer."""
    answer = await health.http.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {series(s.name, **s.labels): s.value for family in families for s in family.samples}


async def store(database_url: str) -> None:
    """Have a market whose newest minute ended five minutes ago, a gap in it, and Gemini asked three times."""
    newest = floor_minute(utc_now()) - 6 * MINUTE
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO market_data SELECT 'KRW-BTC', $1, 95, 95, 95, 95, 1, 95, 1, 'simulator', now()", newest
    )
    await connection.execute(
        "INSERT INTO candle_gaps VALUES ('KRW-BTC', $1, $2, 'open', now(), NULL, 'page')",
        newest - 8 * MINUTE,
        newest - MINUTE,
    )
    await connection.execute(
        "INSERT INTO gemini_usage VALUES ((now() AT TIME ZONE 'America/Los_Angeles')::date,"
        " 'gemini-3.8-flash', 3, 0.25, NULL)"
    )
    await connection.execute(
        """
        INSERT INTO trading_signals (id, symbol, candle_timestamp, signal_type, confidence, reasoning,
            source, cause, prompt_version, snapshot, price_at_signal, config_revision, trace_id)
            VALUES (gen_random_uuid(), 'KRW-BTC', now(), 'HOLD', 0.4, 'flat', 'rule', 'no_key', '1', '{}',
                95, 0, '')
        """
    )
    await connection.close()


def finished(run_id: str, outcome: str, *, count: int = 1) -> JobFinished:
    """Return the record of a run that took a quarter of a second."""
    return JobFinished.model_validate(
        {
            "service": "signaler",
            "instance": "s1",
            "job_name": "signal_generation",
            "run_id": run_id,
            "outcome": outcome,
            "duration_ms": 250.0,
            "attempts": 1,
            "error": None,
            "count": count,
            "finished_at": utc_now(),
            "trace_id": "0" * 32,
        }
    )


def consumer(*, stuck_seconds: float) -> ConsumerState:
    """Return the signaler's consumer, with five messages pending, as one replica sees it."""
    return ConsumerState(
        name="signaler-candles-closed",
        lost=False,
        pending=5,
        stuck_seconds=stuck_seconds,
        patience_seconds=130.0,
    )


async def publish_runs(signaler: Voice) -> None:
    """Publish four runs, one of them twice as after a lost acknowledgement, and a signal."""
    records = [finished("r1", "ok"), finished("r2", "failed"), finished("r3", "skipped", count=2)]
    for record in (*records, records[0]):
        await signaler.bus.publish(record)
    subject = JobFinished.subject.format(service="signaler", job_name="signal_generation")
    body = records[0].model_dump_json().encode()
    await signaler.bus.send(subject, body, headers={}, stream="JOBS")
    await signaler.bus.publish(signal())


async def dead_letters(server: NatsServer, count: int) -> None:
    """Put messages into DEAD."""
    client = await nats_client.connect(server.url())
    for number in range(count):
        await client.jetstream().publish("dead.market.candle.closed.KRW-BTC", f"{number}".encode())
    await client.close()


async def test_the_whole_system_is_measured(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer, database_url: str
) -> None:
    await store(database_url)
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    signaler.consumers = (consumer(stuck_seconds=7.0), consumer(stuck_seconds=3.0))
    await soon(health.is_healthy)
    await publish_runs(signaler)
    await dead_letters(fresh_nats, 2)
    job = {"service": "signaler", "job": "signal_generation"}

    async def has_all() -> bool:
        found = await scrape(health)
        assert found[series("bongsu_dead_letters")] == 2
        assert found[series("bongsu_job_runs_total", **job, outcome="skipped")] == 2
        assert series("bongsu_market_covered_age_seconds", market="KRW-BTC") in found
        return True

    await soon(has_all)
    found = await scrape(health)
    expected = {
        series("bongsu_status", status="healthy"): 1,
        series("bongsu_status", status="unhealthy"): 0,
        series("bongsu_component_status", component="database", status="healthy"): 1,
        series("bongsu_component_status", component="upbit_api", status="unhealthy"): 0,
        series("bongsu_service_instances", service="signaler", status="healthy"): 1,
        series("bongsu_service_instances", service="collector", status="unhealthy"): 0,
        series("bongsu_pool_connections", service="signaler", service_instance="s1", state="idle"): 3,
        series("bongsu_pool_connections_max", service="signaler", service_instance="s1"): 6,
        series("bongsu_pool_waiting_callers", service="signaler", service_instance="s1"): 0,
        series("bongsu_cache_hits_total", service="collector", service_instance="c1"): 0,
        series("bongsu_job_runs_total", **job, outcome="ok"): 1,
        series("bongsu_job_runs_total", **job, outcome="failed"): 1,
        series("bongsu_job_duration_seconds_count", **job): 2,
        series("bongsu_job_duration_seconds_sum", **job): 0.5,
        series("bongsu_job_interval_seconds", **job): 3600,
        series("bongsu_signals_total", action="BUY", source="rule"): 1,
        series("bongsu_consumer_pending_messages", consumer="signaler-candles-closed"): 5,
        series("bongsu_consumer_stuck_seconds", consumer="signaler-candles-closed"): 3,
        series("bongsu_consumer_patience_seconds", consumer="signaler-candles-closed"): 130,
        series("bongsu_stream_messages", stream="DEAD"): 2,
        series("bongsu_stream_messages", stream="SIGNALS"): 1,
        series("bongsu_stream_fill_ratio", stream="JOBS"): 0,
        series("bongsu_market_open_gap_seconds", market="KRW-BTC"): 420,
        series("bongsu_gemini_requests_used", model="gemini-3.8-flash"): 3,
        series("bongsu_gemini_requests_used", model="gemini-3.6-flash"): 0,
        series("bongsu_gemini_requests_limit", model="gemini-3.8-flash"): 20,
        series("bongsu_gemini_cost_used_dollars"): 0.25,
        series("bongsu_gemini_cost_limit_dollars"): 1,
    }
    assert {key: found.get(key) for key in expected} == expected
    assert (
        300 <= found[series("bongsu_market_covered_age_seconds", market="KRW-BTC")] < 300 + 5 * HANG_SECONDS
    )
    newest = found[series("bongsu_market_newest_candle_age_seconds", market="KRW-BTC")]
    assert newest == pytest.approx(found[series("bongsu_market_covered_age_seconds", market="KRW-BTC")] + 60)
    assert 0 < found[series("bongsu_disk_free_bytes")] < found[series("bongsu_disk_size_bytes")]
    assert found[series("bongsu_database_size_bytes")] > 1_000_000
    assert found[series("bongsu_component_latency_seconds", component="database")] < HANG_SECONDS
    assert found[series("bongsu_job_last_success_age_seconds", **job)] < 5 * HANG_SECONDS
    # A counter that has counted nothing yet has a name and no sample.
    unsampled = {"bongsu_notifications_total"}
    assert used_names("bongsu_") <= {name for name, _ in found} | unsampled


async def test_what_is_away_shows_at_once_and_nothing_is_made_up(
    health: HealthProcess, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    found = await scrape(health)
    assert found[series("bongsu_service_instances", service="signaler", status="healthy")] == 0
    assert found[series("bongsu_status", status="unhealthy")] == 1
    # No candle is stored, so there is no age of one.
    assert series("bongsu_market_covered_age_seconds", market="KRW-BTC") not in found
    fresh_nats.stop()

    async def has_noticed() -> bool:
        found = await scrape(health)
        return found[series("bongsu_component_status", component="scheduler", status="unhealthy")] == 1

    await soon(has_noticed)
    answer = await health.http.get("/metrics")
    assert "bongsu_build_info" in answer.text


async def test_prometheus_takes_both_formats_and_finds_nothing_to_complain_of(health: HealthProcess) -> None:
    answer = await health.http.get("/metrics", headers={"accept": OPENMETRICS})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is in Debian's prometheus: sh deploy/debian_packages.sh prometheus")
    process = await asyncio.create_subprocess_exec(
        *(promtool, "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate((await health.http.get("/metrics")).content)
    assert (process.returncode, said) == (0, b"")
