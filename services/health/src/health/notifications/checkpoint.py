"""What was told last, and which replica tells? The newest record in the stream CLAIMS says so.

Records are numbered, and CLAIMS takes one of each number: of two replicas that write the next one, one wins.
A record is written before a state is told, as what is being told, and again when it is out. Whoever wrote the
newest one tells, for as long as it lives.
"""

from __future__ import annotations

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


class Told(BaseModel):
    """One record.

    Attributes:
        teller: The instance that wrote it.
        status: The overall state told last, or seen first; None where nobody knows.
        telling: The state that is being told, of which nobody knows before the next record whether it is out.
        dead_sequence: Up to where dead messages were told; None where nobody knows.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 0
    teller: str = ""
    status: OverallStatus | None = None
    telling: OverallStatus | None = None
    dead_sequence: int | None = None
    at: AwareDatetime = Field(default_factory=utc_now)

    def says_the_same_as(self, other: Told) -> bool:
        """Tell whether the same was told, whoever wrote it."""
        mine, theirs = ((told.status, told.telling, told.dead_sequence) for told in (self, other))
        return mine == theirs

    def last_known(self, seen: OverallStatus) -> OverallStatus:
        """Return what a person may believe, to whoever goes on telling and sees another state now.

        A state that was being told is told again where it still holds, and taken back where it does not.
        """
        if self.telling and self.telling != seen:
            return self.telling
        return self.status or seen


class ToldRecords:
    """The records; every method raises TransientError while the bus is away."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def newest(self) -> Told | None:
        """Return the newest record, None where there is none; they are kept for a day."""
        try:
            found = await self._bus.jetstream.get_last_msg(CLAIMS, _subject("*"))
        except NotFoundError:
            return None
        except (NatsError, OSError, TimeoutError) as error:
            raise TransientError(f"{CLAIMS} cannot be read: {type(error).__name__}") from error
        number = int((found.subject or "").rpartition(".")[2])
        try:
            return Told.model_validate_json(found.data or b"").model_copy(update={"number": number})
        except ValidationError:
            # Another version's; it is followed all the same.
            return Told(number=number)

    async def write(self, told: Told) -> bool:
        """Store a record; False where its number is taken by another one."""
        body = told.model_dump_json().encode()
        try:
            await self._bus.jetstream.publish(
                _subject(str(told.number)), body, timeout=LIMIT_SECONDS, stream=CLAIMS
            )
        except APIError as error:
            if error.err_code == CLAIMED_BY_ANOTHER:
                return False
            raise TransientError(f"{CLAIMS} takes no record: {error.description}") from error
        except (NatsError, OSError, TimeoutError) as error:
            # The answer was lost, the record perhaps not.
            newest = await self.newest()
            if newest != told:
                raise TransientError(f"{CLAIMS} did not answer: {type(error).__name__}") from error
        return True


def _subject(number: str) -> str:
    return CLAIM_SUBJECT.format(service="health", job_name=NAME, unix_time=number)
