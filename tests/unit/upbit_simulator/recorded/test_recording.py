"""A recording is read exactly, and a broken one is refused in one clear sentence."""

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from upbit_simulator.encoding import utc
from upbit_simulator.market.candles import MINUTE_MS, candle_of
from upbit_simulator.recorded.market import RecordedMarket
from upbit_simulator.recorded.recording import RecordingError, load_recording

CANDLE = {
    "market": "KRW-BTC",
    "candle_date_time_utc": "2020-02-20T11:19:00",
    "candle_date_time_kst": "2020-02-20T20:19:00",
    "opening_price": 11509000.0,
    "high_price": 11511000.0,
    "low_price": 11489000.0,
    "trade_price": 11498000.0,
    "timestamp": 1582197598691,
    "candle_acc_trade_price": 30279009.54681,
    "candle_acc_trade_volume": 2.63267824,
    "unit": 1,
}
HEADER = "exchange_time_utc,market,price_krw\n"


def candle(**changes: object) -> dict[str, object]:
    return {key: value for key, value in {**CANDLE, **changes}.items() if value is not None}


def written(folder: Path, text: str | bytes, name: str = "recording") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_candles_keep_every_digit(tmp_path: Path) -> None:
    text = json.dumps([candle()]).replace("30279009.54681", "30279009.546812345678901234")
    found = load_recording(written(tmp_path, text)).by_market["KRW-BTC"].candles[0]
    assert found.value == Decimal("30279009.546812345678901234")
    assert found.opening == Decimal(11509000)


def test_a_candle_recording_starts_at_its_first_minute_and_ends_two_seconds_after_its_last(
    tmp_path: Path,
) -> None:
    later = candle(candle_date_time_utc="2020-02-20T11:21:00", timestamp=1582197665000)
    recording = load_recording(written(tmp_path, json.dumps([later, candle()])))
    assert utc(recording.first_ms) == datetime(2020, 2, 20, 11, 19, tzinfo=UTC)
    assert utc(recording.end_ms) == datetime(2020, 2, 20, 11, 22, 2, tzinfo=UTC)
    assert recording.by_market["KRW-BTC"].records == 2


def test_ticks_of_several_markets_have_their_own_spans(tmp_path: Path) -> None:
    lines = (
        "2026-01-13T09:59:00.461Z,KRW-BTC,135895000\n"
        "2026-01-13T09:59:59.000Z,KRW-BTC,135890000\n"
        "2026-01-14T01:00:01.000Z,KRW-XRP,3128\n"
    )
    recording = load_recording(written(tmp_path, gzip.compress((HEADER + lines).encode()), "ticks.csv.gz"))
    assert recording.markets == ("KRW-BTC", "KRW-XRP")
    assert utc(recording.by_market["KRW-XRP"].first_ms) == datetime(2026, 1, 14, 1, 0, 1, tzinfo=UTC)
    first = recording.by_market["KRW-BTC"].candles[0]
    assert (first.opening, first.low) == (Decimal(135895000), Decimal(135890000))
    assert (first.volume, first.value) == (Decimal(0), Decimal(0))
    assert utc(recording.end_ms) == datetime(2026, 1, 14, 1, 1, 2, tzinfo=UTC)


def test_the_inside_of_a_recorded_minute_adds_up_to_the_candle(tmp_path: Path) -> None:
    market = RecordedMarket(load_recording(written(tmp_path, json.dumps([candle()]))))
    minute = 1582197540000 // MINUTE_MS
    [recorded] = market.candles("KRW-BTC", minute, minute + 1, 1)
    trades = market.trades("KRW-BTC", minute)
    assert candle_of(recorded.open_ms, trades) == recorded
    assert len({trade.price for trade in trades}) > 1


def test_a_flat_minute_without_volume_is_fine(tmp_path: Path) -> None:
    flat = dict.fromkeys(("opening_price", "high_price", "low_price", "trade_price"), 3128)
    nothing = {"candle_acc_trade_price": 0, "candle_acc_trade_volume": 0.0}
    early = {"timestamp": 1582197540000}
    market = RecordedMarket(
        load_recording(written(tmp_path, json.dumps([candle(**flat, **nothing, **early)])))
    )
    assert sum(trade.volume for trade in market.trades("KRW-BTC", 1582197540000 // MINUTE_MS)) == 0


BROKEN_CANDLES = {
    "another unit": (candle(unit=3), "unit is 3"),
    "no market": (candle(market=None), "market is missing"),
    "a price as text": (candle(high_price="11511000"), "high_price is missing or not a number"),
    "a price of zero": (candle(low_price=0), "low_price must be above 0"),
    "high below low": (candle(high_price=1.0), "high_price highest"),
    "half a minute": (candle(candle_date_time_utc="2020-02-20T11:19:30"), "not a whole minute"),
    "no such day": (candle(candle_date_time_utc="2020-02-31T11:19:00"), "is not a time"),
    "negative volume": (candle(candle_acc_trade_volume=-1), "must not be negative"),
    "another time's timestamp": (candle(timestamp=1), "timestamp must be"),
    "no number": (candle(trade_price=float("nan")), "NaN is not a JSON number"),
    "too many digits": (candle(trade_price=11498000123456789012345678), "must be below"),
    "not an object": ("text", "not a candle object"),
    "a unit without end": (candle(unit=10**400), "unit is 1000000000000000000000000000000000000000 where"),
    "the end of the calendar": (candle(candle_date_time_utc="9999-12-31T23:59:00"), "within the years 1970"),
}


BROKEN_TICKS = {
    "a column missing": ("2026-01-13T09:59:00Z,KRW-BTC", "2 columns"),
    "no time": ("yesterday,KRW-BTC,1", "not a time"),
    "no offset": ("2026-01-13T09:59:00,KRW-BTC,1", "must be UTC"),
    "Korean time": ("2026-01-13T09:59:00+09:00,KRW-BTC,1", "must be UTC"),
    "no market": ("2026-01-13T09:59:00Z,bitcoin,1", "not written like KRW-BTC"),
    "no price": ("2026-01-13T09:59:00Z,KRW-BTC,much", "not a number above 0"),
    "a price below zero": ("2026-01-13T09:59:00Z,KRW-BTC,-1", "not a number above 0"),
    "an endless price": ("2026-01-13T09:59:00Z,KRW-BTC,1e999999", "not a number above 0"),
    "a price with a thousands sign": ("2026-01-13T09:59:00Z,KRW-BTC,1_000", "not a number above 0"),
    "a price in other digits": ("2026-01-13T09:59:00Z,KRW-BTC,１", "not a number above 0"),
    "an exponent without end": (f"2026-01-13T09:59:00Z,KRW-BTC,1e{'9' * 30}", "not a number above 0"),
    "the end of the calendar": ("9999-12-31T23:59:59Z,KRW-BTC,1", "within the years 1970 to 9998"),
    "a price that is no number": ("2026-01-13T09:59:00Z,KRW-BTC,nan", "not a number above 0"),
}


GOOD = json.dumps(candle())
EARLIER = json.dumps(candle(candle_date_time_utc="2020-02-20T11:18:00", timestamp=1582197538422))
BROKEN = {
    name: (f"[\n{EARLIER},\n{json.dumps(row)}\n]\n", rule) for name, (row, rule) in BROKEN_CANDLES.items()
} | {
    f"tick: {name}": (f"{HEADER}2026-01-13T09:59:00Z,KRW-BTC,1\n{line}\n", rule)
    for name, (line, rule) in BROKEN_TICKS.items()
}


@pytest.mark.parametrize(("text", "rule"), BROKEN.values(), ids=BROKEN)
def test_a_broken_candle_or_tick_is_refused_with_file_line_and_rule(
    tmp_path: Path, text: str, rule: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(RecordingError) as refusal:
        load_recording(path)
    message = str(refusal.value)
    assert message.startswith(f"{path}, line 3: ")
    assert rule in message
    assert "\n" not in message


BROKEN_FILES = {
    "empty": (b"", "the file is empty"),
    "only spaces": (b" \n", "the file is empty"),
    "an object": (b'{"market": "KRW-BTC"}', "line 1: not a recording"),
    "another csv": (b"time,price\n1,2\n", "line 1: not a recording"),
    "binary": (b"[\n\xff\xfe", "line 2: not UTF-8"),
    "another alphabet's bytes": (HEADER.encode("utf-16"), "line 1: not UTF-8"),
    "semicolons": (HEADER.replace(",", ";").encode(), "line 1: not a recording"),
    "lines of JSON": (f"{GOOD}\n{GOOD}\n".encode(), "line 1: not a recording"),
    "nested without end": (b"[" * 100_000, "line 1: not JSON (nested too deep)"),
    "no candle": (b"[]", "the array has no candle"),
    "no tick": (HEADER.encode(), "no tick below the header"),
    "cut off": (f"[\n{GOOD},\n{GOOD[:50]}".encode(), "line 3: not JSON"),
    "cut off between candles": (f"[\n{GOOD}".encode(), "line 2: the JSON array is cut off"),
    "text after": (f"[{GOOD}]\nmore".encode(), "text follows the JSON array"),
    "a minute twice": (f"[{GOOD},\n{GOOD}]".encode(), "line 2: a second candle"),
    "damaged gzip": (gzip.compress(GOOD.encode())[:30], "the gzip data is damaged"),
}


@pytest.mark.parametrize("name", BROKEN_FILES)
def test_a_file_that_is_no_recording_is_refused(tmp_path: Path, name: str) -> None:
    content, rule = BROKEN_FILES[name]
    path = written(tmp_path, content)
    with pytest.raises(RecordingError) as refusal:
        load_recording(path)
    assert str(path) in str(refusal.value)
    assert rule in str(refusal.value)
    assert "; " in str(refusal.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no such file"):
        load_recording(tmp_path / "nothing.json")
    with pytest.raises(RecordingError, match="can't be read"):
        load_recording(tmp_path)
