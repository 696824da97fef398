"""Migrations run once, in order, and whole or not at all."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from bongsu.errors import CommandError
from bongsu.provisioning import migrations


def _write(folder: Path, name: str, sql: str) -> None:
    (folder / name).write_text(sql)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The real migrations as already applied, and room for more."""
    for path in migrations.default_folder().glob("*.sql"):
        _write(tmp_path, path.name, path.read_text())
    return tmp_path


async def test_a_new_file_runs_once(database_url: str, folder: Path) -> None:
    _write(folder, "9001_shelf.sql", "CREATE TABLE shelf (width int);")
    assert await migrations.apply(database_url, folder=folder) == ["9001_shelf.sql"]
    assert await migrations.apply(database_url, folder=folder) == []


async def test_two_at_the_same_time_run_a_file_once(database_url: str, folder: Path) -> None:
    _write(folder, "9001_shelf.sql", "CREATE TABLE shelf (width int); SELECT pg_sleep(0.2);")
    both = await asyncio.gather(*(migrations.apply(database_url, folder=folder) for _ in range(2)))
    assert sorted(both) == [[], ["9001_shelf.sql"]]


async def test_a_file_that_changed_after_it_ran_is_named(database_url: str, folder: Path) -> None:
    _write(folder, "9001_shelf.sql", "CREATE TABLE shelf (width int);")
    await migrations.apply(database_url, folder=folder)
    _write(folder, "9001_shelf.sql", "CREATE TABLE shelf (height int);")
    with pytest.raises(CommandError, match=r"9001_shelf\.sql: was changed after it had been applied"):
        await migrations.apply(database_url, folder=folder)


async def test_a_file_that_fails_changes_nothing(database_url: str, folder: Path) -> None:
    _write(folder, "9001_shelf.sql", "CREATE TABLE shelf (width int); SELECT 1 / 0;")
    with pytest.raises(CommandError, match=r"9001_shelf\.sql: division by zero"):
        await migrations.apply(database_url, folder=folder)
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT to_regclass('shelf')") is None
    await connection.close()


def test_a_file_name_that_breaks_the_rule_is_refused(tmp_path: Path) -> None:
    _write(tmp_path, "shelf.sql", "")
    with pytest.raises(CommandError, match=r"NNNN_name\.sql"):
        migrations.read_migrations(tmp_path)
