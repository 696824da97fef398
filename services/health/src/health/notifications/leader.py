"""Leader election by a lease in the stream CLAIMS, which also is the checkpoint of what was delivered.

Records are numbered and CLAIMS takes one of each number, so of two writers of the next one, one wins.
The writer of the newest record leads; its heartbeats renew the lease, which ends with the instance's
liveness, 15 s after the last. Where CLAIMS cannot be reached every replica
leads, because a notification that comes twice is better than one that never comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import timedelta

from nats.errors import Error as NatsError
from nats.js.errors import APIError, NotFoundError
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from common.bus.broker import Bus
from common.clock import utc_now
from common.errors import TransientError
from common.jobs.claims import CLAIMED_BY_ANOTHER
from common.streams import CLAIM_SUBJECT, CLAIMS
from health.schemas import OverallStatus

NAME = "notifications"
LIMIT_SECONDS = 2.0
# CLAIMS keeps records for a day.
RENEWED_AFTER = timedelta(hours=8)


class Checkpoint(BaseModel):
    """One record.

    Attributes:
        leader: The instance that wrote it.
        status: The overall state delivered last, `healthy` before any; None while one is being delivered.
        dead_sequence: Up to where dead letters were delivered; None before the first look at DEAD.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 0
    leader: str = ""
    status: OverallStatus | None = "healthy"
    dead_sequence: int | None = None
    at: AwareDatetime = Field(default_factory=utc_now)


class Leader:
    """The leadership among replicas.

    Args:
        live_instances: Returns the instances whose heartbeats come.
    """

    def __init__(self, bus: Bus, *, instance: str, live_instances: Callable[[], Collection[str]]) -> None:
        self._bus = bus
        self._instance = instance
        self._live_instances = live_instances
        self._lock = asyncio.Lock()
        self._unrecorded: OverallStatus | None = None
        self.is_leader = False
        self.checkpoint = Checkpoint()

    async def acquire(self) -> None:
        """Take the lease where no live instance holds it, or keep it; else read what its holder delivered.

        An instance that delivered a state which it could not record takes the lease also from a live holder:
        only it knows what a person read last.
        """
        async with self._lock:
            try:
                newest = await self._newest()
                is_held = newest.leader == self._instance
                is_free = not is_held and newest.leader not in self._live_instances()
                is_old = is_held and utc_now() - newest.at > RENEWED_AFTER
                if self._unrecorded or is_free or is_old:
                    status = self._unrecorded or newest.status
                    self.is_leader = await self._write(newest.model_copy(update={"status": status}))
                else:
                    self.is_leader, self.checkpoint = is_held, newest
            except TransientError:
                self.is_leader = True

    async def record(self, **delivered: object) -> bool:
        """Write down fields of the checkpoint; return whether this instance still leads.

        What cannot be written now is kept, and written by the next `acquire` that reaches CLAIMS.
        """
        async with self._lock:
            checkpoint = self.checkpoint.model_copy(update=delivered)
            try:
                self.is_leader = await self._write(checkpoint)
                is_written = self.is_leader
            except TransientError:
                self.checkpoint, is_written = checkpoint, False
            if not is_written and "status" in delivered:
                self._unrecorded = checkpoint.status or self._unrecorded
            return self.is_leader

    async def _newest(self) -> Checkpoint:
        """Return the newest record, an empty one where there is none.

        Raises:
            TransientError: CLAIMS cannot be read.
        """
        if not self._bus.is_connected:
            raise TransientError("NATS is away")
        try:
            found = await self._bus.jetstream.get_last_msg(CLAIMS, _subject("*"))
        except NotFoundError:
            return Checkpoint()
        except (NatsError, OSError, TimeoutError) as error:
            raise TransientError(f"{CLAIMS} cannot be read: {type(error).__name__}") from error
        number = int((found.subject or "").rpartition(".")[2])
        try:
            return Checkpoint.model_validate_json(found.data or b"").model_copy(update={"number": number})
        except ValidationError:
            # Another version's: what it delivered is not known.
            return Checkpoint(number=number, status=None)

    async def _write(self, checkpoint: Checkpoint) -> bool:
        """Store a checkpoint as the next record; False where another one has its number.

        Raises:
            TransientError: CLAIMS did not take it. Should it have, `acquire` finds it.
        """
        if not self._bus.is_connected:
            raise TransientError("NATS is away")
        record = checkpoint.model_copy(
            update={"number": checkpoint.number + 1, "leader": self._instance, "at": utc_now()}
        )
        try:
            await self._bus.jetstream.publish(
                _subject(str(record.number)),
                record.model_dump_json().encode(),
                timeout=LIMIT_SECONDS,
                stream=CLAIMS,
            )
        except APIError as error:
            if error.err_code == CLAIMED_BY_ANOTHER:
                return False
            raise TransientError(f"{CLAIMS} takes no record: {error.description}") from error
        except (NatsError, OSError, TimeoutError) as error:
            raise TransientError(f"{CLAIMS} did not answer: {type(error).__name__}") from error
        self.checkpoint, self._unrecorded = record, None
        return True


def _subject(number: str) -> str:
    return CLAIM_SUBJECT.format(service="health", job_name=NAME, unix_time=number)
