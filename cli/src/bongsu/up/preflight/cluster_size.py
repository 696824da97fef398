"""Cluster size check: the streams of one NATS server and those of a cluster are not the same streams."""

from __future__ import annotations

from pathlib import Path

from bongsu.errors import CommandError
from bongsu.servers.nats.cluster import server_names
from bongsu.up.options import CLUSTER_SIZES, DEFAULT_DATA_DIR, Options, command_line


def check_cluster_size(folder: Path, options: Options) -> None:
    """Raise CommandError, with the command to type, where the data dir was made with another number.

    Args:
        folder: The data dir as the person wrote it.
    """
    held = [size for size in CLUSTER_SIZES if (folder / server_names(size)[-1]).is_dir()]
    if not held or options.nats_cluster == held[-1]:
        return
    wanted = options.nats_cluster
    suffix = "single" if wanted == 1 else f"cluster-{wanted}"
    other = folder.with_name(f"{DEFAULT_DATA_DIR.name}-{suffix}")
    raise CommandError(
        f"{folder} holds the streams of {_in_words(held[-1])}, not of {_in_words(wanted)}, which cannot take"
        f" them over; use a folder of its own: {command_line(options, data_dir=other)}"
    )


def _in_words(size: int) -> str:
    return "one NATS server" if size == 1 else f"a cluster of {size} NATS servers"
