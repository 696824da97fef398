"""A slow place that cached values come from."""

from __future__ import annotations

import asyncio
from typing import Any


class Source:
    """Where values come from: reads its value at once, answers when open, counts its loads."""

    def __init__(self, value: object = "old", *, is_open: bool = True) -> None:
        self.value = value
        self.loads = 0
        self.opened = asyncio.Event()
        if is_open:
            self.opened.set()

    async def load(self) -> Any:
        self.loads += 1
        value = self.value
        await self.opened.wait()
        if isinstance(value, Exception):
            raise value
        return value
