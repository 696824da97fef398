"""Which runtime settings hold, and how is one changed? `bongsu config get|set|list`."""

from __future__ import annotations

import asyncio
import getpass
from typing import Annotated, Any

import typer

from bongsu.errors import UnreachableError, UsageError
from bongsu.output import print_json, print_table, say
from bongsu.repository import database, settings_in_force
from bongsu.running_stack import DEFAULT_DATA_DIR, AsJson, DataDir, RunningStack, find_stack
from common.bus import Bus
from common.cache import TTLCache
from common.config_keys import REGISTRY, find_key, parse_value
from common.config_store import ConfigRepository
from common.database import Database
from common.errors import PermanentError, TransientError
from common.events import ConfigChanged

CONNECT_SECONDS = 3.0

config = typer.Typer(no_args_is_help=True, help="Read and change runtime settings; no restart is needed.")

Key = Annotated[str, typer.Argument(help="Name of the setting; `bongsu config list` shows all.")]


@config.command("get")
def get(key: Key, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print one setting's value."""
    _known(key)
    value = asyncio.run(_read(find_stack(data_dir), [key]))[key]
    if as_json:
        print_json({"key": key, "value": value})
    else:
        say(_spelled(value))


@config.command("set")
def set_(
    key: Key,
    value: Annotated[str, typer.Argument(help='The new value: JSON, as in 15, true or ["KRW-BTC"].')],
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Change one setting for every running service."""
    try:
        checked = parse_value(key, value)
    except PermanentError as error:
        raise UsageError(str(error)) from error
    revision, told = asyncio.run(_write(find_stack(data_dir), key, checked))
    say(f"{key} = {_spelled(checked)} (revision {revision})")
    if not told:
        say("NATS cannot be reached now; the services find the change by themselves within 30 s")


@config.command("list")
def list_(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print every setting: value, default, who set it, meaning."""
    stack = find_stack(data_dir)
    values, set_by = asyncio.run(_read_all(stack))
    rows: list[dict[str, Any]] = [
        {
            "key": name,
            "value": values[name],
            "default": key.default,
            "revision": set_by.get(name, {}).get("revision"),
            "updated_by": set_by.get(name, {}).get("updated_by"),
            "rule": key.rule,
            "meaning": key.meaning,
        }
        for name, key in REGISTRY.items()
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        "Settings",
        ("key", "value", "default", "set by", "meaning"),
        [
            (row["key"], _spelled(row["value"]), _spelled(row["default"]), row["updated_by"], row["meaning"])
            for row in rows
        ],
    )


def _known(key: str) -> None:
    try:
        find_key(key)
    except PermanentError as error:
        raise UsageError(str(error)) from error


def _spelled(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return str(value)


async def _read(stack: RunningStack, keys: list[str]) -> dict[str, Any]:
    async with database(stack.database_url) as opened:
        repository = _repository(opened)
        return {key: await repository.get_value(key) for key in keys}


async def _read_all(stack: RunningStack) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    values = await _read(stack, list(REGISTRY))
    async with database(stack.database_url) as opened:
        return values, await settings_in_force(opened)


def _repository(opened: Database) -> ConfigRepository:
    async def nobody(_: ConfigChanged) -> None:
        """Nothing is set through this one."""

    return ConfigRepository(opened, TTLCache(), nobody)


async def _write(stack: RunningStack, key: str, value: object) -> tuple[int, bool]:
    told = True

    async def tell(event: ConfigChanged) -> None:
        nonlocal told
        told = await _publish(stack.nats_url, event)

    async with database(stack.database_url) as opened:
        repository = ConfigRepository(opened, TTLCache(), tell)
        revision = await repository.set_value(key, value, changed_by=_who())
    return revision, told


async def _publish(nats_url: str, event: ConfigChanged) -> bool:
    """Tell every instance; False where the bus is away, the value is committed all the same."""
    if not nats_url:
        return False
    bus = Bus(nats_url, service="cli", instance="config")
    try:
        await asyncio.wait_for(bus.connect(), CONNECT_SECONDS)
        await bus.publish(event)
    except (TimeoutError, TransientError):
        return False
    except PermanentError as error:
        raise UnreachableError(f"the value is set, but {error}") from error
    finally:
        await bus.close()
    return True


def _who() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a container's user without a name
        return "cli"
