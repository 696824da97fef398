"""/api/v1: what is stored, page by page, and what is wrong with a question."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from bongsu.servers.nats.server import NatsServer
from common.bus.broker import Bus
from common.clock import MINUTE, utc_now
from common.events import JobFinished
from common.gemini_quota import next_quota_day, quota_day
from integration.health.running import HealthProcess, Speak, StartHealth, soon
from integration.health.stored import MARKET, START, Store, store, tell_changes

NOWHERE = "127.0.0.1:9"
READING = (
    "/api/v1/markets",
    "/api/v1/budget",
    "/api/v1/config",
    "/api/v1/config/history",
    f"/api/v1/candles?market={MARKET}",
    f"/api/v1/gaps?market={MARKET}",
    "/api/v1/signals",
    f"/api/v1/signals/{UUID(int=1)}",
)
BROKEN_QUESTIONS = {
    "/api/v1/candles": "market: field required",
    "/api/v1/candles?market=btc": "market: must be a market code, as in KRW-BTC",
    f"/api/v1/candles?market={MARKET}&limit=0": "limit: must be greater than or equal to 1",
    f"/api/v1/candles?market={MARKET}&limit=1501": "limit: must be less than or equal to 1500",
    f"/api/v1/candles?market={MARKET}&limit=many": "limit: must be a valid integer",
    f"/api/v1/candles?market={MARKET}&from=yesterday": "from: must be a time with its zone",
    f"/api/v1/gaps?market={MARKET}&to=2026-03-11T14:00:00": "to: must be a time with its zone",
    f"/api/v1/gaps?market={MARKET}&from=2026-03-11T14:00:00Z&to=2026-03-11T14:00:00Z": "to: must be later",
    f"/api/v1/gaps?market={MARKET}&status=shut": "status: must be 'open', 'repaired' or 'confirmed_empty'",
    "/api/v1/signals?action=KEEP": "action: must be 'BUY', 'SELL' or 'HOLD'",
    "/api/v1/signals?cursor=onward": "cursor: must be the next_cursor of an answer, unchanged",
    "/api/v1/signals?limit=201": "limit: must be less than or equal to 200",
    "/api/v1/signals/1": "signal_id: must be a UUID",
    "/api/v1/config/history?key=speed": "key: must be one of markets, collect_interval_seconds",
    "/api/v1/config/history?before=0": "before: must be greater than or equal to 1",
}


async def test_candles_and_gaps_come_in_ranges_and_pages_and_an_empty_market_has_no_newest_anything(
    health: HealthProcess, database_url: str
) -> None:
    await soon(lambda: health.answers("/api/v1/markets", 200))
    [market] = (await _get(health, "/api/v1/markets"))["markets"]
    assert (market["newest_candle"], market["newest_signal_at"]) == (None, None)
    assert market["open_gap_minutes"] == 0
    async with store(database_url) as stored:
        await stored.candles(START, 5)
        await stored.candles(START, 1, market="KRW-ETH")
        await stored.gap(START + 5 * MINUTE, 2, "open")
        await stored.gap(START + 7 * MINUTE, 1, "confirmed_empty")
        await stored.gap(START - 9 * MINUTE, 4, "repaired")
    newest = await _get(health, f"/api/v1/candles?market={MARKET}&limit=2")
    assert [candle["timestamp"] for candle in newest["candles"]] == [_minute(3), _minute(4)]
    assert newest["candles"][1] == {
        "timestamp": "2026-03-11T14:04:00Z",
        "open": "95004000",
        "high": "95006000",
        "low": "95003000",
        "close": "95005000",
        "volume": "0.5",
        "trade_value": "47500000",
        "revision": 1,
        "source": "simulator",
        "collected_at": "2026-03-11T14:06:00Z",
    }
    before = await _get(health, f"/api/v1/candles?market={MARKET}&limit=3&to={newest['next_to']}")
    assert [candle["timestamp"] for candle in before["candles"]] == [_minute(0), _minute(1), _minute(2)]
    assert before["next_to"] is None
    some = await _get(health, f"/api/v1/candles?market={MARKET}&from={_minute(1)}&to={_minute(2)}")
    assert [candle["timestamp"] for candle in some["candles"]] == [_minute(1)]

    touching = await _get(health, f"/api/v1/gaps?market={MARKET}&from={_minute(6)}")
    assert [(gap["from_time"], gap["minutes"], gap["status"]) for gap in touching["gaps"]] == [
        (_minute(5), 2, "open"),
        (_minute(7), 1, "confirmed_empty"),
    ]
    last = await _get(health, f"/api/v1/gaps?market={MARKET}&limit=1")
    assert (last["gaps"][0]["from_time"], last["next_to"]) == (_minute(7), _minute(7))
    of_a_kind = await _get(health, f"/api/v1/gaps?market={MARKET}&status=repaired")
    assert [gap["minutes"] for gap in of_a_kind["gaps"]] == [4]
    answer = await _get(health, "/api/v1/markets")
    assert answer["exchange_time"] == "2026-03-11T14:06:00Z"
    [market] = answer["markets"]
    assert (market["newest_candle"]["close"], market["open_gap_minutes"]) == ("95005000", 2)


async def test_signals_are_paged_without_a_repeat_or_a_hole_and_each_has_its_record(
    health: HealthProcess, database_url: str
) -> None:
    made_at = START + timedelta(hours=1)
    async with store(database_url) as stored:
        # Made in one moment, as after an outage: only the id tells them apart.
        ids = {str(await stored.signal(START + n * MINUTE, created_at=made_at)) for n in range(5)}
        other = str(await stored.signal(START, market="KRW-ETH", action="BUY", created_at=made_at + MINUTE))
        await soon(lambda: health.answers("/api/v1/signals", 200))
        first = await _get(health, "/api/v1/signals?limit=2")
        assert first["signals"][0]["id"] == other
        # One more comes while somebody reads: the next pages don't move.
        late = str(await stored.signal(START + 9 * MINUTE, action="SELL", created_at=made_at + 2 * MINUTE))
        rest = await _all_signals(health, "/api/v1/signals?limit=2", first)
        assert [*rest] == [*dict.fromkeys(rest)]
        assert set(rest) == ids | {other}
        in_order = await _all_signals(health, f"/api/v1/signals?limit=4&market={MARKET}")
        assert in_order[0] == late
        assert set(in_order) == ids | {late}
        assert await _all_signals(health, "/api/v1/signals?limit=1&action=HOLD") == [
            *sorted(ids, reverse=True)
        ]
    record = await _get(health, f"/api/v1/signals/{other}")
    assert record.pop("created_at").startswith("2026-03-11T15:01:00")
    assert record == {
        "id": other,
        "market": "KRW-ETH",
        "candle_timestamp": "2026-03-11T14:00:00Z",
        "signal_type": "BUY",
        "confidence": 0.72,
        "reasoning": "RSI 14 is 48.2; nothing agrees.",
        "source": "gemini",
        "cause": None,
        "price_at_signal": "95000000",
        "model_requested": "gemini-3.8-flash",
        "model_served": "gemini-3.8-flash",
        "prompt_version": "1",
        "snapshot": {"price": 95000000, "indicators": {"rsi_14": 48.2}},
        "request": '{"contents": "what?"}',
        "response": '{"action": "HOLD"}',
        "input_tokens": 363,
        "output_tokens": 178,
        "latency_ms": 812.5,
        "cost_usd": "0.00093975",
        "config_revision": 3,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
    }
    unknown = await health.http.get(f"/api/v1/signals/{uuid4()}")
    assert (unknown.status_code, unknown.json()["detail"]) == (
        404,
        "no signal has this id; /api/v1/signals lists them",
    )


async def test_settings_budget_and_jobs_are_told_as_they_are(
    health: HealthProcess, database_url: str, speak: Speak, fresh_nats: NatsServer
) -> None:
    await speak("collector", "c1")
    async with store(database_url) as stored:
        await stored.setting("gemini_daily_request_budget", "30", by="first")
        await stored.setting("gemini_daily_cost_budget_usd", '"1.50"', by="first")
        await stored.setting("gemini_daily_request_budget", "40", by="second")
        await _ask_gemini(stored)
    await soon(lambda: health.lists("collector", ["c1"]))
    await tell_changes(fresh_nats, "gemini_daily_request_budget", "gemini_daily_cost_budget_usd")
    await soon(lambda: _holds(health, "gemini_daily_request_budget", 40))

    settings = {row["key"]: row for row in (await _get(health, "/api/v1/config"))["settings"]}
    assert settings["gemini_daily_cost_budget_usd"]["value"] == "1.50"
    assert (settings["retention_days"]["value"], settings["retention_days"]["revision"]) == (400, 0)
    newest = await _get(health, "/api/v1/config/history?limit=2")
    assert [(row["old_value"], row["new_value"], row["changed_by"]) for row in newest["changes"]] == [
        (30, 40, "second"),
        (None, "1.50", "first"),
    ]
    first = await _get(health, f"/api/v1/config/history?before={newest['next_before']}")
    assert [(row["old_value"], row["new_value"]) for row in first["changes"]] == [(None, 30)]
    of_one = await _get(health, "/api/v1/config/history?key=gemini_daily_request_budget")
    assert [row["new_value"] for row in of_one["changes"]] == [40, 30]

    budget = await _get(health, "/api/v1/budget")
    assert (budget["day"], budget["cost_usd"]) == (quota_day(utc_now()).isoformat(), "0.01")
    assert [(row["model"], row["place"], row["requests_left"]) for row in budget["models"]] == [
        ("gemini-3.8-flash", 1, 33),
        ("gemini-3.6-flash", 2, 0),
        ("gemini-3.5-flash-lite", 3, 40),
        ("gemini-old", None, 39),
    ]
    bus = Bus(fresh_nats.url("collector"), service="collector", instance="c1")
    await bus.connect()
    for number in range(1, 4):
        await bus.publish(_run(f"r{number}", 100.0 * number))
    await bus.publish(_run("r3", 300.0))
    await soon(lambda: _p95(health, 290.0))
    await bus.close()


async def test_a_question_that_breaks_a_rule_is_told_which_and_nothing_is_said_back(
    health: HealthProcess,
) -> None:
    for path, detail in BROKEN_QUESTIONS.items():
        answer = await health.http.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), path
        assert answer.json()["detail"].startswith(detail), (path, answer.json()["detail"])
        assert not {"yesterday", "onward", "KEEP", "speed", "btc"} & set(answer.text.split('"')), path
    several = await health.http.get("/api/v1/candles?market=btc&limit=0")
    assert several.json()["detail"].count("; ") == 1


async def test_since_is_the_moment_of_the_change_and_stays(health: HealthProcess, speak: Speak) -> None:
    await speak("collector", "c1")
    signaler = await speak("signaler", "s1")
    await soon(health.is_healthy)
    healthy = await _get(health, "/api/v1/status")
    assert healthy["since"] <= healthy["timestamp"]
    again = await _get(health, "/api/v1/status")
    assert again["since"] == healthy["since"]
    await signaler.fall_silent()
    await soon(lambda: health.has_status("unhealthy", 503))
    broken = await _get(health, "/api/v1/status")
    since = {part["name"]: part["since"] for part in broken["components"]}
    assert healthy["timestamp"] < since["gemini_api"] <= broken["timestamp"]
    assert since["upbit_api"] < since["gemini_api"]
    assert any(flaw.startswith("gemini_api: s1 (signaler) is silent") for flaw in broken["flaws"])


async def test_without_a_database_every_reading_path_says_so_and_the_status_goes_on(
    start_health: StartHealth,
) -> None:
    health = await start_health(f"postgresql://bongsu_health@{NOWHERE}/bongsu", f"nats://{NOWHERE}")
    for path in READING:
        answer = await health.http.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert answer.json()["detail"] == "PostgreSQL cannot be read at the moment; /health/detail says more"
    status = await _get(health, "/api/v1/status")
    # A full disk may be what keeps PostgreSQL from starting.
    assert "\nbongsu_disk_free_bytes " in (await health.http.get("/metrics")).text
    assert (status["status"], status["bus"], status["database"]) == ("unhealthy", False, False)
    assert (await _get(health, "/api/v1/jobs"))["jobs"] == []


async def test_a_long_answer_is_compressed_for_a_client_that_takes_it(
    health: HealthProcess, database_url: str
) -> None:
    async with store(database_url) as stored:
        await stored.candles(START, 200)
    for path, encoding in (
        ("/api/v1/candles?market=KRW-BTC&limit=1500", "gzip"),
        ("/openapi.json", "gzip"),
        ("/health/live", None),
    ):
        await soon(partial(health.answers, path, 200))
        compressed = await health.http.get(path)
        plain = await health.http.get(path, headers={"Accept-Encoding": "identity"})
        assert compressed.headers.get("content-encoding") == encoding
        assert "content-encoding" not in plain.headers
        assert compressed.content == plain.content


async def _get(health: HealthProcess, path: str) -> dict[str, Any]:
    answer = await health.http.get(path)
    assert answer.status_code == 200, (path, answer.text)
    return dict(answer.json())


async def _all_signals(health: HealthProcess, path: str, first: dict[str, Any] | None = None) -> list[str]:
    page = first or await _get(health, path)
    found = [signal["id"] for signal in page["signals"]]
    while page["next_cursor"]:
        page = await _get(health, f"{path}&cursor={page['next_cursor']}")
        found += [signal["id"] for signal in page["signals"]]
    return found


async def _ask_gemini(stored: Store) -> None:
    await stored.connection.executemany(
        "INSERT INTO gemini_usage VALUES ($1, $2, $3, $4, $5)",
        [
            (quota_day(utc_now()), "gemini-3.8-flash", 7, Decimal("0.01"), None),
            (quota_day(utc_now()), "gemini-3.6-flash", 3, Decimal(0), next_quota_day(utc_now())),
            (quota_day(utc_now()), "gemini-old", 1, Decimal(0), START),
            (quota_day(START), "gemini-3.8-flash", 9, Decimal(9), None),
        ],
    )


async def _holds(health: HealthProcess, key: str, value: object) -> bool:
    settings = (await _get(health, "/api/v1/config"))["settings"]
    return (key, value) in [(row["key"], row["value"]) for row in settings]


async def _p95(health: HealthProcess, wanted: float) -> bool:
    jobs = (await _get(health, "/api/v1/jobs"))["jobs"]
    [job] = [job for job in jobs if job["job_name"] == "data_collection"]
    assert (job["runs"], job["p95_ms"], job["last_outcome"]) == (3, wanted, "ok")
    return True


def _run(run_id: str, duration_ms: float) -> JobFinished:
    return JobFinished(
        service="collector",
        instance="c1",
        job_name="data_collection",
        run_id=run_id,
        outcome="ok",
        duration_ms=duration_ms,
        attempts=1,
        error=None,
        finished_at=utc_now(),
        trace_id="0af7651916cd43dd8448eb211c80319c",
    )


def _minute(number: int) -> str:
    moment: datetime = START + number * MINUTE
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
