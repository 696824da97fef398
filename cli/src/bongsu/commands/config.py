"""Which runtime settings hold, and how is one changed? `bongsu config get|set|list`."""

from __future__ import annotations

import asyncio
import getpass
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from bongsu.errors import UsageError
from bongsu.output import note, print_json, print_table, say
from bongsu.repository import StoredSetting, database, stored_settings
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, find_stack
from bongsu.settings_in_force import Setting, settings_in_force, spelled
from common.bus import Bus
from common.cache import TTLCache
from common.config_keys import REGISTRY, ConfigKey, find_key, parse_value
from common.config_store import ConfigRepository
from common.errors import PermanentError, TransientError
from common.events import ConfigChanged

CONNECT_SECONDS = 3.0
NEGATIVE_NUMBER = re.compile(r"-(\.?\d|inf|nan).*", re.IGNORECASE)

config = typer.Typer(no_args_is_help=True, help="Read and change runtime settings; no restart is needed.")

Key = Annotated[
    str, typer.Argument(metavar="KEY", help="Name of the setting; `bongsu config list` shows all.")
]
Value = Annotated[
    str, typer.Argument(metavar="VALUE", help="The new value: 15, 0.6, true, a name, or a list in quotes.")
]


class NumbersAreNoOptions(TyperCommand):
    """A command that takes -5 as a value, to say what is wrong with it, and not as an unknown option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        ctx.ignore_unknown_options = any(NEGATIVE_NUMBER.fullmatch(word) for word in args)
        return super().parse_args(ctx, args)


@config.command("get")
def get(key: Key, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print one setting's value."""
    _known(key)
    setting = _read(data_dir)[key]
    if as_json:
        print_json({"key": key, "value": setting.value})
    else:
        say(spelled(setting.value))
    _note_invalid([setting])


@config.command("set", cls=NumbersAreNoOptions)
def set_(key: Key, value: Value, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Change one setting for every running service.

    A list needs quotes: bongsu config set markets '["KRW-BTC", "KRW-ETH"]'
    """
    checked = _checked(key, value)
    stack = find_stack(data_dir)
    revision, reason = asyncio.run(_write(stack.database_url, stack.nats_url, key, checked))
    say(f"{key} = {spelled(checked)} (revision {revision})")
    if reason:
        note(f"the services are not told now ({reason}); they find the change by themselves within 30 s")


@config.command("list")
def list_(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print every setting: value, default, who set it, meaning."""
    settings = _read(data_dir).values()
    if as_json:
        print_json([setting.as_json() for setting in settings])
    else:
        rows = [(setting.key.name, setting.in_words(), setting.key.meaning) for setting in settings]
        print_table("Settings", ("key", "value", "meaning"), rows, wrapped=2)
    _note_invalid(settings)


def _known(key: str) -> None:
    try:
        find_key(key)
    except PermanentError as error:
        raise UsageError(str(error)) from error


def _checked(key: str, text: str) -> object:
    _known(key)
    try:
        return parse_value(key, text)
    except PermanentError as error:
        raise UsageError(f"{error}{_how_to_quote(REGISTRY[key], str(error))}") from error


def _how_to_quote(key: ConfigKey[Any], problem: str) -> str:
    """Without quotes around a list the shell takes away those inside it."""
    if not isinstance(key.default, list) or key.rule not in problem:
        return ""
    return f"; quote it for the shell: bongsu config set {key.name} '{spelled(key.default)}'"


def _read(data_dir: Path) -> dict[str, Setting]:
    return settings_in_force(asyncio.run(_stored(find_stack(data_dir).database_url)))


def _note_invalid(settings: Iterable[Setting]) -> None:
    for setting in settings:
        if not setting.is_valid:
            note(
                f"{setting.key.name}: what is stored is not {setting.key.rule}; a service keeps the value it"
                " knew, or takes the default; set it again"
            )


async def _stored(database_url: str) -> dict[str, StoredSetting]:
    async with database(database_url) as opened:
        return await stored_settings(opened)


async def _write(database_url: str, nats_url: str, key: str, value: object) -> tuple[int, str]:
    """Return the new revision, and why the services could not be told, "" when they were."""
    reason = ""

    async def tell(event: ConfigChanged) -> None:
        nonlocal reason
        reason = await _publish(nats_url, event)

    async with database(database_url) as opened:
        repository = ConfigRepository(opened, TTLCache(), tell)
        revision = await repository.set_value(key, value, changed_by=_who())
    return revision, reason


async def _publish(nats_url: str, event: ConfigChanged) -> str:
    if not nats_url:
        return "NATS_URL is not known"
    bus = Bus(nats_url, service="cli", instance="config")
    try:
        await asyncio.wait_for(bus.connect(), CONNECT_SECONDS)
        await bus.publish(event)
    except TimeoutError:
        return "NATS cannot be reached"
    except (TransientError, PermanentError) as error:
        return str(error)
    finally:
        await bus.close()
    return ""


def _who() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli"
