"""Writer of settings: first the commit, then the event by which the services reload them."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Mapping

from bongsu.database.queries import database
from bongsu.errors import CommandError
from common.bus.broker import Bus
from common.cache import TTLCache
from common.config.repository import ConfigRepository
from common.errors import ServiceError, StaleRevisionError
from common.events import ConfigChanged

CONNECT_SECONDS = 3.0


async def write_settings(
    database_url: str, nats_url: str, values: Mapping[str, object], expected: Mapping[str, int]
) -> tuple[dict[str, int], str]:
    """Set all or none; return the new revisions, and why the services were not notified, "" when they were.

    Args:
        expected: The revision each of these keys must still have.

    Raises:
        CommandError: One of them has another, or PostgreSQL cannot be used; nothing was set.
    """
    publisher = _Publisher(nats_url)
    try:
        async with database(database_url) as opened:
            repository = ConfigRepository(opened, TTLCache(), publisher.publish)
            try:
                revisions = await repository.set_values(values, changed_by=_author(), if_revisions=expected)
            except StaleRevisionError as error:
                raise CommandError(str(error)) from error
    finally:
        await publisher.close()
    return revisions, publisher.reason


class _Publisher:
    """Publishes changes over one connection; `reason` is why it could not, "" when it could."""

    def __init__(self, nats_url: str) -> None:
        self.reason = "" if nats_url else "NATS_URL is not known"
        self._bus = Bus(nats_url, service="cli", instance="config") if nats_url else None

    async def publish(self, event: ConfigChanged) -> None:
        """Publish one event, unless an earlier one could not be sent: each would wait as long."""
        if self._bus is None or self.reason:
            return
        try:
            await asyncio.wait_for(self._bus.connect(), CONNECT_SECONDS)
            await self._bus.publish(event)
        except TimeoutError:
            self.reason = "NATS cannot be reached"
        except ServiceError as error:
            self.reason = str(error)

    async def close(self) -> None:
        """Disconnect."""
        if self._bus is not None:
            await self._bus.close()


def _author() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli"
