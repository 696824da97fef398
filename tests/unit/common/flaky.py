"""A dependency that fails as it is set."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import TransientError

# The first call and its three retries.
TRIES = 4


def soon(message: str = "503") -> TransientError:
    """An error whose server asked for next to no wait."""
    return TransientError(message, retry_after_seconds=0.001)


class Upbit:
    """A dependency that answers with these errors, then with `fine`; it counts its requests."""

    def __init__(self, errors: Iterable[Exception] = ()) -> None:
        self.errors = list(errors)
        self.requests = 0

    async def ask(self, market: str = "KRW-BTC") -> str:
        self.requests += 1
        if self.errors:
            raise self.errors.pop(0)
        return f"fine {market}"
