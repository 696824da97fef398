"""A dead letter leaves DEAD only once it is stored elsewhere, or because a person dropped it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest
from nats.js import JetStreamContext

from bongsu.bus.dead_letters import find, open_dead_letters, send_again
from bongsu.servers.nats.server import NatsServer
from common.errors import PermanentError
from common.streams import DECIDE_ON_CANDLES, STORE_CANDLES
from integration.bongsu.dead_lettering import NOT_JSON, dead_letter, put, service, settled
from integration.common.handling import Handler
from integration.common.speaking import PAGES, count, kept, page
from servers.commands import COMMAND, bongsu
from servers.surroundings import surroundings
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.bongsu.conftest import Command

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def stack(fresh_nats: NatsServer) -> dict[str, str]:
    """A bus of this test's own, with the rights that `bongsu up` writes down for the commands."""
    return {"NATS_URL": fresh_nats.url()}


async def test_a_message_that_is_good_now_is_handled_and_no_longer_dead(
    stack: dict[str, str], fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    handler = Handler(PermanentError("unknown market"), None)
    async with service(fresh_nats, handler) as bus:
        await bus.publish(page())
        await eventually(lambda: settled(jetstream, dead=1))
        ended = await asyncio.to_thread(bongsu, "dead", "retry", "1", **stack)
        assert (ended.code, ended.err) == (0, "")
        assert ended.out == f"1: sent again to {PAGES} (MARKET 2); no longer dead\n"
        await eventually(lambda: settled(jetstream, dead=0))
    assert handler.events == [page(), page()]


async def test_a_message_that_is_still_bad_comes_back_under_a_new_number(
    stack: dict[str, str], fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await dead_letter(fresh_nats, jetstream, NOT_JSON)
    async with service(fresh_nats, Handler(None)):
        ended = await asyncio.to_thread(bongsu, "dead", "retry", "--all", **stack)
        assert (ended.code, ended.out) == (0, f"1: sent again to {PAGES} (MARKET 2); no longer dead\n")
        await eventually(lambda: settled(jetstream, dead=1))
    [row] = (await asyncio.to_thread(bongsu, "dead", "list", "--json", **stack)).document
    assert (row["sequence"], row["category"], row["bytes"]) == (2, "json", len(NOT_JSON))
    dead = await jetstream.get_msg("DEAD", 2)
    assert dead.data == NOT_JSON
    assert dead.headers is not None
    assert dead.headers["Bongsu-Sequence"] == "2"


async def test_a_message_that_two_consumers_gave_up_is_dead_once_and_sent_again_to_both(
    stack: dict[str, str], fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    refused = PermanentError("unknown market")
    store, decide = Handler(refused, None), Handler(refused, None)
    async with service(fresh_nats, store) as bus, service(fresh_nats, decide, DECIDE_ON_CANDLES):
        await bus.publish(page())
        for consumer in (STORE_CANDLES, DECIDE_ON_CANDLES):
            await eventually(partial(settled, jetstream, dead=1, consumer=consumer))
        await asyncio.to_thread(bongsu, "dead", "retry", "1", **stack)
        for consumer in (STORE_CANDLES, DECIDE_ON_CANDLES):
            await eventually(partial(settled, jetstream, dead=0, consumer=consumer))
    assert store.events == decide.events == [page(), page()]


async def test_what_is_sent_again_is_the_same_bytes_in_the_same_trace(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await dead_letter(fresh_nats, jetstream, b"\x00\xff", traceparent=TRACE)
    await command("dead", "retry", "1")
    again = await jetstream.get_msg("MARKET", 2)
    assert (again.subject, again.data) == (PAGES, b"\x00\xff")
    assert again.headers is not None
    assert again.headers["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert set(again.headers) == {"Nats-Msg-Id", "Nats-Expected-Stream", "traceparent"}


async def test_ended_between_publishing_and_deleting_nothing_is_lost_and_nothing_doubled(
    command: Command, stack: dict[str, str], jetstream: JetStreamContext
) -> None:
    await put(jetstream, PAGES, b"original")
    # The first half of a retry, after which the process is gone.
    async with open_dead_letters(stack["NATS_URL"]) as client:
        message = await find(client, 1)
        assert message is not None
        await send_again(client, message, "MARKET")
    assert await count(jetstream, "DEAD") == 1
    ended = await command("dead", "retry", "1")
    assert ended.out == f"1: had been sent before to {PAGES} (MARKET 1); no longer dead\n"
    assert [message.data for message in await kept(jetstream, "MARKET")] == [b"original"]
    assert await count(jetstream, "DEAD") == 0


async def test_the_same_number_of_a_stream_made_again_is_another_message(
    command: Command, jetstream: JetStreamContext
) -> None:
    await put(jetstream, PAGES, b"first")
    await command("dead", "retry", "1")
    config = (await jetstream.stream_info("DEAD")).config
    await jetstream.delete_stream("DEAD")
    await jetstream.add_stream(config)
    await put(jetstream, PAGES, b"second")
    assert (await command("dead", "retry", "1")).out.startswith("1: sent again")
    assert [message.data for message in await kept(jetstream, "MARKET")] == [b"first", b"second"]


async def test_what_no_stream_takes_is_kept_and_the_others_leave(
    command: Command, jetstream: JetStreamContext
) -> None:
    for subject in ("order.placed.KRW-BTC", "dead.by.hand", "market.candle.closed", PAGES):
        await put(jetstream, subject)
    ended = await command("dead", "retry", "--all")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "1: kept: no stream takes order.placed.KRW-BTC; `bongsu dead drop 1` deletes it",
        "2: kept: no stream takes dead.by.hand; `bongsu dead drop 2` deletes it",
        "3: kept: no stream takes market.candle.closed; `bongsu dead drop 3` deletes it",
        f"4: sent again to {PAGES} (MARKET 1); no longer dead",
    ]
    assert ended.line == "bongsu: 3 of 4 messages are still dead; each line says why\n"
    assert await count(jetstream, "DEAD") == 3


async def test_what_its_stream_refuses_is_kept(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await put(jetstream, PAGES, b"x" * 512 * 1024)
    await put(jetstream, "signal.generated.KRW-BTC")
    await jetstream.delete_stream("SIGNALS")
    ended = await command("dead", "retry", "1", "2")
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "1: kept: MARKET refuses it: message size exceeds maximum allowed",
        "2: kept: NATS has no stream SIGNALS; try again while `bongsu up` or the reconciler runs",
    ]
    assert await count(jetstream, "DEAD") == 2


async def test_an_output_that_is_full_is_not_taken_for_a_bus_that_is_away(
    stack: dict[str, str], jetstream: JetStreamContext
) -> None:
    # Of more lines than Python holds back before it writes.
    for _ in range(200):
        await put(jetstream, PAGES)
    with open("/dev/full", "wb") as full:  # noqa: ASYNC230  it is opened, not waited for
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, "dead", "retry", "--all"),
            stdout=full,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            env=surroundings(**stack),
        )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert err.startswith(b"bongsu: the output cannot be written: No space left on device;")
    assert await count(jetstream, "DEAD") + await count(jetstream, "MARKET") == 200


async def test_only_what_is_named_is_dropped(command: Command, jetstream: JetStreamContext) -> None:
    for _ in range(4):
        await put(jetstream, PAGES)
    ended = await command("dead", "drop", "3", "1", "3")
    assert (ended.code, ended.out, ended.err) == (0, "3: dropped\n1: dropped\n", "")
    rows = (await command("dead", "list", "--json")).document
    assert [row["sequence"] for row in rows] == [4, 2]
    assert (await command("dead", "drop", "--all")).out == "2 messages dropped\n"
    assert await count(jetstream, "DEAD") == await count(jetstream, "MARKET") == 0


@pytest.mark.parametrize("arguments", ["retry 1 7 9", "drop 7 9 1"])
async def test_a_number_that_is_not_there_changes_nothing(
    command: Command, jetstream: JetStreamContext, arguments: str
) -> None:
    await put(jetstream, PAGES)
    ended = await command("dead", *arguments.split())
    done = "sent again" if "retry" in arguments else "dropped"
    assert (ended.code, ended.out) == (1, "")
    assert ended.line == (
        f"bongsu: no dead letter is 7, 9; `bongsu dead list` shows those there are; nothing was {done}\n"
    )
    assert (await count(jetstream, "DEAD"), await count(jetstream, "MARKET")) == (1, 0)


async def test_a_user_that_may_not_delete_learns_it(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(jetstream, PAGES)
    monkeypatch.setenv("NATS_URL", fresh_nats.url("cli"))
    ended = await command("dead", "drop", "1")
    assert (ended.code, ended.out) == (77, "")
    assert ended.line.endswith("; name a user who may do that in NATS_URL\n")
    assert await count(jetstream, "DEAD") == 1


async def test_what_became_of_each_message_is_one_json_document(
    command: Command, jetstream: JetStreamContext
) -> None:
    await put(jetstream, PAGES)
    await put(jetstream, "no.stream.takes.this")
    await put(jetstream, PAGES)
    ended = await command("dead", "retry", "1", "2", "--json")
    assert ended.code == 1
    assert [(row["sequence"], row["kept"]) for row in ended.document] == [(1, False), (2, True)]
    assert ended.line == "bongsu: 1 of 2 messages are still dead; each line says why\n"
    dropped = await command("dead", "drop", "2", "--json")
    assert dropped.document == [{"sequence": 2, "kept": False, "said": "dropped"}]
    assert (await command("dead", "drop", "--all", "--json")).document == {"dropped": 1}
    assert (await command("dead", "retry", "--all", "--json")).document == []
