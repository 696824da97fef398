"""The newest lines of several files, in order, however large and odd the files are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bongsu.logs.files import BLOCK_BYTES, LogFile, newest_lines
from bongsu.logs.lines import Level
from servers.fixtures import passable_folder

BEGIN = datetime(2026, 11, 27, tzinfo=UTC)


def written(second: float, event: str = "x", level: str = "info") -> str:
    time = (BEGIN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")
    return json.dumps({"timestamp": time, "event": event, "level": level}) + "\n"


def events(folder: Path, *, level: Level = Level.DEBUG, lines: int | None = None) -> list[str]:
    files = [LogFile(path) for path in sorted(folder.glob("*.log"))]
    return [line.message for line in newest_lines(files, level, limit=lines)]


def test_lines_of_all_files_come_in_the_order_of_time(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written(1, "one") + written(3, "three"))
    (tmp_path / "b.log").write_text(written(2, "two") + written(4, "four", "error"))
    assert events(tmp_path) == ["one", "two", "three", "four"]
    assert events(tmp_path, lines=2) == ["three", "four"]
    assert events(tmp_path, level=Level.WARNING, lines=2) == ["four"]


def test_what_was_set_aside_at_a_start_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "a.log.1").write_text(written(1, "before"))
    (tmp_path / "a.log").write_text(written(2, "after"))
    assert events(tmp_path) == ["before", "after"]


def test_a_traceback_stays_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written(1, "one") + "Traceback\n  boom\n" + written(2, "two"))
    one, two = newest_lines([LogFile(tmp_path / "a.log")], Level.DEBUG)
    assert (one.following, two.following) == (("Traceback", "  boom"), ())


def test_a_line_longer_than_a_block_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(written(1, "y" * 3 * BLOCK_BYTES) + written(2, "two"))
    assert events(tmp_path) == ["y" * 3 * BLOCK_BYTES, "two"]


@given(st.lists(st.integers(0, 3 * BLOCK_BYTES // 40), max_size=40))
def test_no_line_is_lost_wherever_the_blocks_end(lengths: list[int]) -> None:
    names = [f"{number}:{'z' * length}" for number, length in enumerate(lengths)]
    with passable_folder() as folder:
        (folder / "a.log").write_text("".join(written(n, name) for n, name in enumerate(names)))
        assert events(folder) == names


def test_what_is_added_comes_once_and_only_as_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(written(1, "old"))
    file = LogFile(path)
    assert file.added() == []
    half = written(3, "half")
    with path.open("a") as log:
        log.write(written(2, "new") + half[:10])
    assert [line.message for line in file.added()] == ["new"]
    with path.open("a") as log:
        log.write(half[10:])
    assert [line.message for line in file.added()] == ["half"]
    path.write_text(written(4))
    assert [line.message for line in file.added()] == ["x"]
