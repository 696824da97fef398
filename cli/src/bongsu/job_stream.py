"""Which runs are kept in the stream JOBS? Read through a consumer that is gone when this returns."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoServersError
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import APIError, NotFoundError
from nats.protocol.parser import PERMISSIONS_ERR

from bongsu.errors import CommandError, UnreachableError
from common.errors import PermanentError
from common.events import JobFinished
from common.incoming import read_event

STREAM = "JOBS"
SUBJECT = "job.finished.>"
CONNECT_SECONDS = 2
ANSWER_SECONDS = 3.0
AT_ONCE = 500
# If this process is killed, the server forgets its consumer by itself.
FORGOTTEN_AFTER_SECONDS = 30.0
# A record may be stored a while before a clock of ours says so.
CLOCKS_APART = timedelta(minutes=5)


async def read_kept_runs(url: str, take: Callable[[JobFinished], None], *, since: datetime | None) -> int:
    """Give every run in the stream to `take`, of all times or from `since` on.

    Returns:
        How many messages are none.

    Raises:
        UnreachableError: NATS does not answer.
        CommandError: It refuses this user, or has no such stream.
    """
    if not url:
        raise UnreachableError("NATS_URL is not known; start the stack with `make run`, or set NATS_URL")
    broken = 0
    async with _connected(url) as client, _reading(client, since) as (subscription, waiting):
        async for message in _messages(subscription, waiting):
            record = _parsed(message)
            if record is None:
                broken += 1
            elif since is None or record.finished_at >= since:
                take(record)
    return broken


async def _messages(subscription: JetStreamContext.PullSubscription, waiting: int) -> AsyncIterator[Msg]:
    """Yield what waited at the beginning; what was added since is not waited for."""
    while waiting > 0:
        try:
            messages = await subscription.fetch(min(AT_ONCE, waiting), timeout=ANSWER_SECONDS)
        except NatsTimeoutError:
            # The stream may have let go of the rest in the meantime: its oldest messages leave it.
            if (await subscription.consumer_info()).num_pending:
                raise
            return
        for message in messages:
            yield message
        waiting = min(waiting - len(messages), messages[-1].metadata.num_pending)


def _parsed(message: Msg) -> JobFinished | None:
    try:
        return read_event(message.data, JobFinished)
    except PermanentError:
        return None


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Client]:
    reasons: list[Exception] = []

    async def note(reason: Exception) -> None:
        reasons.append(reason)

    try:
        # nats-py goes on trying a server that refuses, every two seconds, whatever `allow_reconnect` says.
        client = await nats.connect(
            url,
            name="bongsu.cli.jobs",
            connect_timeout=CONNECT_SECONDS,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=note,
        )
    except (NoServersError, OSError, TimeoutError) as error:
        raise _unreachable(reasons[0] if reasons else error) from error
    except NatsError as error:
        raise CommandError(
            f"NATS refuses the connection: {error}; check the user and password in NATS_URL"
        ) from error
    try:
        yield client
    except NotFoundError as error:
        raise CommandError(
            f"NATS has no stream {STREAM}; check that NATS_URL names Bongsu's server, and that `bongsu up`"
            " or the reconciler runs"
        ) from error
    except APIError as error:
        said = error.description or "JetStream is not switched on"
        raise CommandError(f"NATS says: {said}; check that NATS_URL names Bongsu's server") from error
    except (NatsError, OSError, TimeoutError) as error:
        # A request that is not allowed is never answered; why comes beside it.
        if denied := next((str(reason) for reason in reasons if PERMISSIONS_ERR in str(reason)), ""):
            raise CommandError(f"NATS refuses: {denied}; name a user who may read it in NATS_URL") from error
        raise _unreachable(error) from error
    finally:
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await client.close()


@asynccontextmanager
async def _reading(
    client: Client, since: datetime | None
) -> AsyncIterator[tuple[JetStreamContext.PullSubscription, int]]:
    """Make a consumer that acknowledges nothing and changes nothing; gives it and how much waits for it."""
    jetstream = client.jetstream(timeout=ANSWER_SECONDS)
    subscription = await jetstream.pull_subscribe(
        SUBJECT,
        stream=STREAM,
        config=ConsumerConfig(
            ack_policy=AckPolicy.NONE,
            deliver_policy=DeliverPolicy.BY_START_TIME if since else DeliverPolicy.ALL,
            opt_start_time=since - CLOCKS_APART if since else None,
            inactive_threshold=FORGOTTEN_AFTER_SECONDS,
            mem_storage=True,
        ),
    )
    info = await subscription.consumer_info()
    try:
        yield subscription, info.num_pending or 0
    finally:
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await jetstream.delete_consumer(STREAM, info.name)


def _unreachable(error: Exception) -> UnreachableError:
    return UnreachableError(
        f"NATS does not answer ({type(error).__name__}); start the stack with `make run`, or correct NATS_URL"
    )
