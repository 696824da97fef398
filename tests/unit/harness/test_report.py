"""Report of measures: no figure is lost to a later failure, and no text is taken for markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.finding import Finding, finding_page
from harness.report import parser, run

PAGE = finding_page("Title", "Measured on {machine}.", "acceptance")
# A test's id with brackets, as SC-007 reports it; [/api…] would close a tag that was never opened.
FAILED_TEST = "tests/test_x.py::test_x[/api/v1/status] and a | in it"


async def passing() -> list[Finding]:
    return [Finding("first", "`code` and `code`", "bar", FAILED_TEST, holds=True)]


async def failing() -> list[Finding]:
    raise OSError("no disk")


async def interrupted() -> list[Finding]:
    raise SystemExit


def test_brackets_in_a_figure_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    run({"first": passing}, PAGE, None)
    printed = capsys.readouterr().out
    assert "test_x[/api/v1/status]" in printed
    assert "`code` and" in printed
    assert "`make" not in printed


def test_a_measure_that_ends_with_an_error_is_a_row_that_fails(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    findings = run({"first": passing, "second": failing}, PAGE, file)
    assert [(finding.promise, finding.holds) for finding in findings] == [("first", True), ("second", False)]
    lines = file.read_text().splitlines()
    assert FAILED_TEST.replace("|", r"\|") in lines[-2]
    assert "OSError: no disk" in lines[-1]
    assert lines[-1].endswith("| `make acceptance ARGS=second` | **FAIL** |")


def test_the_figures_of_finished_measures_are_written_although_a_later_one_ends_the_process(
    tmp_path: Path,
) -> None:
    file = tmp_path / "page.md"
    with pytest.raises(SystemExit):
        run({"first": passing, "second": interrupted, "third": passing}, PAGE, file)
    assert FAILED_TEST.replace("|", r"\|") in file.read_text()
    assert "Not measured: second, third." in file.read_text()


def test_an_unknown_name_ends_with_2_and_says_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert parser("make x", "", ["a", "b"]).parse_args([]).names == []
    assert parser("make x", "", ["a", "b"]).parse_args(["b"]).names == ["b"]
    with pytest.raises(SystemExit) as ended:
        parser("make x", "", ["a", "b"]).parse_args(["c"])
    assert ended.value.code == 2
    assert "unknown name 'c'; known are a, b" in capsys.readouterr().err
