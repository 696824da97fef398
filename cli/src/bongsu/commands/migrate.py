"""`bongsu migrate`: roles, migrations and first settings of a database, made once."""

from __future__ import annotations

import asyncio
import os
import time
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

import typer
from pydantic import BaseModel, ConfigDict, Field

from bongsu.context import AsJson
from bongsu.errors import CommandError, UnreachableError, UsageError
from bongsu.output import print_json, say
from bongsu.provisioning import migrations
from bongsu.provisioning.roles import ROLES, VARIABLE, make_roles
from bongsu.up.data_source import SOURCES, Market, live, simulated
from bongsu.up.seeding import seed
from common.settings import DatabaseUrl, load_settings

RETRY_SECONDS = 0.5
AUTHOR = "bongsu migrate"


class MigrateSettings(BaseModel):
    """The database and the passwords of its roles; each URL also as `<NAME>_FILE`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl = Field(alias="DATABASE_URL")
    superuser_database_url: DatabaseUrl | None = Field(default=None, alias=VARIABLE)
    collector_database_url: DatabaseUrl | None = Field(default=None, alias="COLLECTOR_DATABASE_URL")
    signaler_database_url: DatabaseUrl | None = Field(default=None, alias="SIGNALER_DATABASE_URL")
    health_database_url: DatabaseUrl | None = Field(default=None, alias="HEALTH_DATABASE_URL")
    market_source: Literal["upbit", "simulator"] = Field(default="upbit", alias="MARKET_SOURCE")

    @property
    def superuser(self) -> str | None:
        """The superuser's URL, None where the roles are made by hand."""
        url = self.superuser_database_url
        return url.get_secret_value() if url else None

    def passwords(self) -> dict[str, str]:
        """Return the password of each role; UsageError where a URL is missing or names another role."""
        urls = {
            "DATABASE_URL": self.database_url,
            "COLLECTOR_DATABASE_URL": self.collector_database_url,
            "SIGNALER_DATABASE_URL": self.signaler_database_url,
            "HEALTH_DATABASE_URL": self.health_database_url,
        }
        found = {}
        for role, (name, url) in zip(ROLES, urls.items(), strict=True):
            parts = urlsplit(url.get_secret_value() if url else "")
            if parts.username != role or not parts.password:
                raise UsageError(
                    f"{name}: must name the user {role} with a password, since {VARIABLE} is set; correct it"
                )
            found[role] = unquote(parts.password)
        return found


def migrate(
    wait: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, max=600, help="How long to wait for the server.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make the roles, apply the migrations, end. Safe to repeat.

    DATABASE_URL names bongsu_admin. With SUPERUSER_DATABASE_URL also the roles are made and get the passwords
    of DATABASE_URL, COLLECTOR_DATABASE_URL, SIGNALER_DATABASE_URL and HEALTH_DATABASE_URL; each may come from
    a file that <NAME>_FILE names.

    As in: bongsu migrate --wait 30
    """
    settings = load_settings(MigrateSettings, os.environ)
    roles, applied = asyncio.run(_migrate(settings, wait_seconds=wait))
    if as_json:
        print_json({"roles": roles, "migrations": applied})
        return
    for role in roles:
        say(f"role {role} is made")
    for name in applied:
        say(f"{name} is applied")
    say("the database is as this version needs it")


async def _migrate(settings: MigrateSettings, *, wait_seconds: float) -> tuple[list[str], list[str]]:
    """Return which roles are new, and which files ran."""
    passwords = settings.passwords() if settings.superuser else {}
    url = settings.database_url.get_secret_value()
    await _until_up(settings.superuser or url, wait_seconds)
    roles = await make_roles(settings.superuser, passwords) if settings.superuser else []
    applied = await migrations.apply(url)
    market = simulated() if settings.market_source == "simulator" else live()
    await _refuse_another(url, market)
    await seed(url, market, author=AUTHOR)
    return roles, applied


async def _until_up(url: str, seconds: float) -> None:
    """Return once the server takes connections, or at the deadline: the next step then says what is wrong."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            async with migrations.connected(url):
                return
        except UnreachableError:
            await asyncio.sleep(RETRY_SECONDS)


async def _refuse_another(url: str, market: Market) -> None:
    """Raise CommandError where the stored prices are of another market: real and simulated ones never mix."""
    async with migrations.connected(url) as connection:
        stored = await connection.fetchval("SELECT source FROM market_data LIMIT 1")
    wanted = SOURCES[market.kind]
    if stored not in (None, wanted):
        raise CommandError(
            f"the database holds prices of {stored}, and MARKET_SOURCE is {wanted}: prices of two markets"
            " never mix; use another database, in Compose another COMPOSE_PROJECT_NAME"
        )
