"""Errors of commands: each is one line for the person who typed the command, and an exit code."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_UNREACHABLE = 69
EXIT_NOT_ALLOWED = 77


class CommandError(Exception):
    """One sentence that names the thing, the rule and the fix; `exit_code` says who can act."""

    exit_code = EXIT_FAILED


class UsageError(CommandError):
    """The command was called in a way it does not know."""

    exit_code = EXIT_USAGE


class UnreachableError(CommandError):
    """A server that the command needs does not answer."""

    exit_code = EXIT_UNREACHABLE


class NotAllowedError(CommandError):
    """A server or the file system knows who asks, or does not want to, and refuses."""

    exit_code = EXIT_NOT_ALLOWED


class ServerError(CommandError):
    """An embedded server did not do what it was started for.

    Args:
        server: Its name, as in "PostgreSQL".
        problem: What happened, without a final full stop.
        log: Where the server's own words are.
    """

    def __init__(self, server: str, problem: str, *, log: object = None) -> None:
        hint = f"; its log is {log}" if log else ""
        super().__init__(f"{server}: {problem}{hint}")


def file_error(error: OSError) -> type[CommandError]:
    """Return which of these an error of the file system is: not allowed, or failed."""
    return NotAllowedError if isinstance(error, PermissionError) else CommandError
