"""Rights of an ordinary user: root may read everything."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ORDINARY_USER = 65534


@contextmanager
def as_an_ordinary_user() -> Iterator[None]:
    """Run the block with the rights of another user than root."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(ORDINARY_USER)
    try:
        yield
    finally:
        os.seteuid(user)
