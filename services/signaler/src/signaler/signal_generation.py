"""The job `signal_generation`: a decision becomes a stored and published signal, and one recorded run."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from common.clock import utc_now
from common.config.keys import SIGNAL_MIN_CONFIDENCE
from common.config.repository import ConfigRepository
from common.events import CandlesClosed
from common.gemini_quota import quota_day
from common.jobs.states import JobStates
from common.jobs.tracking import JobOwner, track_job
from common.masking import mask_sensitive
from common.telemetry.spans import current_trace_id
from signaler.decider import Decider, Decision, decision_seconds
from signaler.domain.answer import apply_minimum
from signaler.domain.gemini.prompt import PROMPT_VERSION
from signaler.domain.market.look_back import LookBack, build_look_back, window_start
from signaler.domain.market.snapshot import Snapshot, take_snapshot
from signaler.outbox import SignalOutbox
from signaler.repository import NewSignal, SignalRepository

JOB = "signal_generation"
# Any fixed UUID: the same interval of the same market has the same signal id on every replica.
_NAMESPACE = uuid.UUID("6d0f3f5e-6b1c-5d6e-9f43-2f3c6a2b8e10")


@dataclass(frozen=True, kw_only=True)
class SignalGeneration:
    """The job `signal_generation`; `generate` and `skip` are one run each."""

    repository: SignalRepository
    decider: Decider
    config: ConfigRepository
    outbox: SignalOutbox
    owner: JobOwner
    job_states: JobStates

    async def load_look_back(
        self, market: str, interval_end: datetime, page: CandlesClosed | None
    ) -> LookBack:
        """Read what is known of the minutes before `interval_end`."""
        start = window_start(interval_end)
        # The gaps first: one that is resolved in between leaves minutes uncovered, never wrongly covered.
        gaps = await self.repository.gaps(market, start, interval_end)
        candles = await self.repository.stored_candles(market, start, interval_end)
        return build_look_back(interval_end, candles, gaps, page)

    async def generate(self, market: str, look_back: LookBack, interval_minutes: int) -> None:
        """Decide, store, publish; raises TransientError, and is recorded as failed, where that fails."""
        self.job_states.record_start(JOB)
        async with track_job(JOB, owner=self.owner):
            snapshot = take_snapshot(market, look_back)
            decision = await self.decider.decide(snapshot, within_seconds=decision_seconds(interval_minutes))
            signal = await self.repository.insert_signal(await self._new_signal(snapshot, decision))
            await self.outbox.publish(signal)

    async def skip(self, reason: str, *, message: str, count: int = 1) -> None:
        """Record runs that are not made: `late` or `stale_data`."""
        async with track_job(JOB, owner=self.owner) as run:
            run.skip(reason, count=count)
            run.error = message

    async def _new_signal(self, snapshot: Snapshot, decision: Decision) -> NewSignal:
        answer = apply_minimum(decision.answer, await self.config.get(SIGNAL_MIN_CONFIDENCE))
        transcript, last, failure = decision.transcript, decision.transcript.last, decision.failure
        input_tokens, output_tokens = transcript.tokens()
        latency = transcript.latency_ms()
        return NewSignal(
            id=uuid.uuid5(_NAMESPACE, f"{snapshot.market}/{snapshot.candle_timestamp:%Y-%m-%dT%H:%MZ}"),
            market=snapshot.market,
            candle_timestamp=snapshot.candle_timestamp,
            signal_type=answer.action,
            confidence=Decimal(str(answer.confidence)),
            reasoning=answer.reasoning,
            source="rule" if failure else "gemini",
            cause=mask_sensitive(f"{failure.cause}: {failure}") if failure else None,
            model_requested=last.model if last else None,
            model_served=last.usage.model_served if last else None,
            prompt_version=PROMPT_VERSION,
            snapshot=snapshot.canonical_json(),
            request=last.request_text if last else None,
            response=last.response_text if last else None,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            latency_ms=None if latency is None else Decimal(str(latency)),
            cost_usd=transcript.cost_usd(quota_day(utc_now())),
            price_at_signal=snapshot.price,
            config_revision=self.config.revision,
            trace_id=current_trace_id(),
        )
