"""Which commands does `bongsu` have?"""

from __future__ import annotations

import typer

from bongsu.commands.candles import candles
from bongsu.commands.config import config
from bongsu.commands.dead import dead
from bongsu.commands.gaps import gaps
from bongsu.commands.jobs import jobs
from bongsu.commands.migrate import migrate
from bongsu.commands.reconcile import reconcile
from bongsu.commands.signals import signals
from bongsu.commands.status import status
from bongsu.up.command import up


def build_app() -> typer.Typer:
    """Return the command line with all its commands."""
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Bitcoin signals for Upbit, and a truthful health answer.",
    )
    for command in (up, status, signals, candles, gaps, jobs, migrate, reconcile):
        app.command()(command)
    app.add_typer(config, name="config")
    app.add_typer(dead, name="dead")
    return app
