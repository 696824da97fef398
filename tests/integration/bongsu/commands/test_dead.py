"""`bongsu dead` shows which messages are dead and why, whatever their bytes."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from nats.js import JetStreamContext

from bongsu.servers.nats.server import NatsServer
from common.clock import utc_now
from common.errors import PermanentError
from integration.bongsu.dead_lettering import NOT_JSON, dead_letter, put, service, settled
from integration.common.bus.test_poison import POISON
from integration.common.handling import Handler
from integration.common.speaking import PAGES, page
from servers.commands import in_terminal
from servers.waiting import eventually

if TYPE_CHECKING:
    from integration.bongsu.conftest import Command

UNREADABLE = "UnreadableError: not a CandlesClosed"


@pytest.fixture
def stack(fresh_nats: NatsServer) -> dict[str, str]:
    """A bus of this test's own, with the rights that `bongsu up` writes down for the commands."""
    return {"NATS_URL": fresh_nats.url()}


async def test_what_a_service_gave_up_is_listed_with_the_reason_newest_first_on_80_columns_too(
    command: Command, stack: dict[str, str], fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await dead_letter(fresh_nats, jetstream, NOT_JSON, b"{}")
    newest, oldest = (await command("dead", "list", "--json")).document
    assert datetime.fromisoformat(oldest.pop("stored_at")) <= utc_now()
    assert oldest == {
        "sequence": 1,
        "subject": PAGES,
        "consumer": "collector-candles-closed",
        "category": "json",
        "reason": f"{UNREADABLE}: message: Invalid JSON: expected value at line 1 column 1",
        "bytes": len(NOT_JSON),
    }
    assert (newest["sequence"], newest["category"]) == (2, "schema")
    assert newest["reason"] == f"{UNREADABLE}: market: Field required"
    printed = (await command("dead", "list")).out.splitlines()
    assert printed[0] == "Dead letters, newest first (UTC): 2 of 2"
    assert [line.split()[0] for line in printed[1:]] == ["sequence", "2", "1"]
    ended = await asyncio.to_thread(in_terminal, "dead", "list", columns=80, **stack)
    assert ended.code == 0
    heading = ended.out.splitlines()[1]
    assert all(word in heading for word in ("sequence", "subject", "consumer", "category", "reason"))
    assert max(map(len, re.sub(r"\x1b\[\d*m", "", ended.out).splitlines())) <= 80


@pytest.mark.parametrize(
    ("limit", "sequences"), [(1, [9]), (3, [9, 7, 5]), (4, [9, 7, 5, 3]), (100, [9, 7, 5, 3, 1])]
)
async def test_the_newest_are_listed_however_many_between_them_were_deleted(
    command: Command, jetstream: JetStreamContext, limit: int, sequences: list[int]
) -> None:
    for _ in range(10):
        await put(jetstream, PAGES)
    for sequence in (2, 4, 6, 8, 10):
        await jetstream.delete_msg("DEAD", sequence)
    rows = (await command("dead", "list", "--limit", str(limit), "--json")).document
    assert [row["sequence"] for row in rows] == sequences


async def test_where_nothing_is_dead_that_is_said_and_to_who_asks_for_a_number_where_to_look(
    command: Command,
) -> None:
    for arguments in ("list", "retry --all", "drop --all"):
        ended = await command("dead", *arguments.split())
        assert (ended.code, ended.out, ended.err) == (0, "no message is dead\n", "")
    assert (await command("dead", "list", "--json")).document == []
    ended = await command("dead", "show", "7")
    assert (ended.code, ended.out) == (1, "")
    assert ended.line == "bongsu: no dead letter is 7; `bongsu dead list` shows those there are\n"


async def test_a_message_without_a_reason_is_listed_all_the_same(
    command: Command, jetstream: JetStreamContext
) -> None:
    await put(jetstream, "order.placed.KRW-BTC", b"by hand")
    [row] = (await command("dead", "list", "--json")).document
    assert (row["subject"], row["consumer"], row["category"], row["reason"], row["bytes"]) == (
        "order.placed.KRW-BTC",
        None,
        None,
        None,
        7,
    )
    assert (await command("dead", "list")).code == 0


async def test_a_reason_in_korean_is_shown_as_it_was_written(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    async with service(fresh_nats, Handler(PermanentError("잘못된 마켓\r입니다"))) as bus:
        await bus.publish(page())
        await eventually(lambda: settled(jetstream, dead=1))
    [row] = (await command("dead", "list", "--json")).document
    assert (row["category"], row["reason"]) == ("refused", "PermanentError: 잘못된 마켓 입니다")
    shown = (await command("dead", "show", "1", "--json")).document
    assert shown["reason"] == row["reason"]
    assert shown["body"] == json.loads(page().model_dump_json())


async def test_a_person_sees_the_headers_and_the_body_with_indents(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await dead_letter(fresh_nats, jetstream, b'{"market":"KRW-BTC","candles":[]}')
    ended = await command("dead", "show", "1")
    lines = ended.out.splitlines()
    assert (ended.code, lines[0]) == (0, "Dead letter 1")
    fields = {line.split()[0]: line.partition(" ")[2].strip() for line in lines[2 : lines.index("")]}
    assert (fields["subject"], fields["bytes"]) == (PAGES, "33")
    assert (fields["Bongsu-Consumer"], fields["Bongsu-Category"]) == ("collector-candles-closed", "schema")
    assert (fields["Bongsu-Sequence"], fields["Bongsu-Deliveries"]) == ("1", "1")
    assert lines[lines.index("") + 1 :] == ["{", '  "market": "KRW-BTC",', '  "candles": []', "}"]


async def test_every_poison_can_be_shown_and_of_a_large_one_the_rest_is_said_to_be_cut(
    command: Command, fresh_nats: NatsServer, jetstream: JetStreamContext
) -> None:
    await dead_letter(fresh_nats, jetstream, *POISON.values())
    for sequence, name in enumerate(POISON, start=1):
        ended = await command("dead", "show", str(sequence))
        assert ended.code == 0, name
        assert not set(ended.out) & {"\x00", "\x1b", "\r"}, name
        document = (await command("dead", "show", str(sequence), "--json")).document
        assert document["bytes"] == len(POISON[name]), name
        assert len(ended.out) < 200_000, name
    largest = str(1 + list(POISON).index("the largest message a stream takes"))
    ended = await command("dead", "show", largest)
    assert ended.line == "bongsu: cut: of 524288 characters the last 491520 are not shown\n"
    assert ended.out.splitlines()[-1] == "x" * 32_768
    assert (await command("dead", "show", largest, "--json")).document["cut_characters"] == 491_520


async def test_no_secret_of_a_body_is_shown(command: Command, jetstream: JetStreamContext) -> None:
    await put(jetstream, PAGES, b'{"api_key": "hunter2secret", "price": "135743000"}')
    await put(jetstream, PAGES, b"\xff api_key=hunter2secret \x00\x1b[2J")
    for arguments in ("1", "2", "1 --json", "2 --json"):
        ended = await command("dead", "show", *arguments.split())
        assert "***" in ended.out
        assert "hunter2" not in ended.out
        assert "\x1b" not in ended.out
