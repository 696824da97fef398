"""Translation of asyncpg's errors: try again, wait until an operator has put it right, or give up."""

from __future__ import annotations

import asyncpg

from common.errors import PUT_RIGHT_SECONDS, PermanentError, ServiceError, TransientError

# InternalClientError is what asyncpg raises when a connection dies under it; it is no PostgresError.
CONNECTION_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)
# Classes and codes where the same statement may work later: connection, rollback, resources, shutdown, locks.
_TRANSIENT_SQLSTATES = ("08", "40", "53", "57", "55P03", "58")
# What an operator has to put right in the server: a password, a grant, a table, a database that may only be
# read, a broken file. No message is to blame for it, so it must not cost one.
_TO_BE_PUT_RIGHT_SQLSTATES = ("28", "3D", "3F", "42", "25", "F0", "XX")
# A table, a column.
_MISSING_SQLSTATES = ("42P01", "42703")
# What a server says to a login that will not become right by asking again.
_REFUSED_SQLSTATES = ("28", "3D")


def classify(error: Exception) -> ServiceError:
    """Return our error for one of asyncpg's, with the SQLSTATE and the first line, never the DETAIL."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        text = f"PostgreSQL says {state}: {str(error).splitlines()[0]}"
        if state.startswith(_TRANSIENT_SQLSTATES) or isinstance(error, asyncpg.PostgresConnectionError):
            return TransientError(text)
        if state in _MISSING_SQLSTATES:
            text += " (is every file of migrations/ applied?)"
        if state.startswith(_TO_BE_PUT_RIGHT_SQLSTATES):
            return TransientError(text, retry_after_seconds=PUT_RIGHT_SECONDS)
        return PermanentError(text)
    if isinstance(error, TimeoutError):
        return TransientError("PostgreSQL did not answer in time")
    return TransientError(f"PostgreSQL cannot be used: {type(error).__name__}: {error}")


def classify_refusal(error: Exception) -> ServiceError:
    """Return our error for a failed first login; a wrong password is permanent: it ends a start."""
    classified = classify(error)
    state = getattr(error, "sqlstate", None) or ""
    return PermanentError(str(classified)) if state.startswith(_REFUSED_SQLSTATES) else classified


def is_out_of_connections(error: BaseException) -> bool:
    """Return whether the server, or the role, has no connection left for who asked."""
    return isinstance(error.__cause__, asyncpg.TooManyConnectionsError)
