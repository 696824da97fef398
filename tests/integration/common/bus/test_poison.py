"""Poison messages: each becomes a dead letter, and no good message waits for one."""

from __future__ import annotations

from nats.js import JetStreamContext

from common.bus.broker import Bus
from integration.common.handling import Handler, listen, settled
from integration.common.speaking import PAGES, kept, page
from servers.waiting import eventually

GOOD = page().model_dump_json()
POISON: dict[str, bytes] = {
    "not JSON": b"<html>502 Bad Gateway</html>",
    "cut off": GOOD[:-20].encode(),
    "empty": b"",
    "a NUL": b"\x00",
    "a NUL inside": GOOD.replace("KRW-BTC", "KRW\x00BTC").encode(),
    "invalid UTF-8": GOOD.encode().replace(b"KRW-BTC", b"KRW-\xff\xfe"),
    "half a character": GOOD.replace("KRW-BTC", "\\ud83d").encode(),
    "deep nesting": b"[" * 100_000,
    "deep nesting that is closed": b'{"market":' * 20_000 + b"1" + b"}" * 20_000,
    "NaN": GOOD.replace('"100"', "NaN", 1).encode(),
    "infinite": GOOD.replace('"100"', '"Infinity"', 1).encode(),
    "an int of 5,000 digits": GOOD.replace('"100"', "9" * 5000, 1).encode(),
    "a time of 5,000 digits": GOOD.replace('"2026-03-11T14:00:00Z"', "9" * 5000, 1).encode(),
    "null": b"null",
    "an array": f"[{GOOD}]".encode(),
    "a number": b"7",
    "another event": b'{"key": "markets", "revision": 1, "changed_by": "somebody"}',
    "a page of another market": page().model_copy(update={"market": "KRW-ETH"}).model_dump_json().encode(),
    "more text than is read": GOOD.replace("{", '{"note": "' + "x" * 5000 + '", ', 1).encode(),
    "a negative price": GOOD.replace('"100"', '"-100"', 1).encode(),
    "the largest message a stream takes": b"x" * (512 * 1024),
}


async def test_every_poison_is_dead_and_every_good_message_is_handled(
    collector: Bus, jetstream: JetStreamContext
) -> None:
    handler = Handler(None)
    pages = [page(minute) for minute in range(len(POISON))]
    for good, body in zip(pages, POISON.values(), strict=True):
        await collector.publish(good)
        await jetstream.publish(PAGES, body)
    await listen(collector, handler)
    await eventually(lambda: settled(jetstream, dead=len(POISON)))
    assert handler.events == pages
    assert [message.data or b"" for message in await kept(jetstream, "DEAD")] == list(POISON.values())
