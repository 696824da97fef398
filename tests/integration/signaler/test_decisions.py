"""Every way in which Gemini can fail ends in one decision: its own, or the rule's with a cause."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from common.clock import utc_now
from common.gemini_quota import next_quota_day, quota_day
from gemini_simulator.faults.kinds import ALL_KINDS
from integration.signaler.conftest import KEY
from integration.signaler.running import configure, generations, rows
from servers.simulators import Simulator
from servers.waiting import HANG_SECONDS
from signaler.decider import Decider, Decision
from signaler.domain.gemini.errors import GeminiError
from signaler.domain.gemini.status import GeminiStatus
from signaler.domain.rule import rule_answer
from signaler.gemini import Gemini
from signaler.usage_repository import UsageRepository
from unit.signaler.market import snapshot_of, wavy_closes

SNAPSHOT = snapshot_of(wavy_closes(1500))
FIRST, SECOND = "gemini-3.8-flash", "gemini-3.6-flash"
# More than any decision takes that does not wait for Gemini.
SECONDS = 2 * HANG_SECONDS

ANSWER_REFUSED = {
    "max_tokens_empty", "truncated_json", "fenced_json", "trailing_comma", "prose_around_json", "wrong_types",
    "extra_keys", "malformed_json", "nan_confidence", "confidence_out_of_range", "unknown_action",
    "stop_empty", "no_candidates", "no_parts", "no_finish_reason", "safety", "prohibited_content",
    "recitation", "prompt_blocked", "malformed_function_call", "unexpected_tool_call", "wrong_price",
    "broken_json_200",
}  # fmt: skip
CAUSES = {
    "unavailable": "unavailable",
    "quota_per_minute": "rate_limited",
    "quota_per_day": "quota_exhausted",
    "limit_zero": "quota_exhausted",
    "prepay_depleted": "quota_exhausted",
    "spend_cap": "quota_exhausted",
    "model_retired": "model_gone",
    "key_invalid": "key_refused",
    "auth_key_invalid": "key_refused",
    "key_leaked": "key_refused",
    "region": "request_refused",
    "deadline_exceeded": "unavailable",
    "http_error": "unavailable",
    "html_error": "unavailable",
    "slow": "unavailable",
    "drip": "unavailable",
    "hang": "unavailable",
    "reset": "unavailable",
} | dict.fromkeys(ANSWER_REFUSED, "answer_refused")


async def decide(decider: Decider) -> Decision:
    return await decider.decide(SNAPSHOT, within_seconds=SECONDS)


def cause_of(decision: Decision) -> str | None:
    return decision.failure.cause if decision.failure else None


@pytest.mark.parametrize("kind", [kind.name for kind in ALL_KINDS])
async def test_each_fault_ends_in_one_decision_with_its_cause(
    kind: str, decider: Decider, gemini_faults: Simulator, status: GeminiStatus
) -> None:
    # A server that names a delay beyond the decision's time is asked once.
    if kind == "quota_per_minute":
        gemini_faults.switch_on(kind, retry_delay_seconds="3400")
    else:
        gemini_faults.switch_on(kind)
    # Those are tried again until the time is up, however slow the machine; the others end by themselves.
    within_seconds = 1.0 if CAUSES.get(kind) == "unavailable" else SECONDS
    decision = await decider.decide(SNAPSHOT, within_seconds=within_seconds)
    assert cause_of(decision) == CAUSES.get(kind)
    if decision.failure:
        assert decision.answer == rule_answer(SNAPSHOT)
        assert KEY not in str(decision.failure)
        assert status.component().status == "warning"
    else:
        assert status.component().status == "healthy"
    assert kind != "quota_per_minute" or [each.model for each in decision.transcript.attempts] == [FIRST]


async def test_an_answer_of_gemini_is_taken_and_everything_said_is_kept(
    decider: Decider, usage: UsageRepository
) -> None:
    decision = await decide(decider)
    last = decision.transcript.last
    assert decision.failure is None
    assert last is not None
    assert SNAPSHOT.canonical_json().replace('"', '\\"') in (last.request_text or "")
    assert decision.answer.reasoning in (last.response_text or "").replace('\\\\\\"', '"')
    assert last.usage.model_served == FIRST
    used = await usage.usage(quota_day(utc_now()), FIRST)
    assert used.requests == 1
    assert used.cost_usd_of_day == decision.transcript.cost_usd(quota_day(utc_now())) != Decimal(0)


async def test_a_refused_answer_is_repaired_once(decider: Decider, gemini_faults: Simulator) -> None:
    gemini_faults.switch_on("fenced_json", count=1)
    decision = await decide(decider)
    assert decision.failure is None
    assert len(decision.transcript.attempts) == 2
    repair = decision.transcript.attempts[1].request_text or ""
    assert "cannot be used: the text is not one JSON object" in repair


async def test_a_model_that_is_gone_leaves_the_question_to_the_next(
    decider: Decider, gemini_faults: Simulator
) -> None:
    gemini_faults.switch_on("model_retired", model=FIRST)
    decision = await decide(decider)
    assert decision.failure is None
    assert [attempt.model for attempt in decision.transcript.attempts] == [FIRST, SECOND]


async def test_a_spent_day_blocks_the_model_until_midnight_pacific_and_is_not_asked_again(
    decider: Decider, gemini_faults: Simulator, usage: UsageRepository
) -> None:
    gemini_faults.switch_on("quota_per_day", model=FIRST)
    await decide(decider)
    again = await decide(decider)
    assert [attempt.model for attempt in again.transcript.attempts] == [SECOND]
    used = await usage.usage(quota_day(utc_now()), FIRST)
    assert (used.requests, used.blocked_until) == (1, next_quota_day(utc_now()))


async def test_an_empty_account_is_asked_once_and_not_again_that_day(
    decider: Decider, gemini_faults: Simulator
) -> None:
    gemini_faults.switch_on("prepay_depleted")
    before = generations(gemini_faults)
    causes = [cause_of(await decide(decider)) for _ in range(3)]
    assert causes == ["quota_exhausted", "blocked", "blocked"]
    assert generations(gemini_faults) - before == 1


async def test_a_server_that_names_a_short_delay_is_given_it(
    decider: Decider, gemini_faults: Simulator
) -> None:
    gemini_faults.switch_on("quota_per_minute", count=1, retry_delay_seconds="0.3")
    started = time.monotonic()
    decision = await decide(decider)
    assert decision.failure is None
    assert time.monotonic() - started >= 0.3


async def test_the_budget_is_counted_before_each_attempt_and_never_passed(
    decider: Decider, database_url: str, gemini_faults: Simulator
) -> None:
    await configure(database_url, gemini_daily_request_budget=3, gemini_fallback_models=[])
    gemini_faults.switch_on("reset")
    before = generations(gemini_faults)
    decisions = [await decider.decide(SNAPSHOT, within_seconds=2.0) for _ in range(3)]
    counted = await rows(database_url, "SELECT requests FROM gemini_usage")
    attempts = sum(len(decision.transcript.attempts) for decision in decisions)
    assert attempts == counted[0]["requests"] == 3
    assert generations(gemini_faults) - before <= 3
    assert cause_of(decisions[-1]) == "budget_spent"


@pytest.mark.parametrize(
    ("setting", "causes"),
    [
        ({"gemini_daily_cost_budget_usd": "0.000001"}, [None, "budget_spent"]),
        ({"gemini_daily_request_budget": 0}, ["budget_spent"]),
    ],
)
async def test_money_spent_or_a_budget_of_nothing_stops_every_model(
    decider: Decider, database_url: str, setting: dict[str, object], causes: list[str | None]
) -> None:
    await configure(database_url, **setting)
    decisions = [await decide(decider) for _ in causes]
    assert [cause_of(decision) for decision in decisions] == causes
    assert decisions[-1].transcript.attempts == []


async def test_a_long_outage_costs_at_most_one_attempt_a_decision(
    decider: Decider, gemini_faults: Simulator
) -> None:
    gemini_faults.switch_on("hang")
    decisions = [await decider.decide(SNAPSHOT, within_seconds=2.0) for _ in range(3)]
    assert [len(decision.transcript.attempts) for decision in decisions] == [1] * 3


async def test_a_better_market_gets_another_answer(decider: Decider) -> None:
    rising = snapshot_of([90_000_000 + n * n * 40 + (n % 3) * 60_000 for n in range(300)])
    falling = snapshot_of([110_000_000 - n * n * 40 - (n % 3) * 60_000 for n in range(300)])
    up = await decider.decide(rising, within_seconds=SECONDS)
    down = await decider.decide(falling, within_seconds=SECONDS)
    assert (up.failure, down.failure) == (None, None)
    assert up.answer != down.answer


async def test_the_model_list_costs_nothing_and_fails_as_ours(
    gemini: Gemini, gemini_faults: Simulator, database_url: str
) -> None:
    assert FIRST in await gemini.list_models()
    gemini_faults.switch_on("models_list_fails")
    with pytest.raises(GeminiError):
        await gemini.list_models()
    assert await rows(database_url, "SELECT * FROM gemini_usage") == []


async def test_two_replicas_never_pass_the_budget_together(usage: UsageRepository) -> None:
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    day = quota_day(now)
    counted = await asyncio.gather(
        *(
            usage.count_request(day, FIRST, request_budget=5, cost_budget_usd=Decimal(1), now=now)
            for _ in range(12)
        )
    )
    assert sum(counted) == 5
