"""How does each way a command can end become one line and an exit code?"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError
from typer._click.exceptions import UsageError as ClickUsageError

from bongsu.app import build_app
from bongsu.errors import EXIT_FAILED, EXIT_UNREACHABLE, CommandError
from common.errors import ServiceError, TransientError
from common.masking import mask_sensitive

EXIT_INTERRUPTED = 130


def run(arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command line; returns the exit code and the line for stderr, "" when there is none."""
    try:
        result = build_app()(list(arguments), prog_name="bongsu", standalone_mode=False)
    except CommandError as error:
        return error.exit_code, mask_sensitive(str(error))
    except typer.Exit as exit_:
        return exit_.exit_code, ""
    except typer.Abort:
        # How typer calls an interrupt; `up` has its own end for one, and that is no failure.
        return 0 if list(arguments[:1]) == ["up"] else EXIT_INTERRUPTED, ""
    except BrokenPipeError:
        return 0, ""
    except ClickException as error:
        return error.exit_code, _usage(error)
    except ServiceError as error:
        unreachable = isinstance(error, TransientError)
        return EXIT_UNREACHABLE if unreachable else EXIT_FAILED, mask_sensitive(str(error))
    except Exception as error:  # noqa: BLE001  the process ends here, and a person reads one line
        return EXIT_FAILED, _bug(error)
    return result if isinstance(result, int) else 0, ""


def _usage(error: ClickException) -> str:
    if isinstance(error, NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")
        return ""
    text = mask_sensitive(error.format_message()).strip()
    command = error.ctx.command_path if isinstance(error, ClickUsageError) and error.ctx else "bongsu"
    return f"{text.rstrip('.')}; see {command} --help"


def _bug(error: Exception) -> str:
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    place = f"{where.tb_frame.f_globals.get('__name__')}:{where.tb_lineno}" if where else sys.argv[0]
    text = mask_sensitive(str(error)).splitlines()[:1]
    return f"this is a bug: {type(error).__name__} in {place}: {''.join(text)}"
