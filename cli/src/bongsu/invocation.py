"""Invocation of a command line: however it ends, it becomes an exit code and at most one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer._click.exceptions import UsageError as ClickUsageError

from bongsu.app import build_app
from bongsu.errors import EXIT_FAILED, EXIT_UNREACHABLE, EXIT_USAGE, CommandError, file_error
from bongsu.output import one_line
from bongsu.standard_streams import write_error
from common.errors import ServiceError, TransientError
from common.masking import mask_sensitive
from common.settings import SettingsError

EXIT_INTERRUPTED = 130


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command line; returns the exit code and the line for stderr, "" when there is none."""
    code, message = _outcome(list(arguments))
    return code, one_line(mask_sensitive(message))


def _outcome(arguments: list[str]) -> tuple[int, str]:
    try:
        code = build_app()(arguments, prog_name="bongsu", standalone_mode=False) or 0
        sys.stdout.flush()
    except CommandError as error:
        return error.exit_code, str(error)
    except SettingsError as error:
        return EXIT_USAGE, str(error)
    except (BrokenPipeError, SystemExit):
        # The reader of a pipe has left; typer makes an exit of it.
        return 0, ""
    except ClickException as error:
        return error.exit_code, _usage(error)
    except ServiceError as error:
        unreachable = isinstance(error, TransientError)
        return EXIT_UNREACHABLE if unreachable else EXIT_FAILED, str(error)
    except Exception as error:  # noqa: BLE001  the process ends here, and a person reads one line
        if isinstance(error, OSError) and error.filename and error.strerror:
            where = f"{error.filename}: {error.strerror}; check the path, and what you may do there"
            return file_error(error).exit_code, where
        return EXIT_FAILED, write_error(error) or _bug(error)
    # A run is ended by an interrupt, whenever it comes, and that is no failure.
    return 0 if code == EXIT_INTERRUPTED and arguments[:1] in (["up"], ["reconcile"]) else code, ""


def _usage(error: ClickException) -> str:
    if isinstance(error, NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")
        return ""
    # pydantic, which typer validates with, says so before each sentence of its own.
    text = error.format_message().replace("Value error, ", "").strip().rstrip(".")
    command = error.ctx.command_path if isinstance(error, ClickUsageError) and error.ctx else "bongsu"
    # After "Did you mean 'status'?" a semicolon would be odd.
    return f"{text} See {command} --help" if text.endswith("?") else f"{text}; see {command} --help"


def _bug(error: Exception) -> str:
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_globals.get('__name__')}:{where.tb_lineno}" if where else sys.argv[0]
    text = str(error).partition("\n")[0]
    return f"this is a bug: {type(error).__name__} in {place}: {text}; please report it"
