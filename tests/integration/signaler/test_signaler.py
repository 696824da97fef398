"""The signaler as a process: pages in, one signal an interval out, whatever happens on the way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.clock import MINUTE
from common.events import Candle, CandlesClosed, SignalGenerated
from integration.signaler.conftest import KEY, StartSignaler
from integration.signaler.running import MARKET, configure, generations, jobs, rows, store_candles
from servers.simulators import Simulator
from servers.waiting import eventually
from signaler.domain.market.snapshot import Snapshot
from unit.signaler.market import NOON, candles_until, page_of, wavy_closes

CANDLES = candles_until(NOON, wavy_closes(300))
COLLECTED = NOON + timedelta(seconds=3)
SIGNALS = "SELECT * FROM trading_signals ORDER BY candle_timestamp"


def page(candles: Sequence[Candle] = CANDLES[-1:], **changes: Any) -> CandlesClosed:
    """The page of the last minute before noon."""
    covers = {"covers_from": NOON - len(candles) * MINUTE, "covers_to": NOON, "collected_at": COLLECTED}
    return page_of(candles, **{**covers, **changes})


@pytest.fixture
async def collector(fresh_nats: NatsServer) -> AsyncIterator[Bus]:
    """The bus as the collector speaks on it, with the rights to look into streams."""
    bus = Bus(fresh_nats.url(), service="test", instance="test")
    await bus.connect()
    yield bus
    await bus.close()


async def published(bus: Bus) -> list[SignalGenerated]:
    """Every message of the SIGNALS stream."""
    info = await bus.jetstream.stream_info("SIGNALS")
    found = [await bus.jetstream.get_msg("SIGNALS", n) for n in range(1, info.state.messages + 1)]
    return [SignalGenerated.model_validate_json(message.data or b"") for message in found]


async def signals(url: str, count: int) -> list[dict[str, Any]]:
    """Wait for that many rows of trading_signals."""
    found: list[dict[str, Any]] = []

    async def enough() -> bool:
        found[:] = await rows(url, SIGNALS)
        return len(found) >= count

    await eventually(enough)
    assert len(found) == count
    return found


async def everything_is_acked(bus: Bus) -> None:
    """Wait until the signaler has settled every page."""

    async def settled() -> bool:
        info = await bus.jetstream.consumer_info("MARKET", "signaler-candles-closed")
        return (info.num_pending or 0) + (info.num_ack_pending or 0) == 0

    await eventually(settled)


async def test_a_page_makes_one_signal_that_can_be_redone_and_a_page_seen_again_publishes_the_same_signal(
    start_signaler: StartSignaler, collector: Bus, database_url: str, gemini_faults: Simulator
) -> None:
    await store_candles(database_url, CANDLES[:-1], collected_at=COLLECTED - MINUTE)
    process = start_signaler()
    await collector.publish(page())
    (row,) = await signals(database_url, 1)
    assert (row["symbol"], row["candle_timestamp"]) == (MARKET, NOON - MINUTE)
    assert (row["source"], row["cause"], row["model_served"]) == ("gemini", None, "gemini-3.8-flash")
    assert row["price_at_signal"] == CANDLES[-1].close
    assert row["cost_usd"] > 0
    assert min(row["input_tokens"], row["output_tokens"], row["latency_ms"]) > 0
    snapshot = Snapshot.model_validate_json(row["snapshot"])
    assert snapshot.canonical_json().replace('"', '\\"') in row["request"]
    (ok,) = await eventually(lambda: jobs(process, "ok"))
    assert row["trace_id"] == ok["trace_id"]
    (event,) = await published(collector)
    assert (event.signal_id, event.signal_type) == (str(row["id"]), row["signal_type"])
    assert Decimal(str(event.confidence)) == row["confidence"]

    asked = generations(gemini_faults)
    await collector.publish(page(repair_run_id="again"))
    await everything_is_acked(collector)
    await signals(database_url, 1)
    assert len(await published(collector)) == 1
    assert generations(gemini_faults) == asked


async def test_a_page_ahead_of_the_store_is_handed_back_until_the_store_has_caught_up(
    start_signaler: StartSignaler, collector: Bus, database_url: str
) -> None:
    await store_candles(database_url, CANDLES[:-10], collected_at=COLLECTED - MINUTE)
    process = start_signaler()
    await collector.publish(page())
    await eventually(lambda: process.events("message.handed_back"))
    assert await rows(database_url, SIGNALS) == []
    await store_candles(database_url, CANDLES[-10:-1], collected_at=COLLECTED - MINUTE)
    (row,) = await signals(database_url, 1)
    assert row["source"] == "gemini"
    await eventually(lambda: jobs(process, "ok"))


async def test_too_little_history_and_old_pages_are_skipped_with_a_reason(
    start_signaler: StartSignaler, collector: Bus, database_url: str
) -> None:
    await configure(database_url, signal_interval_minutes=10)
    await store_candles(database_url, CANDLES[-30:-20], collected_at=COLLECTED)
    process = start_signaler()
    await collector.publish(page(CANDLES[-20:]))
    old = {"collected_at": NOON + timedelta(hours=1)}
    await collector.publish(page(CANDLES[-20:], covers_from=NOON - 21 * MINUTE, **old))
    # Asked for again once a minute: what was late is not recorded again.
    await collector.publish(page(CANDLES[-20:], repair_run_id="old", **old))
    await eventually(lambda: len(jobs(process, "skipped")) >= 3)
    await everything_is_acked(collector)
    reasons = sorted((line["reason"], line["count"]) for line in jobs(process, "skipped"))
    assert reasons == [("late", 1), ("late", 3), ("stale_data", 1)]
    assert await rows(database_url, SIGNALS) == []


async def test_at_start_the_newest_closed_interval_without_a_signal_is_decided(
    start_signaler: StartSignaler, database_url: str
) -> None:
    await store_candles(database_url, CANDLES, collected_at=COLLECTED)
    start_signaler()
    (row,) = await signals(database_url, 1)
    assert row["candle_timestamp"] == NOON - MINUTE


@pytest.mark.parametrize(("fault", "status"), [("key_leaked", 403), ("auth_key_invalid", 401)])
async def test_without_an_answer_the_rule_speaks_and_the_key_is_in_no_log_line_and_in_no_row(
    start_signaler: StartSignaler,
    collector: Bus,
    database_url: str,
    gemini_faults: Simulator,
    fault: str,
    status: int,
) -> None:
    gemini_faults.switch_on(fault)
    await store_candles(database_url, CANDLES[:-1], collected_at=COLLECTED - MINUTE)
    process = start_signaler()
    await collector.publish(page())
    (row,) = await signals(database_url, 1)
    assert row["source"] == "rule"
    assert row["cause"].startswith(f"key_refused: Gemini answers {status}")
    assert row["reasoning"].startswith(("Indicator vote", "BUY at", "SELL at"))
    assert fault != "key_leaked" or "reported as leaked" in row["response"]
    await eventually(lambda: jobs(process, "ok"))
    assert KEY not in process.log.read_text()
    assert all(KEY not in str(value) for value in row.values())


async def test_a_stop_during_a_gemini_call_hands_the_page_back(
    start_signaler: StartSignaler, collector: Bus, database_url: str, gemini_faults: Simulator
) -> None:
    await configure(database_url, gemini_fallback_models=[])
    await store_candles(database_url, CANDLES[:-1], collected_at=COLLECTED - MINUTE)
    gemini_faults.switch_on("hang")
    process = start_signaler()
    await collector.publish(page())

    async def asked() -> bool:
        return bool(await rows(database_url, "SELECT 1 FROM gemini_usage WHERE requests > 0"))

    await eventually(asked)
    assert process.stop() == 0
    assert [line["reason"] for line in jobs(process, "skipped")] == ["stopping"]
    assert await rows(database_url, SIGNALS) == []
    gemini_faults.switch_all_off()
    start_signaler()
    (row,) = await signals(database_url, 1)
    assert row["source"] == "gemini"


async def test_a_signal_that_a_dead_process_stored_and_never_published_is_published_by_the_next_one(
    start_signaler: StartSignaler, collector: Bus, database_url: str
) -> None:
    await store_candles(database_url, CANDLES[:-1], collected_at=COLLECTED - MINUTE)
    process = start_signaler()
    await collector.publish(page())
    await signals(database_url, 1)
    await eventually(lambda: jobs(process, "ok"))
    assert await rows(database_url, "SELECT * FROM signals_to_tell") == []
    assert process.stop() == 0

    # As a process leaves it that dies between its commit and its publish; the page is acknowledged already.
    await rows(
        database_url,
        "WITH other AS (UPDATE trading_signals SET id = gen_random_uuid(),"
        " created_at = now() - interval '1 minute' RETURNING id)"
        " SELECT id FROM other",
    )
    (pending,) = await rows(
        database_url, "INSERT INTO signals_to_tell SELECT id FROM trading_signals RETURNING *"
    )
    start_signaler()

    async def is_published() -> bool:
        return str(pending["signal_id"]) in [event.signal_id for event in await published(collector)]

    await eventually(is_published)

    async def nothing_is_left() -> bool:
        return not await rows(database_url, "SELECT * FROM signals_to_tell")

    await eventually(nothing_is_left)
