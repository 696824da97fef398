"""Real recordings, which lie beside the project; a test that needs them is skipped without."""

from __future__ import annotations

from pathlib import Path

import pytest

_DATA = Path(__file__).parents[3] / "shared" / "data"
HOURS = _DATA / "upbit_1m_20200220_170000-20200220_202000.json"
JANUARY = _DATA / "upbit_ticks_2026-01.csv.gz"

needs_recordings = pytest.mark.skipif(
    not (HOURS.is_file() and JANUARY.is_file()), reason=f"the real recordings are not in {_DATA}"
)
