"""Poison messages of every kind, each made from a good page. Pure."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from common.events import MAX_MESSAGE_BYTES, MAX_TEXT_CHARACTERS, CandlesClosed

Page = dict[str, Any]
Poison = Callable[[random.Random, CandlesClosed], bytes]
STRUCTURE = '{}[]:,"'


def _bytes(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _changed(change: Callable[[random.Random, Page], object]) -> Poison:
    """Return a poison that is a good page after `change`; what that returns, if anything, is sent instead."""

    def poison(rng: random.Random, page: CandlesClosed) -> bytes:
        document = page.model_dump(mode="json")
        instead = change(rng, document)
        return _bytes(document if instead is None else instead)

    return poison


def _first_candle(**values: object) -> Poison:
    return _changed(lambda _, page: page["candles"][0].update(values))


def _price_as_it_stands(spelling: str) -> Poison:
    """Return a poison whose first price is spelled without quotes, as no JSON library would."""
    return lambda _, page: _with_price(page, spelling)


def _with_price(page: CandlesClosed, spelling: str) -> bytes:
    document = page.model_dump(mode="json")
    document["candles"][0]["open"] = "PRICE"
    return _bytes(document).replace(b'"PRICE"', spelling.encode())


def _without_a_field(rng: random.Random, page: Page) -> None:
    part = rng.choice([page, page["candles"][0]])
    del part[rng.choice([name for name in part if name != "repair_run_id"])]


def _with_a_wrong_type(rng: random.Random, page: Page) -> None:
    part = rng.choice([page, page["candles"][0]])
    name = rng.choice([name for name in part if name != "repair_run_id"])
    part[name] = rng.choice([None, True, {}, {"is": "not"}, [[]], "no", -1.5])


def _one_sign_broken(rng: random.Random, page: CandlesClosed) -> bytes:
    text = page.model_dump_json()
    at = rng.choice([place for place, sign in enumerate(text) if sign in STRUCTURE])
    return (text[:at] + "#" + text[at + 1 :]).encode()


def _cut(rng: random.Random, page: CandlesClosed) -> bytes:
    body = page.model_dump_json().encode()
    return body[: rng.randrange(len(body))]


def _open_brackets(rng: random.Random, _: CandlesClosed) -> bytes:
    # 100,000 now and then: thousands of them would fill the stream before they had shown anything.
    deep = 100_000 if rng.random() < 0.02 else rng.randint(1, 3000)
    return rng.choice([b"[", b'{"a":']) * deep


def _nested(rng: random.Random, page: Page) -> None:
    value: object = 0
    for _ in range(rng.randint(16, 400)):
        value = [value] if rng.random() < 0.5 else {"a": value}
    page["added_later"] = value


def _too_large(rng: random.Random, page: CandlesClosed) -> bytes:
    # The largest that the stream takes is twice what is read. Few, for the same reason.
    if rng.random() > 0.05:
        return _bytes(
            page.model_dump(mode="json") | {"note": "x" * (MAX_TEXT_CHARACTERS + rng.randint(1, 99))}
        )
    pieces = ["x" * 4000] * (MAX_MESSAGE_BYTES // 4000 + rng.randint(1, 50))
    return _bytes(page.model_dump(mode="json") | {"added_later": pieces})


def _as_another_version(_: random.Random, page: Page) -> object:
    return {
        "version": 2,
        "market": {"base": "BTC", "quote": "KRW"},
        "range": [page["covers_from"], page["covers_to"]],
        "candles": [{"t": row["timestamp"], "ohlc": [row["open"]] * 4} for row in page["candles"]],
    }


def _from_the_future(rng: random.Random, page: CandlesClosed) -> bytes:
    return (
        page.model_copy(update={"collected_at": page.collected_at + timedelta(days=rng.randint(3, 100_000))})
        .model_dump_json()
        .encode()
    )


def _later_candle_first(_: random.Random, page: Page) -> None:
    page["candles"] *= 2


KINDS: dict[str, Poison] = {
    "not JSON": lambda rng, _: rng.choice([b"<html>502 Bad Gateway</html>", b"ok", b"{'a': 1}", b"KRW-BTC"]),
    "any bytes": lambda rng, _: rng.randbytes(rng.randint(1, 500)),
    "empty": lambda _, __: b"",
    "NUL": lambda rng, _: b"\x00" * rng.randint(1, 100),
    "a NUL inside": _changed(lambda _, page: page.update(market="KRW\x00BTC")),
    "no UTF-8": lambda _, page: (
        page.model_dump_json()
        .encode()
        .replace(b"KRW-", b"KRW-\xff\xfe")
        .replace(b'"market":"', b'"market":"\xff')
    ),
    "half a character": lambda _, page: (
        page.model_dump_json().replace('"market":"', '"market":"\\ud83d').encode()
    ),
    "one sign broken": _one_sign_broken,
    "cut off": _cut,
    "brackets never closed": _open_brackets,
    "nested too deep": _changed(_nested),
    "1e400": _price_as_it_stands("1e400"),
    "-1e400": _price_as_it_stands("-1e400"),
    "NaN": _price_as_it_stands("NaN"),
    "infinity": _price_as_it_stands("Infinity"),
    "an integer of 5,000 digits": _price_as_it_stands("9" * 5000),
    "an integer of 65 bits": _changed(lambda rng, page: page.update(revision=2**64 + rng.randrange(2**64))),
    "null": lambda _, __: b"null",
    "a number": lambda rng, _: str(rng.randrange(10**9)).encode(),
    "a list": _changed(lambda _, page: [page]),
    "another event": lambda rng, _: _bytes(
        {"key": "markets", "revision": rng.randrange(99), "changed_by": "x"}
    ),
    "another version": _changed(_as_another_version),
    "a field is missing": _changed(_without_a_field),
    "a field of the wrong type": _changed(_with_a_wrong_type),
    "too large": _too_large,
    "a price below zero": _first_candle(low="-1"),
    "a price of zero": _first_candle(low="0"),
    "high below low": _first_candle(high="1", low="2"),
    "a time without a zone": _first_candle(timestamp="2026-03-11T14:00:00"),
    "a time that is none": _first_candle(timestamp="2026-02-30T25:61:00Z"),
    "not the start of a minute": _first_candle(timestamp="2026-03-11T14:00:01Z"),
    "a candle outside its page": _first_candle(timestamp="2020-01-01T00:00:00Z"),
    "the same candle twice": _changed(_later_candle_first),
    "a page of another market": _changed(lambda _, page: page.update(market="KRW-BTC")),
    "a name that no market has": _changed(lambda rng, page: page.update(market="../" * rng.randint(1, 9))),
    "from the future": _from_the_future,
}
