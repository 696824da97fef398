"""The interface of a service: what it adds to the runtime, built by its `app.py`."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from common.events import ComponentState


class Service(Protocol):
    """Starts, stops and reports its components; everything else the runtime has."""

    async def start(self) -> None:
        """Begin to work; the bus and the database are open."""

    async def stop(self) -> None:
        """Take no more work; ends within two seconds."""

    def components(self) -> tuple[ComponentState, ...]:
        """Return what this instance knows of the health answer's components; must not wait."""


@runtime_checkable
class EarlyService(Service, Protocol):
    """A service that works before the bus and the database are there; it waits for them without a limit."""

    async def prepare(self) -> None:
        """Begin what needs neither; called once, before anything is connected."""
