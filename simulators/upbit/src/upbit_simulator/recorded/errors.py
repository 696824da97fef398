"""What is wrong with the file given to --replay? One sentence: file, line, rule, fix."""

from pathlib import Path


class RecordingError(Exception):
    """The recording (or its clock anchor) can't be used; the text is meant for the person who named it."""


def broken_line(path: Path, line: int, rule: str, fix: str) -> RecordingError:
    """Return the error for one line (1-based) of a recording."""
    return RecordingError(f"{path}, line {line}: {rule}; {fix}")
