"""Masking of generated lines: another seed each run; a failure prints it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from acceptance.promises.masking_lines import SEED_VARIABLE, count_leaks, new_seed

LINES = 5000


def test_no_secret_survives_and_nothing_else_is_lost_in_generated_lines() -> None:
    found = count_leaks(LINES, new_seed())
    assert found.lines == LINES
    assert found.total == 0, f"repeat with {SEED_VARIABLE}={found.seed}:\n" + "\n".join(found.examples)


def test_the_same_seed_makes_the_same_lines_and_another_one_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SEED_VARIABLE, "7731")
    assert new_seed() == 7731
    first, again, other = (_lines(seed) for seed in (7731, 7731, 7732))
    assert first == again
    assert first != other


def _lines(seed: int) -> list[str]:
    lines: list[str] = []

    def keep(text: str) -> str:
        lines.append(text)
        return text

    count_leaks(50, seed, keep)
    return lines


@pytest.mark.parametrize(
    ("broken", "wrong"),
    [
        (lambda text: text, "leaked"),
        (lambda _: "***", "over_masked"),
        (lambda _: "***", "torn"),
        (lambda text: text + "*", "unstable"),
    ],
)
def test_a_mask_that_does_not_work_is_found_out(broken: Callable[[str], str], wrong: str) -> None:
    found = count_leaks(200, 1, broken)
    assert getattr(found, wrong) > 0
    assert found.total > 0
    assert 0 < len(found.examples) <= 10
