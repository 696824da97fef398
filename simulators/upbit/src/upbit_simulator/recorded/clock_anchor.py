"""Clock anchor: the file that says when a replay's clock started, in wall time, so that a restart goes on."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from upbit_simulator.market.clock import ReplayClock
from upbit_simulator.recorded.recording import Recording
from upbit_simulator.recorded.rules import RecordingError


@dataclass(frozen=True, slots=True)
class Anchor:
    """The wall time (Unix s) at which the clock of this recording stood at `first_record` (Unix ms)."""

    recording_sha256: str
    first_record: int
    wall_start: float
    speed: float


def replay_clock(
    recording: Recording, *, speed: float, path: Path | None, wall: Callable[[], float] = time.time
) -> ReplayClock:
    """Return the clock of this replay, going on from the anchor file where there is one.

    Raises:
        RecordingError: The anchor file is unreadable, or belongs to another recording.
    """
    found = _read(path) if path is not None else None
    anchor = Anchor(recording.sha256, recording.first_ms, wall(), speed)
    if found is not None and path is not None:
        _refuse_another_recording(found, anchor, path)
        anchor = _with_speed(found, speed, wall())
    if path is not None and anchor != found:
        _write(anchor, path)
    return ReplayClock(recording.first_ms, recording.end_ms, speed, anchor.wall_start, wall)


def _with_speed(found: Anchor, speed: float, now: float) -> Anchor:
    """Another speed from now on must not move the clock, so the start moves instead."""
    if found.speed == speed:
        return found
    elapsed = max(0.0, now - found.wall_start) * found.speed
    return Anchor(found.recording_sha256, found.first_record, now - elapsed / speed, speed)


def _refuse_another_recording(found: Anchor, wanted: Anchor, path: Path) -> None:
    if (found.recording_sha256, found.first_record) != (wanted.recording_sha256, wanted.first_record):
        raise RecordingError(
            f"{path}: this clock anchor belongs to another recording; name another --anchor file"
        )


def _read(path: Path) -> Anchor | None:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(
            f"{path}: the clock anchor can't be read ({error}); name another file"
        ) from error
    try:
        saved = json.loads(text)
        return Anchor(
            str(saved["recording_sha256"]),
            int(saved["first_record"]),
            float(saved["wall_start"]),
            float(saved["speed"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise RecordingError(
            f"{path}: not a clock anchor (recording_sha256, first_record, wall_start, speed); delete it"
        ) from error


def _write(anchor: Anchor, path: Path) -> None:
    """Written by rename, so a kill in between leaves the old anchor, never half of one."""
    try:
        part = path.with_name(path.name + ".part")
        part.write_text(json.dumps(asdict(anchor)) + "\n", encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecordingError(
            f"{path}: the clock anchor can't be written ({reason}); name a file in a folder you may write to"
        ) from error
