"""`bongsu dead`: the dead letters, listed, shown, sent again or dropped."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import typer

from bongsu.bus.dead_letters import (
    DeadLetter,
    Outcome,
    drop_all,
    drop_each,
    find,
    newest,
    open_dead_letters,
    retry_each,
)
from bongsu.context import DEFAULT_DATA_DIR, AsJson, DataDir, load_context
from bongsu.errors import CommandError, UsageError
from bongsu.output import in_minutes, note, print_json, print_table, say
from bongsu.payload import PayloadText, payload_text
from common.bus.dead_letters import DeadHeader

REASON_LENGTH = 120
LARGEST_SEQUENCE = 10**12
NONE = "no message is dead"

dead = typer.Typer(
    no_args_is_help=True,
    help="See messages that no service could handle; send or drop them.\n\nAs in: bongsu dead list",
)

SEQUENCE_HELP = "Number of a dead letter; `bongsu dead list` shows them."
One = Annotated[int, typer.Argument(metavar="SEQUENCE", min=1, max=LARGEST_SEQUENCE, help=SEQUENCE_HELP)]
Some = Annotated[
    list[int] | None,
    typer.Argument(metavar="SEQUENCE", min=1, max=LARGEST_SEQUENCE, help=SEQUENCE_HELP),
]
All = Annotated[bool, typer.Option("--all", help="Every message that is dead now.")]
Limit = Annotated[int, typer.Option(metavar="N", min=1, max=1_000_000, help="How many at most.")]


@dead.command("list")
def list_(limit: Limit = 20, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print the dead letters, newest first, and why each is dead.

    As in: bongsu dead list --limit 5
    """
    messages, total = asyncio.run(newest(load_context(data_dir).nats_url, limit))
    if as_json:
        print_json([_summary(message) for message in messages])
    elif not messages:
        say(NONE)
    else:
        print_table(
            f"Dead letters, newest first (UTC): {len(messages)} of {total}",
            ("sequence", "when", "subject", "consumer", "category", "bytes", "reason"),
            [_row(message) for message in messages],
            wrapped=5,
        )


@dead.command("show")
def show(sequence: One, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False) -> None:
    """Print one dead letter: its headers and its body, without secrets.

    As in: bongsu dead show 7
    """
    message = asyncio.run(_found(load_context(data_dir).nats_url, sequence))
    body = payload_text(message.body)
    if as_json:
        details = {
            "headers": dict(message.headers),
            "body_is_json": body.is_json,
            "body": body.document if body.is_json else body.text,
            "cut_characters": 0 if body.is_json else body.cut,
        }
        print_json(_summary(message) | details)
    else:
        _print_message(message, body)


@dead.command("retry")
def retry(
    sequences: Some = None, every: All = False, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Send messages again to their readers, and delete them here.

    Each is stored in its own stream before it is deleted in DEAD. One that is given up once more comes back
    under a new number.

    As in: bongsu dead retry 7 9
    """
    chosen = _chosen(sequences, every=every)
    outcomes = asyncio.run(_print_each(retry_each(load_context(data_dir).nats_url, chosen), as_json=as_json))
    if not outcomes and not as_json:
        say(NONE)
    if kept := sum(each.is_kept for each in outcomes):
        raise CommandError(f"{kept} of {len(outcomes)} messages are still dead; each line says why")


@dead.command("drop")
def drop(
    sequences: Some = None, every: All = False, data_dir: DataDir = DEFAULT_DATA_DIR, as_json: AsJson = False
) -> None:
    """Delete dead letters for good; nothing asks again.

    As in: bongsu dead drop 8
    """
    chosen = _chosen(sequences, every=every)
    url = load_context(data_dir).nats_url
    if chosen is not None:
        asyncio.run(_print_each(drop_each(url, chosen), as_json=as_json))
        return
    dropped = asyncio.run(drop_all(url))
    if as_json:
        print_json({"dropped": dropped})
    else:
        say(f"{dropped} {'message' if dropped == 1 else 'messages'} dropped" if dropped else NONE)


def _chosen(sequences: list[int] | None, *, every: bool) -> list[int] | None:
    """Return the sequences as typed, each once; None for all."""
    if every and sequences:
        raise UsageError("--all goes without a SEQUENCE; name the messages, or take them all")
    if not every and not sequences:
        raise UsageError("name a SEQUENCE, as `bongsu dead list` shows them, or take --all")
    return None if every else list(dict.fromkeys(sequences or ()))


async def _print_each(outcomes: AsyncGenerator[Outcome, None], *, as_json: bool) -> list[Outcome]:
    """Print what becomes of each as it happens; as one document at the end, also of half the work."""
    printed: list[Outcome] = []
    try:
        # Printed out here: inside, an output that cannot be written would be taken for a broken connection.
        async with aclosing(outcomes):
            async for each in outcomes:
                printed.append(each)
                if not as_json:
                    say(f"{each.sequence}: {each.text}")
    finally:
        if as_json:
            print_json(
                [{"sequence": each.sequence, "kept": each.is_kept, "said": each.text} for each in printed]
            )
    return printed


async def _found(url: str, sequence: int) -> DeadLetter:
    async with open_dead_letters(url) as client:
        if message := await find(client, sequence):
            return message
    raise CommandError(f"no dead letter is {sequence}; `bongsu dead list` shows those there are")


def _summary(message: DeadLetter) -> dict[str, object]:
    return {
        "sequence": message.sequence,
        "stored_at": message.stored_at,
        "subject": message.subject,
        "consumer": message.headers.get(DeadHeader.CONSUMER),
        "category": message.headers.get(DeadHeader.CATEGORY),
        "reason": message.headers.get(DeadHeader.REASON),
        "bytes": message.size,
    }


def _row(message: DeadLetter) -> tuple[object, ...]:
    reason = message.headers.get(DeadHeader.REASON) or ""
    return (
        message.sequence,
        in_minutes(message.stored_at),
        message.subject,
        message.headers.get(DeadHeader.CONSUMER),
        message.headers.get(DeadHeader.CATEGORY),
        message.size,
        textwrap.shorten(reason, REASON_LENGTH, placeholder=" …"),
    )


def _print_message(message: DeadLetter, body: PayloadText) -> None:
    rows = [
        ("subject", message.subject),
        ("stored at (UTC)", in_minutes(message.stored_at)),
        ("bytes", str(message.size)),
        *message.headers.items(),
    ]
    print_table(f"Dead letter {message.sequence}", ("field", "value"), rows)
    say("")
    for line in body.text.splitlines() or ["(the body is empty)"]:
        say(line)
    if body.cut:
        note(f"cut: of {body.characters} characters the last {body.cut} are not shown")
