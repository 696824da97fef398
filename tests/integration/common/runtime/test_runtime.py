"""Start, stop and refusal of a service as a process."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from bongsu.provisioning import migrations
from bongsu.servers.nats.server import NatsServer
from bongsu.servers.postgres.server import PostgresServer
from common.bus.broker import Bus
from common.events import ComponentReport, JobFinished, ServiceHeartbeat
from integration.common.conftest import StartMinimal
from integration.common.speaking import kept, page
from servers.services import ServiceProcess
from servers.waiting import HANG_SECONDS, eventually

IN_PROGRESS = "+WPI"


def ready(running: ServiceProcess) -> bool:
    """Return whether it has said that it is ready."""
    assert running.process.poll() is None, running.log.read_text(encoding="utf-8")
    return bool(running.events("service.ready"))


async def test_a_stop_is_clean_and_says_goodbye(start_minimal: StartMinimal, admin: Client) -> None:
    received: list[ServiceHeartbeat] = []

    async def on_heartbeat(message: Msg) -> None:
        received.append(ServiceHeartbeat.model_validate_json(message.data))

    await admin.subscribe("service.heartbeat.collector", cb=on_heartbeat)
    with start_minimal() as running:
        await eventually(lambda: received)
        answer = await admin.request("health.check", b"", timeout=HANG_SECONDS)
        report = ComponentReport.model_validate_json(answer.data)
        assert running.stop() == 0
        await eventually(lambda: received[-1].goodbye)
        assert not any("error" in line for line in running.events("service.stopping"))
    assert {beat.instance for beat in received} == {report.instance}
    assert [beat.goodbye for beat in received[:-1]] == [False] * (len(received) - 1)
    assert [component.name for component in report.components] == ["upbit_api"]
    assert [job.job_name for job in report.jobs] == ["data_collection"]
    assert report.pool is not None
    assert (report.pool.min, report.pool.max) == (4, 8)


async def test_a_service_may_start_before_its_servers(
    start_minimal: StartMinimal, own_postgres: PostgresServer, fresh_nats: NatsServer
) -> None:
    await migrations.apply(own_postgres.url())
    own_postgres.stop()
    fresh_nats.stop()
    with start_minimal(DATABASE_URL=own_postgres.url("bongsu_collector")) as running:
        await eventually(lambda: running.events("dependency.waiting"))
        await eventually(lambda: running.events("bus.error"))
        fresh_nats.start()
        own_postgres.start()
        await eventually(lambda: ready(running))
        assert running.stop() == 0


async def test_a_stop_is_obeyed_while_the_servers_are_still_away(
    start_minimal: StartMinimal, fresh_nats: NatsServer
) -> None:
    fresh_nats.stop()
    with start_minimal(DATABASE_URL="postgresql://bongsu_collector:hunter22@127.0.0.1:9/bongsu") as running:
        await eventually(lambda: running.events("dependency.waiting"))
        assert running.stop() == 0
        assert "Traceback" not in running.log.read_text(encoding="utf-8")


async def test_a_stop_naks_the_message_and_ends_the_run_that_do_not_end(
    start_minimal: StartMinimal, collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    await collector.publish(page())
    with start_minimal(HANGS="true") as running:
        await eventually(lambda: ready(running))
        await eventually(lambda: kept(jetstream, "CLAIMS"))
        assert set(answers) <= {IN_PROGRESS}
        assert running.stop() == 0
        [record] = running.events("job.finished")
    assert (record["outcome"], record["reason"]) == ("skipped", "stopping")
    assert not any(line["level"] == "error" for line in running.events("apscheduler.executors.default"))
    await eventually(lambda: set(answers) - {IN_PROGRESS})
    assert [answer[:4] for answer in answers if answer != IN_PROGRESS] == ["-NAK"]
    [message] = await kept(jetstream, "JOBS")
    assert JobFinished.model_validate_json(message.data or b"").run_id == record["run_id"]


async def test_a_step_that_swallows_its_cancellation_holds_no_stop_up(start_minimal: StartMinimal) -> None:
    with start_minimal(NEVER_STOPS="true") as running:
        await eventually(lambda: ready(running))
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(HANG_SECONDS) == 0
        [unclean] = [line for line in running.events("service.stopping") if "error" in line]
    assert (unclean["step"], unclean["error"]) == ("Minimal.stop", "TimeoutError: ")


async def test_a_second_signal_ends_at_once(start_minimal: StartMinimal, collector: Bus) -> None:
    await collector.publish(page())
    with start_minimal(HANGS="true") as running:
        await eventually(lambda: ready(running))
        running.process.send_signal(signal.SIGTERM)
        await eventually(lambda: running.events("service.stopping"))
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(HANG_SECONDS) == 1


async def test_a_collector_of_telemetry_that_answers_nothing_holds_nothing_up(
    start_minimal: StartMinimal,
) -> None:
    taken: list[asyncio.StreamWriter] = []
    silent = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    with start_minimal(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint, OTEL_BSP_SCHEDULE_DELAY="100") as running:
        await eventually(lambda: len(running.events("job.finished")) >= 3)
        assert taken
        assert running.stop() == 0
        lines = running.log.read_text(encoding="utf-8").splitlines()
        assert len(lines) - len(running.events("job.finished")) < 60
    silent.close()
    for writer in taken:
        writer.close()


async def test_three_messages_in_a_row_without_memory_end_the_process_and_none_is_lost(
    start_minimal: StartMinimal, collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    for minute in range(3):
        await collector.publish(page(minute))
    with start_minimal(EXHAUSTS_MEMORY="true") as running:
        assert running.process.wait(HANG_SECONDS) == 0
        assert running.events("memory.exhausted")
    await eventually(lambda: [answer[:4] for answer in answers] == ["-NAK"] * 3)
    assert await kept(jetstream, "DEAD") == []


async def test_a_file_shows_that_it_lives_a_signal_of_a_terminal_that_closes_is_ignored_and_ctrl_c_stops(
    start_minimal: StartMinimal, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    with start_minimal(BEAT_FILE=str(beat)) as running:
        await eventually(lambda: ready(running))
        first = await eventually(lambda: beat.exists() and beat.stat().st_mtime_ns)
        assert await eventually(lambda: beat.stat().st_mtime_ns > first)
        running.process.send_signal(signal.SIGHUP)
        jobs = len(running.events("job.finished"))
        await eventually(lambda: len(running.events("job.finished")) > jobs)
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(HANG_SECONDS) == 0


async def test_a_refused_password_ends_the_start_and_is_not_logged(
    start_minimal: StartMinimal, fresh_nats: NatsServer
) -> None:
    with start_minimal(NATS_URL=f"nats://collector:hunter22@127.0.0.1:{fresh_nats.port}") as running:
        assert running.process.wait(HANG_SECONDS) == 1
        text = running.log.read_text(encoding="utf-8")
    assert "Authorization Violation" in text
    assert "hunter22" not in text
    assert "Traceback" not in text


WRONG = {
    "DATABASE_URL": "postgresql://collector:hunter22/x@127.0.0.1:5432/bongsu",
    "NATS_URL": "nats://collector:hunter22@127.0.0.1:70000",
    "LOG_LEVEL": "hunter22",
    "REPLICAS": "0",
}


def test_each_wrong_variable_is_one_line_without_its_value(start_minimal: StartMinimal) -> None:
    with start_minimal(**WRONG) as running:
        assert running.process.wait(HANG_SECONDS) == 2
        lines = running.log.read_text(encoding="utf-8").splitlines()
    assert [line.split(": ")[:2] for line in lines] == [["collector", name] for name in WRONG]
    assert "hunter22" not in "".join(lines)
