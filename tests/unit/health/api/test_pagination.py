"""Page tokens: one comes back as it went, anything else is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from health.api.pagination import PageToken

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOMENTS = st.timedeltas(timedelta(0), timedelta(days=47_000)).map(lambda age: EPOCH + age)


@given(MOMENTS, st.uuids())
def test_a_cursor_comes_back_to_the_microsecond(moment: datetime, row: UUID) -> None:
    assert PageToken.parse(str(PageToken(moment, row))) == PageToken(moment, row)


@given(st.text() | st.binary().map(lambda raw: raw.hex()))
def test_what_is_no_cursor_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be the next_cursor of an answer, unchanged$"):
        PageToken.parse(text)


def test_a_moment_beyond_all_time_is_refused() -> None:
    beyond = "f" * 32
    with pytest.raises(ValueError, match="next_cursor"):
        PageToken.parse(beyond)
