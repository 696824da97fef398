"""The reconciler: streams and consumers are compared with their declarations every 5 s, and corrected.

Only its user may change them, so nothing else on the bus can.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from nats.errors import Error as NatsError
from nats.protocol.parser import AUTHORIZATION_VIOLATION, PERMISSIONS_ERR

from bongsu.bus.connection import connect_once
from bongsu.errors import NotAllowedError
from bongsu.provisioning.streams import reconcile
from common.errors import TransientError

INTERVAL_SECONDS = 5.0
# A cluster needs less to choose its leaders.
READY_SECONDS = 30.0
RETRY_SECONDS = 0.2
# While there is no leader, most requests are left without an answer.
ANSWER_SECONDS = 2.0


async def reconcile_once(url: str, *, replicas: int = 1) -> list[str]:
    """Declare what is missing and correct what drifted, over a connection of its own.

    Raises:
        TransientError: NATS cannot be reached or does not answer.
        NotAllowedError: It refuses the user, or this user's requests.
    """
    errors: list[Exception] = []
    try:
        client = await connect_once(url, name="bongsu.reconciler", errors=errors)
    except (NatsError, OSError, TimeoutError) as error:
        if AUTHORIZATION_VIOLATION in str(error).lower():
            raise NotAllowedError(
                "NATS refuses the user or the password; correct NATS_URL, or give NATS the same password"
            ) from error
        raise TransientError(f"NATS cannot be reached: {type(error).__name__}") from error
    try:
        return await reconcile(client.jetstream(timeout=ANSWER_SECONDS), replicas=replicas)
    except TransientError as error:
        # A request that is not allowed is never answered; the reason comes as an error of the connection.
        if refusal := next((str(each) for each in errors if PERMISSIONS_ERR in str(each)), ""):
            raise NotAllowedError(
                f"NATS refuses: {refusal}; name the user in NATS_URL who may declare streams"
            ) from error
        raise
    finally:
        await client.close()


async def reconcile_when_ready(url: str, *, replicas: int = 1) -> None:
    """Reconcile as soon as JetStream answers: streams cannot be made before a cluster has its leader.

    Raises:
        TransientError: There was no answer for 30 s.
        NotAllowedError: It refuses the user.
    """
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            await reconcile_once(url, replicas=replicas)
        except TransientError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def keep_reconciled(url: str, say: Callable[[str], None], *, replicas: int = 1) -> None:
    """Reconcile every 5 s until cancelled, and report each change; a server that is away is tried again."""
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        try:
            for change in await reconcile_once(url, replicas=replicas):
                say(change)
        except TransientError:
            # The process of the server has its own watch, which reports its end.
            continue
