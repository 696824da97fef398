"""Which dead messages came after a given one? Read one by one; nothing is taken out of the stream."""

from __future__ import annotations

from nats.errors import Error as NatsError
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from common.bus.broker import Bus
from common.errors import TransientError
from common.streams import DEAD


async def next_dead(bus: Bus, after: int) -> RawStreamMsg | None:
    """Return the oldest message in DEAD behind a sequence, None without one.

    Raises:
        TransientError: The bus is away.
    """
    try:
        return await bus.jetstream.get_msg(DEAD, seq=after + 1, subject=">", next=True)
    except NotFoundError:
        return None
    except (NatsError, OSError, TimeoutError) as error:
        raise TransientError(f"{DEAD} cannot be read: {type(error).__name__}") from error
