"""Keyset pagination: an opaque token leads to the next page. Pure.

A token names the last row that was given, so rows that are added meanwhile are neither repeated nor skipped.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# Two numbers of 8 and 16 bytes.
_LENGTH = 24


@dataclass(frozen=True)
class PageToken:
    """The last row given: its place in the order, and its id, which decides between two of one moment."""

    moment: datetime
    id: UUID

    def __str__(self) -> str:
        """Return it as a caller gives it back."""
        microseconds = (self.moment - _EPOCH) // _MICROSECOND
        packed = microseconds.to_bytes(8, "big", signed=True) + self.id.bytes
        return base64.urlsafe_b64encode(packed).decode("ascii")

    @classmethod
    def parse(cls, text: str) -> PageToken:
        """Return what `str` made; ValueError for anything else."""
        try:
            packed = base64.b64decode(text, altchars=b"-_", validate=True)
            if len(packed) != _LENGTH:
                raise ValueError
            moment = _EPOCH + int.from_bytes(packed[:8], "big", signed=True) * _MICROSECOND
        except (ValueError, binascii.Error, OverflowError):
            raise ValueError("must be the next_cursor of an answer, unchanged") from None
        return cls(moment, UUID(bytes=packed[8:]))
