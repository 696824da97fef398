"""A command's connection to NATS: every wait is bounded, and every failure one line that says the way out."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoServersError
from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError
from nats.protocol.parser import PERMISSIONS_ERR

from bongsu.errors import CommandError, NotAllowedError, UnreachableError
from common.bus.inbox import inbox_prefix
from common.settings import nats_servers

CONNECT_SECONDS = 2
ANSWER_SECONDS = 3.0


@asynccontextmanager
async def connected(url: str, *, command: str, stream: str) -> AsyncIterator[Client]:
    """Connect for one command over one stream; errors inside come out as the command's own.

    Raises:
        UnreachableError: NATS is not known, or does not answer.
        NotAllowedError: It refuses this user.
        CommandError: It has no such stream.
    """
    if not url:
        raise UnreachableError("NATS_URL is not known; start the stack with `make run`, or set NATS_URL")
    reasons: list[Exception] = []
    try:
        client = await connect_once(url, name=f"bongsu.cli.{command}", errors=reasons)
    except (NoServersError, OSError, TimeoutError) as error:
        raise _unreachable(reasons[0] if reasons else error) from error
    except NatsError as error:
        raise NotAllowedError(
            f"NATS refuses the connection: {error}; check the user and password in NATS_URL"
        ) from error
    try:
        yield client
    except NotFoundError as error:
        raise CommandError(
            f"NATS has no stream {stream}; check that NATS_URL names Bongsu's server, and that `bongsu up`"
            " or the reconciler runs"
        ) from error
    except APIError as error:
        reason = error.description or "JetStream is not switched on"
        raise CommandError(f"NATS says: {reason}; check that NATS_URL names Bongsu's server") from error
    except (NatsError, OSError, TimeoutError) as error:
        # A request that is not allowed is never answered; the reason comes as an error of the connection.
        if denied := next((str(reason) for reason in reasons if PERMISSIONS_ERR in str(reason)), ""):
            raise NotAllowedError(
                f"NATS refuses: {denied}; name a user who may do that in NATS_URL"
            ) from error
        raise _unreachable(error) from error
    finally:
        with contextlib.suppress(NatsError, OSError, TimeoutError):
            await client.close()


def jetstream_of(client: Client) -> JetStreamContext:
    """Return the client's JetStream, which waits three seconds for an answer."""
    return client.jetstream(timeout=ANSWER_SECONDS)


async def connect_once(url: str, *, name: str, errors: list[Exception]) -> Client:
    """Return a client that ends with its connection; errors as nats-py raises them.

    Args:
        errors: Takes those that belong to no call, such as a request that is not allowed.
    """

    async def keep(error: Exception) -> None:
        errors.append(error)

    # nats-py goes on trying a server that refuses, every two seconds, whatever `allow_reconnect` says.
    return await nats.connect(
        nats_servers(url),
        name=name,
        inbox_prefix=inbox_prefix(url),
        connect_timeout=CONNECT_SECONDS,
        allow_reconnect=False,
        max_reconnect_attempts=1,
        reconnect_time_wait=0,
        error_cb=keep,
    )


def _unreachable(error: Exception) -> UnreachableError:
    return UnreachableError(
        f"NATS does not answer ({type(error).__name__}); start the stack with `make run`, or correct NATS_URL"
    )
