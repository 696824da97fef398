"""The command starts, refuses, replays, restarts and stops as it says."""

import gzip
import json
import signal
import socket
import subprocess
import sys
from contextlib import AbstractContextManager
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from bongsu.servers.ports import free_port
from servers.simulators import HOURS, JANUARY, Simulator, needs_recordings, simulator
from servers.waiting import HANG_SECONDS, eventually_sync

TICKS = (
    "exchange_time_utc,market,price_krw\n"
    "2026-01-13T09:59:00.461Z,KRW-BTC,135895000\n"
    "2026-01-13T10:04:30.000Z,KRW-BTC,135890000\n"
    "2026-01-13T12:00:10.000Z,KRW-XRP,3128\n"
)


def upbit_simulator(*options: str) -> AbstractContextManager[Simulator]:
    return simulator("upbit_simulator", *options)


def refused(*options: str) -> str:
    """Return the one line with which the command refuses these options."""
    command = [sys.executable, "-m", "upbit_simulator", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANG_SECONDS, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def candles(running: Simulator, query: str) -> Any:
    return running.get(f"/v1/candles/minutes/1?{query}")


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.csv.gz"
    path.write_bytes(gzip.compress(TICKS.encode()))
    return path


def test_a_broken_recording_ends_the_command_with_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_text(TICKS + "2026-01-13T12:00:10.000Z,KRW-XRP,cheap\n")
    line = refused("--port", "1", "--replay", str(broken))
    assert line.startswith(f"upbit-simulator: {broken}, line 5: price_krw 'cheap'")
    assert "; correct or delete the line" in line


@needs_recordings
def test_three_minute_candles_are_refused() -> None:
    [path] = HOURS.parent.glob("upbit_3m_*.json")
    assert "unit is 3" in refused("--port", "1", "--replay", str(path))


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("--port", "99999"), "is not a port"),
        (("--port", "8000", "--speed", "0"), "is not a speed"),
        (("--port", "8000", "--what"), "unrecognized arguments"),
        ((), "required"),
    ],
)
def test_a_wrong_option_is_named(options: tuple[str, ...], rule: str) -> None:
    assert rule in refused(*options)


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"can't listen on 127.0.0.1:{port}" in refused("--port", str(port))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(number: signal.Signals) -> None:
    with upbit_simulator() as running:
        running.process.send_signal(number)
        assert running.process.wait(timeout=HANG_SECONDS) == 0
        assert "Traceback" not in running.process.communicate()[1]


def test_the_same_seed_is_the_same_market_in_another_process() -> None:
    query = "market=KRW-SOL&count=200&to=2026-03-11T14:41:00Z"
    with (
        upbit_simulator("--seed", "3") as one,
        upbit_simulator("--seed", "3") as other,
    ):
        assert candles(one, query) == candles(other, query)


def test_a_replay_runs_to_its_end_and_goes_on_serving_each_market_as_far_as_it_was_recorded(
    ticks: Path,
) -> None:
    with upbit_simulator("--replay", str(ticks), "--speed", "20000") as running:
        clock = eventually_sync(lambda: ended(running))
        assert (clock["mode"], clock["speed"]) == ("replay", 20000)
        assert clock["now"] == clock["end"] == "2026-01-13T12:01:02.000Z"
        assert clock["first"] == "2026-01-13T09:59:00.461Z"
        assert clock["markets"]["KRW-BTC"] == {
            "first": "2026-01-13T09:59:00.461Z",
            "last": "2026-01-13T10:04:30.000Z",
            "records": 2,
        }
        times = [row["candle_date_time_utc"] for row in candles(running, "market=KRW-BTC&count=200")]
        assert times == ["2026-01-13T10:04:00", "2026-01-13T09:59:00"]
        assert date_of(running, "/v1/market/all") == "2026-01-13T12:01:02+00:00"
        # Of the minutes after a market's own recording nothing is shown.
        path = "/v1/candles/minutes/1?market={}&count=1"
        assert date_of(running, path.format("KRW-BTC")) == "2026-01-13T10:05:02+00:00"
        assert date_of(running, path.format("KRW-XRP")) == "2026-01-13T12:01:02+00:00"


def date_of(running: Simulator, path: str) -> str:
    """Return an answer's `Date` in ISO 8601."""
    with urlopen(running.url + path, timeout=HANG_SECONDS) as answer:
        return parsedate_to_datetime(answer.headers["Date"]).isoformat()


def test_a_market_whose_first_record_is_ahead_answers_nothing(ticks: Path) -> None:
    with upbit_simulator("--replay", str(ticks)) as running:
        assert {row["market"] for row in running.get("/v1/market/all")} == {"KRW-BTC", "KRW-XRP"}
        assert candles(running, "market=KRW-XRP&count=200") == []
        assert candles(running, "market=KRW-XRP&count=200&to=2027-01-01T00:00:00Z") == []
        assert running.get("/v1/ticker?markets=KRW-XRP") == []
        assert [row["trade_price"] for row in candles(running, "market=KRW-BTC")] == [135895000]


def test_a_restart_goes_on_where_it_was(ticks: Path, tmp_path: Path) -> None:
    options = ("--replay", str(ticks), "--speed", "60", "--anchor", str(tmp_path / "anchor.json"))
    with upbit_simulator(*options) as first:
        before = first.get("/_control/clock")["now"]
    with upbit_simulator(*options) as second:
        after = second.get("/_control/clock")["now"]
    assert before < after < "2026-01-13T11:00:00"


def test_an_anchor_of_another_recording_is_refused(ticks: Path, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.json"
    anchor.write_text('{"recording_sha256": "other", "first_record": 0, "wall_start": 0, "speed": 1}')
    line = refused("--port", str(free_port()), "--replay", str(ticks), "--anchor", str(anchor))
    assert "belongs to another recording" in line


@needs_recordings
def test_recorded_candles_come_out_exactly(tmp_path: Path) -> None:
    wanted = json.loads(HOURS.read_text())
    with upbit_simulator("--replay", str(HOURS), "--speed", "20000") as running:
        eventually_sync(lambda: ended(running))
        assert candles(running, "market=KRW-BTC&count=200") == wanted


@needs_recordings
def test_the_january_ticks_keep_their_hole() -> None:
    with upbit_simulator("--replay", str(JANUARY), "--speed", "1000000") as running:
        clock = eventually_sync(lambda: ended(running))
        assert {code: market["records"] for code, market in clock["markets"].items()} == {
            "KRW-BTC": 19579,
            "KRW-XRP": 82198,
            "KRW-SOL": 39065,
        }
        times: list[str] = []
        page = candles(running, "market=KRW-BTC&count=200")
        while page:
            times += [row["candle_date_time_utc"] for row in page]
            page = candles(running, f"market=KRW-BTC&count=200&to={times[-1]}Z")
        assert len(times) == len(set(times)) == 594
        assert {row["candle_acc_trade_volume"] for row in candles(running, "market=KRW-SOL&count=200")} == {0}


def ended(running: Simulator) -> Any:
    clock = running.get("/_control/clock")
    return clock if clock["ended"] else None
