"""Error tree: its two branches say whether trying again helps.

ServiceError
├── TransientError        trying again helps: timeout, connection lost, 429, 5xx
│   └── PoolExhaustedError    every database connection of this service's share is in use
└── PermanentError        it does not: bad payload, bad key, unknown market
    └── StaleRevisionError    a setting was changed since it was read
"""

from __future__ import annotations

from datetime import datetime

# How long a try waits for an operator to put a server right (a grant, a table): once a minute is no storm.
PUT_RIGHT_SECONDS = 60.0


class ServiceError(Exception):
    """A failure that an adapter has classified; the message is safe to show, it carries no secret."""


class TransientError(ServiceError):
    """Trying again helps.

    Args:
        retry_after_seconds: The wait that the server itself asked for; it wins over any computed delay.
    """

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class PoolExhaustedError(TransientError):
    """No database connection became free within the limit."""

    def __init__(self, *, waited_seconds: float, in_use: int, maximum: int) -> None:
        super().__init__(
            f"no database connection became free in {waited_seconds:.1f} s: "
            f"{in_use} of at most {maximum} are in use"
        )
        self.waited_seconds = waited_seconds
        self.in_use = in_use
        self.maximum = maximum


class PermanentError(ServiceError):
    """Trying again does not help; something has to be changed first."""


class StaleRevisionError(PermanentError):
    """A setting was changed since it was read; it has to be read again before it is changed.

    Args:
        expected: The revision it was read at, 0 for a setting without a row.
        revision: The revision it has, 0 where its row is gone; then `changed_by` is None.
        changed_at: UTC.
    """

    def __init__(
        self, *, key: str, expected: int, revision: int, changed_by: str | None, changed_at: datetime | None
    ) -> None:
        change = f", changed by {changed_by} at {changed_at:%Y-%m-%dT%H:%M:%SZ}" if changed_at else ""
        super().__init__(
            f"{key} is now at revision {revision}{change or ' (no row, the default holds)'}; read it again"
        )
        self.key = key
        self.expected = expected
        self.revision = revision
        self.changed_by = changed_by
        self.changed_at = changed_at
