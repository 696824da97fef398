"""`bongsu config get|set|list|history`: reads and changes runtime settings."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperCommand

from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.database.queries import database
from bongsu.database.setting_writer import write_settings
from bongsu.database.settings import Setting, settings_in_force, spelled
from bongsu.errors import UsageError
from bongsu.output import in_minutes, note, print_json, print_table, say
from common.config.keys import REGISTRY, find_key, parse_value
from common.config.queries import ConfigChange, StoredSetting, changes, stored_settings
from common.errors import PermanentError

NEGATIVE_NUMBER = re.compile(r"-(\.?\d|inf|nan).*", re.IGNORECASE)

config = typer.Typer(
    no_args_is_help=True,
    help="Read and change runtime settings; no restart is needed.\n\nAs in: bongsu config list",
)

KEY_HELP = "Name of the setting; `bongsu config list` shows all."


def _complete(incomplete: str) -> list[tuple[str, str]]:
    return [(name, key.meaning) for name, key in REGISTRY.items() if name.startswith(incomplete)]


Key = Annotated[str, typer.Argument(metavar="KEY", help=KEY_HELP, autocompletion=_complete)]
AnyKey = Annotated[str | None, typer.Argument(metavar="KEY", help=KEY_HELP, autocompletion=_complete)]
KeysAndValues = Annotated[
    list[str],
    typer.Argument(
        metavar="KEY VALUE",
        autocompletion=_complete,
        help="Settings and their new values: 15, 0.6, true, a name, or a list in quotes.",
    ),
]
IfRevision = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Only if it is still at this revision (shown by `config get --json`; 0: never set).",
    ),
]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=10_000, help="How many at most.")]


class NumbersAreNoOptions(TyperCommand):
    """A command that takes -5 as a value, to say what is wrong with it, and not as an unknown option."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        ctx.ignore_unknown_options = any(NEGATIVE_NUMBER.fullmatch(word) for word in args)
        return super().parse_args(ctx, args)


@config.command("get")
def get(key: Key, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print one setting's value.

    As in: bongsu config get signal_interval_minutes
    """
    _require_known(key)
    setting = _read(data_dir)[key]
    if as_json:
        print_json(
            {"key": key, "value": setting.value, "revision": setting.revision, "valid": setting.is_valid}
        )
    else:
        say(spelled(setting.value))
    _note_invalid([setting])


@config.command("set", cls=NumbersAreNoOptions)
def set_(
    words: KeysAndValues,
    if_revision: IfRevision = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Change settings for every service: all, or none.

    As in: bongsu config set backfill_days 7 retention_days 90

    A list needs quotes: bongsu config set markets '["KRW-BTC", "KRW-ETH"]'
    """
    values = _parse_values(words)
    if if_revision is not None and len(values) > 1:
        raise UsageError("--if-revision goes with one setting; set the others by commands of their own")
    expected = {} if if_revision is None else dict.fromkeys(values, if_revision)
    stack = load_context(data_dir)
    revisions, reason = asyncio.run(write_settings(stack.database_url, stack.nats_url, values, expected))
    if as_json:
        print_json(
            [{"key": key, "value": values[key], "revision": revision} for key, revision in revisions.items()]
        )
    else:
        for key, revision in revisions.items():
            say(f"{key} = {spelled(values[key])} (revision {revision})")
    if reason:
        note(f"the services are not notified now ({reason}); they find the change by themselves within 30 s")


@config.command("list")
def list_(data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print every setting: value, default, who set it, meaning.

    As in: bongsu config list --json
    """
    settings = _read(data_dir).values()
    if as_json:
        print_json([setting.as_json() for setting in settings])
    else:
        rows = [(setting.key.name, setting.in_words(), setting.key.meaning) for setting in settings]
        print_table("Settings", ("key", "value", "meaning"), rows, wrapped=2)
    _note_invalid(settings)


@config.command("history")
def history(
    key: AnyKey = None, limit: Limit = 20, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Print who changed what and when, newest first.

    As in: bongsu config history signal_interval_minutes --limit 5
    """
    if key is not None:
        _require_known(key)
    changes = asyncio.run(_changes(load_context(data_dir).database_url, key, limit))
    if as_json:
        print_json([asdict(change) for change in changes])
    elif not changes:
        say(f"no one has changed {key or 'a setting'} yet; the default holds")
    else:
        rows = [
            (
                *(in_minutes(change.changed_at), change.revision, change.key, change.changed_by),
                f"{_or_default(change.old_value)} → {_or_default(change.new_value)}",
            )
            for change in changes
        ]
        print_table("Changes, newest first (UTC)", ("when", "revision", "key", "by", "from → to"), rows)


def _or_default(value: object) -> str:
    return "(default)" if value is None else spelled(value)


def _require_known(key: str) -> None:
    try:
        find_key(key)
    except PermanentError as error:
        raise UsageError(str(error)) from error


def _parse_values(words: Sequence[str]) -> dict[str, object]:
    """Return the values by key, in the order typed; UsageError where one of them cannot be."""
    values: dict[str, object] = {}
    none_set = "nothing was set: " if len(words) > 2 else ""
    for key, text in zip(words[::2], words[1::2], strict=False):
        try:
            checked = parse_value(key, text)
        except PermanentError as error:
            raise UsageError(f"{none_set}{error}{_how_to_quote(key, str(error))}") from error
        if key in values:
            raise UsageError(f"{none_set}{key} is given twice")
        values[key] = checked
    if len(words) % 2:
        _require_known(words[-1])
        raise UsageError(f"{none_set}{words[-1]} has no value; see bongsu config set --help")
    return values


def _how_to_quote(name: str, problem: str) -> str:
    """Without quotes around a list the shell takes away those inside it."""
    key = REGISTRY.get(name)
    if key is None or not isinstance(key.default, list) or key.rule not in problem:
        return ""
    return f"; quote it for the shell: bongsu config set {name} '{spelled(key.default)}'"


def _read(data_dir: Path) -> dict[str, Setting]:
    async def stored(url: str) -> dict[str, StoredSetting]:
        async with database(url) as opened, opened.connection() as connection:
            return await stored_settings(connection)

    return settings_in_force(asyncio.run(stored(load_context(data_dir).database_url)))


def _note_invalid(settings: Iterable[Setting]) -> None:
    for setting in settings:
        if not setting.is_valid:
            note(
                f"{setting.key.name}: what is stored is not {setting.key.rule}; a service keeps the value it"
                " knew, or takes the default; set it again"
            )


async def _changes(database_url: str, key: str | None, limit: int) -> list[ConfigChange]:
    async with database(database_url) as opened:
        return await changes(opened, key=key, limit=limit)
