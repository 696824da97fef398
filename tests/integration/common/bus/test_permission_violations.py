"""Permission violations: what NATS refuses is known soon, and ends a service that would receive nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bongsu.servers.nats.server import NatsServer
from common.bus import permission_violations
from common.bus.broker import Bus
from common.errors import PermanentError, TransientError
from common.events import JobFinished, TickerUpdated
from common.streams import STORE_CANDLES
from integration.common.conftest import StartMinimal
from integration.common.handling import Handler, listen
from integration.common.speaking import BASE, Speak, page
from integration.common.speaking import signal as decision
from servers.fixtures import declare_streams
from servers.waiting import eventually


@pytest.fixture
def deaf_nats(servers_folder: Path, tmp_path: Path) -> Iterator[NatsServer]:
    """A server on which the collector's inbox has another name than the collector thinks."""
    server = NatsServer(servers_folder / tmp_path.name / "nats")
    server.prepare()
    configuration = server.directory / "nats.conf"
    configuration.write_text(configuration.read_text().replace("_INBOX_collector", "_INBOX_other"))
    server.launch()
    asyncio.run(eventually(server.is_ready))
    asyncio.run(declare_streams(server))
    yield server
    server.stop()


async def test_a_refused_publish_to_a_stream_is_an_error_at_once_while_what_is_allowed_is_published(
    collector: Bus,
) -> None:
    refused, published = await asyncio.gather(
        collector.publish(decision()), collector.publish(page()), return_exceptions=True
    )
    assert published is None
    assert isinstance(refused, TransientError)
    assert str(refused).startswith("signal.generated.KRW-BTC: NATS does not allow")
    assert collector.violations.newest == (
        'nats: permissions violation for publish to "signal.generated.krw-btc"'
    )
    record = JobFinished(
        service="signaler",
        instance="s1",
        job_name="signal_generation",
        run_id="r1",
        outcome="ok",
        duration_ms=1,
        attempts=1,
        error=None,
        finished_at=BASE,
        trace_id="0",
    )
    with pytest.raises(TransientError) as caught:
        await collector.publish(record)
    # One try a minute.
    assert refused.retry_after_seconds == caught.value.retry_after_seconds == 60


async def test_a_refused_publish_is_no_storm_of_log_lines(
    speak: Speak, capsys: pytest.CaptureFixture[str]
) -> None:
    signaler = await speak("signaler")
    ticker = TickerUpdated(market="KRW-BTC", price=page().candles[0].close, exchange_time=BASE)
    for _ in range(50):
        await signaler.publish(ticker)
    await eventually(lambda: signaler.violations.newest)
    await signaler.client.flush()
    assert capsys.readouterr().out.count("bus.refused") == 1


async def test_a_bus_with_all_its_rights_passes_its_self_test(collector: Bus) -> None:
    await listen(collector, Handler(None))
    await collector.self_test()
    assert collector.violations.newest is None


async def test_a_bus_fails_its_self_test_and_a_service_that_would_receive_nothing_ends_with_the_reason(
    start_minimal: StartMinimal, deaf_nats: NatsServer
) -> None:
    bus = Bus(deaf_nats.url("collector"), service="collector", instance="c1")
    await bus.connect()
    with pytest.raises(
        PermanentError, match="not even an own message: nats: permissions violation"
    ) as caught:
        await bus.self_test()
    assert "_inbox_collector." in str(caught.value)
    await bus.close()
    with start_minimal(NATS_URL=deaf_nats.url("collector")) as running:
        await eventually(lambda: running.process.poll() is not None)
        assert running.process.returncode == 1
        (line,) = [line for line in running.events("service.stopped") if "error" in line]
        assert line["error"].startswith("nothing is received from NATS, not even an own message: ")
        assert not running.events("service.ready")


async def test_a_subscription_that_is_refused_later_is_seen_too(
    collector: Bus, fresh_nats: NatsServer
) -> None:
    await listen(collector, Handler(None))
    await collector.client.subscribe(f"$JS.ACK.MARKET.{STORE_CANDLES.name}.>")
    with pytest.raises(PermanentError, match="does not let this user subscribe to or publish what it must"):
        await collector.self_test()


async def test_a_right_to_subscribe_that_is_revoked_is_shown_until_it_is_granted_again(
    collector: Bus, fresh_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    await listen(collector, Handler(None))
    monkeypatch.setattr(permission_violations, "SHOWN_SECONDS", 0.0)
    configuration = fresh_nats.directory / "nats.conf"
    rights = configuration.read_text()
    configuration.write_text(rights.replace("_INBOX_collector", "_INBOX_other"))
    assert fresh_nats.pid is not None
    os.kill(fresh_nats.pid, signal.SIGHUP)
    await eventually(lambda: "for subscription to" in (collector.violations.newest or ""))
    fresh_nats.stop()
    configuration.write_text(rights)
    fresh_nats.start()
    await eventually(lambda: collector.is_connected and collector.violations.newest is None)
    await collector.self_test()
