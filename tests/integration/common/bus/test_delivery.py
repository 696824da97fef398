"""Delivery on a real server: each way a handler can end settles its message in one way."""

from __future__ import annotations

import asyncio
import json
import time
from itertools import pairwise

import pytest
from nats.js import JetStreamContext

from bongsu.provisioning.streams import reconcile
from common.bus import delivery
from common.bus.broker import Bus
from common.bus.delivery import Delivery
from common.clock import utc_now
from common.errors import PermanentError, TransientError
from common.events import CandlesClosed
from common.streams import CONSUMERS, STORE_CANDLES
from integration.common.handling import Handler, listen, settled
from integration.common.speaking import PAGES, kept, page
from servers.waiting import HANG_SECONDS, eventually

AWAY = TransientError("PostgreSQL is away")
AWAY_FOR_A_MOMENT = TransientError("PostgreSQL is away", retry_after_seconds=0.01)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
# The client acknowledges with an empty message.
DONE = ""
ACK_WAIT_SECONDS = 2.0


def delay(answer: str) -> float:
    """Return for how many seconds a message was handed back."""
    assert answer.startswith("-NAK "), answer
    return float(json.loads(answer.removeprefix("-NAK "))["delay"]) / 1e9


async def test_a_message_that_was_handled_is_acknowledged(
    collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    handler = Handler(None)
    await listen(collector, handler)
    await collector.publish(page())
    await eventually(lambda: answers)
    assert answers == [DONE]
    assert [(seen.subject, seen.sequence, seen.count) for seen in handler.seen] == [(PAGES, 1, 1)]
    assert handler.events == [page()]
    assert abs((utc_now() - handler.seen[0].stored_at).total_seconds()) < 60
    await eventually(lambda: settled(jetstream))


async def test_an_outage_never_kills_a_message(
    collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    handler = Handler(*[AWAY_FOR_A_MOMENT] * 20, None)
    await listen(collector, handler)
    await collector.publish(page())
    await eventually(lambda: len(answers) == 21)
    assert [delay(answer) for answer in answers[:-1]] == [0.01] * 20
    assert answers[-1] == DONE
    await eventually(lambda: settled(jetstream, dead=0))


@pytest.mark.parametrize(("deliveries", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 4), (20, 4)])
async def test_an_outage_delays_a_message_for_longer_each_time(
    collector: Bus, answers: list[str], deliveries: int, seconds: float
) -> None:
    await listen(collector, Handler(*[AWAY_FOR_A_MOMENT] * (deliveries - 1), AWAY))
    await collector.publish(page())
    await eventually(lambda: len(answers) >= deliveries)
    assert delay(answers[deliveries - 1]) == seconds


async def test_an_outage_counts_as_no_try_of_a_handler_that_fails_afterwards(
    collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    await listen(collector, Handler(*[AWAY_FOR_A_MOMENT] * delivery.MAX_TRIES, ValueError("a bug")))
    await collector.publish(page())
    await eventually(lambda: len(answers) > delivery.MAX_TRIES)
    assert delay(answers[delivery.MAX_TRIES]) == 1


async def test_a_message_that_can_never_be_handled_is_dead_at_once(
    collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    handler = Handler(PermanentError("unknown market\nof api_key=AQ.0123456789abcdefghij"))
    await listen(collector, handler)
    await collector.publish(page())
    await eventually(lambda: answers)
    assert answers == ["+TERM"]
    assert len(handler.seen) == 1
    [dead] = await kept(jetstream, "DEAD")
    assert dead.subject == f"dead.{PAGES}"
    assert dead.data == page().model_dump_json().encode()
    assert dead.headers is not None
    assert dead.headers["Bongsu-Reason"] == "PermanentError: unknown market of api_key=***"
    assert (dead.headers["Bongsu-Sequence"], dead.headers["Bongsu-Deliveries"]) == ("1", "1")
    assert dead.headers["Bongsu-Consumer"] == "collector-candles-closed"
    assert dead.headers["Bongsu-Category"] == "refused"
    await eventually(lambda: settled(jetstream, dead=1))


@pytest.mark.parametrize(
    ("body", "category"),
    [
        (b"<html>502 Bad Gateway</html>", "json"),
        (b"KRW-\xff", "json"),
        (b"null", "schema"),
        (b'{"key": "markets", "revision": 1}', "schema"),
    ],
)
async def test_a_message_that_cannot_be_read_has_another_category_than_one_that_is_refused(
    collector: Bus, jetstream: JetStreamContext, answers: list[str], body: bytes, category: str
) -> None:
    await listen(collector, Handler(None))
    await jetstream.publish(PAGES, body, headers={"traceparent": TRACE})
    await eventually(lambda: answers)
    [dead] = await kept(jetstream, "DEAD")
    assert dead.headers is not None
    assert dead.headers["Bongsu-Category"] == category
    assert dead.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]


async def test_a_handler_with_a_bug_gets_five_tries(
    collector: Bus, jetstream: JetStreamContext, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = (0.02, 0.04, 0.06, 0.08)
    monkeypatch.setattr(delivery, "DELAYS_SECONDS", shorter)
    handler = Handler(ZeroDivisionError("division by zero"))
    await listen(collector, handler)
    await collector.publish(page())
    await eventually(lambda: len(answers) == 5)
    assert ([delay(answer) for answer in answers[:-1]], answers[-1]) == (list(shorter), "+TERM")
    waits = [later - earlier for earlier, later in pairwise(handler.times)]
    assert all(waited >= asked for waited, asked in zip(waits, shorter, strict=True)), waits
    [dead] = await kept(jetstream, "DEAD")
    assert dead.data == page().model_dump_json().encode()
    assert dead.headers is not None
    assert dead.headers["Bongsu-Reason"] == "ZeroDivisionError: division by zero"
    assert dead.headers["Bongsu-Category"] == "failed"
    await eventually(lambda: settled(jetstream, dead=1))


async def test_a_dead_letter_that_cannot_be_stored_is_not_given_up(
    collector: Bus, jetstream: JetStreamContext, answers: list[str]
) -> None:
    await jetstream.delete_stream("DEAD")
    await listen(collector, Handler(PermanentError("unknown market")))
    await collector.publish(page())
    await eventually(lambda: answers)
    assert delay(answers[0]) == 1
    await reconcile(jetstream)
    await eventually(lambda: answers[-1] == "+TERM")
    await eventually(lambda: settled(jetstream, dead=1))


async def test_a_long_handler_is_reported_in_progress_and_gets_its_message_once(
    collector: Bus, jetstream: JetStreamContext, answers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert min(each.ack_wait_seconds for each in CONSUMERS) / 3 >= delivery.IN_PROGRESS_SECONDS
    monkeypatch.setattr(delivery, "IN_PROGRESS_SECONDS", 0.1)
    config = (await jetstream.consumer_info("MARKET", STORE_CANDLES.name)).config
    config.ack_wait = ACK_WAIT_SECONDS
    await jetstream.add_consumer("MARKET", config)
    seen: list[int] = []

    async def on_page(_: CandlesClosed, delivery: Delivery) -> None:
        seen.append(delivery.count)
        began = time.monotonic()
        await eventually(lambda: answers and time.monotonic() - began > 2 * ACK_WAIT_SECONDS)

    await listen(collector, on_page)
    await collector.publish(page())
    await eventually(lambda: answers and answers[-1] == DONE)
    assert set(answers[:-1]) == {"+WPI"}
    assert seen == [1]


async def test_a_handler_that_is_cancelled_naks_its_message_at_once(
    collector: Bus, answers: list[str]
) -> None:
    began = asyncio.Event()

    async def hang(_: CandlesClosed, __: Delivery) -> None:
        began.set()
        await asyncio.Event().wait()

    await collector.publish(page())
    reader = await collector.jetstream.pull_subscribe_bind(STORE_CANDLES.name, "MARKET")
    [message] = await reader.fetch(1)
    handling = asyncio.create_task(collector.dispatcher.handle(message, CandlesClosed, hang))
    await began.wait()
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    [message] = await reader.fetch(1, timeout=HANG_SECONDS)
    assert message.metadata.num_delivered == 2
    assert delay(answers[0]) == pytest.approx(0.1)
