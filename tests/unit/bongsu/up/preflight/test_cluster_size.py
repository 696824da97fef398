"""Streams of one NATS server and of a cluster never meet in one data dir."""

from __future__ import annotations

from pathlib import Path

import pytest

from bongsu.errors import CommandError
from bongsu.servers.nats.cluster import server_names
from bongsu.up.options import Options
from bongsu.up.preflight.cluster_size import check_cluster_size


def _made_with(folder: Path, size: int) -> Path:
    for name in server_names(size):
        (folder / name).mkdir()
    return folder


@pytest.mark.parametrize("size", [1, 3, 5])
def test_a_data_dir_takes_its_own_number_again(tmp_path: Path, size: int) -> None:
    check_cluster_size(tmp_path, Options(nats_cluster=size))
    check_cluster_size(_made_with(tmp_path, size), Options(nats_cluster=size))


@pytest.mark.parametrize(
    ("made", "wanted", "said"),
    [
        (1, 3, "holds the streams of one NATS server, not of a cluster of 3 NATS servers, "),
        (3, 1, "holds the streams of a cluster of 3 NATS servers, not of one NATS server, "),
        (5, 3, "holds the streams of a cluster of 5 NATS servers, not of a cluster of 3 NATS servers, "),
    ],
)
def test_a_data_dir_refuses_another_number_with_the_command_to_type(
    tmp_path: Path, made: int, wanted: int, said: str
) -> None:
    options = Options(data_dir=_made_with(tmp_path, made), port=9000, nats_cluster=wanted)
    with pytest.raises(CommandError) as refusal:
        check_cluster_size(tmp_path, options)
    assert said in str(refusal.value)
    assert 'use a folder of its own: make run ARGS="--port 9000 --data-dir ' in str(refusal.value)
    assert ("--nats-cluster" in str(refusal.value)) == (wanted != 1)
