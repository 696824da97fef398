"""How does Upbit write a value as JSON text? Pure.

Numbers keep their exact decimal digits: REST candles and trades carry 8 decimals, rates 10.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

KST = timezone(timedelta(hours=9))
_STEP = {places: Decimal(1).scaleb(-places) for places in (1, 8, 10, 16)}


class RawJson(str):
    """Text that goes into a body as it is; faults use it for numbers that JSON does not have."""

    __slots__ = ()


type JsonValue = (
    str | int | bool | Decimal | None | RawJson | Mapping[str, "JsonValue"] | Sequence["JsonValue"]
) if False else object  # noqa: placeholder
