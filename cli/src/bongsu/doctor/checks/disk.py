"""Disk check: compares the free room with what a year needs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bongsu.doctor.checks.database import TableSize
from bongsu.doctor.finding import Finding, ok, problem, warning
from bongsu.servers.postgres.paths import existing_cluster
from common.streams import STREAMS

CHECK = "disk"
MINUTES_A_DAY = 1440
DAYS = 365
MEGABYTE = 1024 * 1024
# Below this PostgreSQL and JetStream are about to refuse, whatever a year needs.
LEAST_FREE = 1024 * MEGABYTE
# Measured, indexes included; used until a table has enough rows of its own.
CANDLE_BYTES = 200
SIGNAL_BYTES = 6000
TELLING_ROWS = 1000
# Write-ahead log, and the processes' own logs.
FURTHER_BYTES = 512 * MEGABYTE


def free_bytes(folder: Path) -> int:
    """Return what is free where a folder is, or is to be made."""
    there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
    return shutil.disk_usage(there).free


def fullest_folder(data_dir: Path) -> Path:
    """Return the data folder, or where its PostgreSQL is when that has less room: root's may be elsewhere."""
    cluster = existing_cluster(data_dir / "postgres")
    return min((data_dir, cluster), key=free_bytes) if cluster else data_dir


def judge_disk(
    free: int,
    folder: Path,
    *,
    sizes: Mapping[str, TableSize],
    markets: int,
    interval_minutes: int,
    retention_days: int,
) -> Finding:
    """Judge the free bytes at `folder` by what a year adds to what is there. Pure."""
    needed = _year(sizes, markets, interval_minutes, retention_days)
    found = f"{_shown(free)} free at {folder}; a year needs up to {_shown(needed)} more"
    if free < LEAST_FREE:
        return problem(CHECK, found, "free some now: a full disk stops the store and the streams")
    if free < needed:
        return warning(CHECK, found, "free some, or: bongsu config set retention_days 90")
    return ok(CHECK, found)


def _year(sizes: Mapping[str, TableSize], markets: int, interval_minutes: int, retention_days: int) -> int:
    candles = (
        min(DAYS, retention_days) * MINUTES_A_DAY * markets * _row(sizes.get("market_data"), CANDLE_BYTES)
    )
    decided = DAYS * (MINUTES_A_DAY // interval_minutes) * markets
    signals = decided * _row(sizes.get("trading_signals"), SIGNAL_BYTES)
    tables = candles + signals - sum(size.bytes for size in sizes.values())
    streams = sum(stream.max_bytes or 0 for stream in STREAMS)
    return max(0, tables) + streams + FURTHER_BYTES


def _row(size: TableSize | None, usual: int) -> int:
    return size.bytes // size.rows if size and size.rows >= TELLING_ROWS else usual


def _shown(size: int) -> str:
    megabytes = size // MEGABYTE
    return f"{megabytes / 1024:.1f} GB" if megabytes >= 1024 else f"{megabytes} MB"
