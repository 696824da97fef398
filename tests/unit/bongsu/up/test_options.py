"""Options that make sense together, and what to type otherwise."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from bongsu.errors import UsageError
from bongsu.up.options import Options, command_line, parse_replicas, validate_options

FILE = Path("hour.json")


@pytest.mark.parametrize(
    "options",
    [
        Options(port=0),
        Options(port=70_000),
        Options(speed=2.0),
        Options(live=True, replay=FILE),
        Options(replay=FILE, speed=0.0),
        Options(replay=FILE, speed=math.inf),
        Options(replay=FILE, speed=math.nan),
        Options(nats_cluster=2),
        Options(nats_cluster=7),
    ],
)
def test_options_that_contradict_each_other_are_refused(options: Options) -> None:
    with pytest.raises(UsageError):
        validate_options(options)


@pytest.mark.parametrize(
    "options", [Options(), Options(nats_cluster=3), Options(live=True), Options(replay=FILE, speed=0.5)]
)
def test_options_that_make_sense_are_taken(options: Options) -> None:
    validate_options(options)


def test_the_command_for_another_folder_keeps_every_other_option() -> None:
    options = Options(port=9000, replay=Path("my hour.json"), speed=60.0, plain=True, nats_cluster=3)
    assert command_line(options, data_dir=Path(".bongsu-replay")) == (
        "make run ARGS=\"--port 9000 --data-dir .bongsu-replay --replay 'my hour.json' --speed 60"
        ' --nats-cluster 3 --no-ui"'
    )


def test_replicas_are_read_by_service_and_repeated_in_the_command() -> None:
    replicas = parse_replicas("collector=2, signaler=3")
    assert replicas == {"collector": 2, "signaler": 3}
    assert "--replicas collector=2,signaler=3" in command_line(Options(replicas=replicas))


def test_without_the_option_nothing_runs_twice() -> None:
    assert parse_replicas(None) == {}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "''"),
        ("collector", "collector="),
        ("trader=2", "trader=2"),
        ("collector=0", "collector=0"),
        ("signaler=4", "from 1 to 3"),
        ("health=two", "health=two"),
        ("health=٢", "health=٢"),
        ("health=1.5", "health=1.5"),
        ("health=2,health=3", "named twice"),
    ],
)
def test_replicas_that_cannot_be_are_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_replicas(text)
    assert named in str(refused.value)
