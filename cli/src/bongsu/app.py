"""The command line `bongsu`, put together from its commands."""

from __future__ import annotations

import typer

from bongsu.commands.asyncapi import asyncapi
from bongsu.commands.candles import candles
from bongsu.commands.config import config
from bongsu.commands.dead import dead
from bongsu.commands.doctor import doctor
from bongsu.commands.gaps import gaps
from bongsu.commands.jobs import jobs
from bongsu.commands.logs import logs
from bongsu.commands.migrate import migrate
from bongsu.commands.reconcile import reconcile
from bongsu.commands.signals import signals
from bongsu.commands.status import status
from bongsu.commands.version import version, version_option
from bongsu.up.command import up


def build_app() -> typer.Typer:
    """Return the command line with all its commands."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Bitcoin signals for Upbit, and a truthful health answer.\n\nAs in: bongsu status",
        epilog="Exit codes: 0 fine, 1 failed, 2 usage, 69 unavailable, 77 not allowed.",
        callback=version_option,
    )
    for command in (up, status, doctor, candles, gaps, jobs, logs, migrate, reconcile, asyncapi, version):
        app.command()(command)
    for group, name in ((signals, "signals"), (config, "config"), (dead, "dead")):
        app.add_typer(group, name=name)
    return app
