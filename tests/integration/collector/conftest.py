"""A login of the tests' own, beside the collector's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import asyncpg
import pytest

if TYPE_CHECKING:
    Admin = asyncpg.Connection[asyncpg.Record]


@pytest.fixture
async def admin(database_url: str) -> AsyncIterator[Admin]:
    """A connection to this test's database, as bongsu_admin."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()
