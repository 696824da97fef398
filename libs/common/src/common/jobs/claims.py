"""Claims: the replica whose claim the stream CLAIMS takes runs the job, and of each it takes one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError

from common.bus.broker import Bus
from common.errors import TransientError
from common.streams import CLAIM_SUBJECT, CLAIMS

if TYPE_CHECKING:
    from nats.js.api import RawStreamMsg

CLAIMED_BY_ANOTHER = 10077
CLAIM_SECONDS = 2.0


class Claims:
    """The claims of one instance of a service."""

    def __init__(self, bus: Bus, *, service: str, instance: str) -> None:
        self._bus = bus
        self._service = service
        self._body = instance.encode()

    async def claim(self, job_name: str, scheduled: int, *, interval_seconds: float) -> str | None:
        """Return the id of the run at this scheduled time, Unix seconds; None where it is another instance's.

        Raises:
            TransientError: The bus is away or does not take claims.
        """
        moment = str(scheduled)
        while not await self._try_claim(subject := self._subject(job_name, moment)):
            earlier = await self._from_before_a_step(subject, job_name, scheduled, interval_seconds)
            if earlier is None:
                return None
            # Replicas that meet the same old claim name the same one, so of those exactly one wins again.
            moment = f"{scheduled}-{earlier}"
        return f"{job_name}-{moment}"

    def _subject(self, job_name: str, unix_time: str) -> str:
        return CLAIM_SUBJECT.format(service=self._service, job_name=job_name, unix_time=unix_time)

    async def _try_claim(self, subject: str) -> bool:
        """Return whether the claim is this instance's."""
        try:
            await self._bus.jetstream.publish(subject, self._body, timeout=CLAIM_SECONDS, stream=CLAIMS)
        except APIError as error:
            if error.err_code == CLAIMED_BY_ANOTHER:
                self._bus.publish_failures.record_success(CLAIMS)
                return False
            self._bus.publish_failures.record_failure(CLAIMS, str(error.description))
            raise TransientError(f"{subject}: {error.description}") from error
        except (NatsError, OSError, TimeoutError) as error:
            self._bus.publish_failures.record_failure(CLAIMS, type(error).__name__)
            # The answer was lost, the claim perhaps not: who holds it is written in it.
            found = await self._last(subject)
            if found is None:
                raise TransientError(f"{subject} was not acknowledged: {type(error).__name__}") from error
            return found.data == self._body
        self._bus.publish_failures.record_success(CLAIMS)
        return True

    async def _from_before_a_step(
        self, subject: str, job_name: str, scheduled: int, interval_seconds: float
    ) -> int | None:
        """Return the number of the claim that holds `subject`, if wall time went back since; None otherwise.

        It did where an earlier time was claimed after it, or where the newest claim is for a time far ahead.
        """
        try:
            held, newest = await self._last(subject), await self._last(self._subject(job_name, "*"))
        except TransientError:
            return None
        if held is None or newest is None:
            return None
        newest_time = int((newest.subject or "").rpartition(".")[2].partition("-")[0])
        is_ahead = newest_time > time.time() + interval_seconds
        was_overtaken = (newest.seq or 0) > (held.seq or 0) and newest_time < scheduled
        return held.seq if is_ahead or was_overtaken else None

    async def _last(self, subject: str) -> RawStreamMsg | None:
        try:
            return await self._bus.jetstream.get_last_msg(CLAIMS, subject)
        except NotFoundError:
            return None
        except (NatsError, OSError, TimeoutError) as error:
            raise TransientError(f"{subject}: the bus is away: {type(error).__name__}") from error
