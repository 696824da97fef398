"""The runs of jobs that the stream JOBS keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from nats.js.api import ConsumerConfig, DeliverPolicy

from bongsu.bus.connection import connected
from bongsu.bus.reader import read_stream
from common.bus.decoder import read_event
from common.errors import PermanentError
from common.events import JobFinished, subject_pattern

STREAM = str(JobFinished.stream)
SUBJECT = subject_pattern(JobFinished.subject)
# How far two clocks may differ: a record may be stored before the time that it names.
CLOCKS_APART = timedelta(minutes=5)


async def read_kept_runs(url: str, take: Callable[[JobFinished], None], *, since: datetime | None) -> int:
    """Give every run in the stream to `take`, of all times or from `since` on.

    Returns:
        How many messages are no record of a run.

    Raises:
        UnreachableError: NATS does not answer.
        CommandError: It refuses this user, or has no such stream.
    """
    broken = 0
    start = ConsumerConfig(deliver_policy=DeliverPolicy.ALL)
    if since:
        begin = since - CLOCKS_APART
        start = ConsumerConfig(deliver_policy=DeliverPolicy.BY_START_TIME, opt_start_time=begin)
    async with (
        connected(url, command="jobs", stream=STREAM) as client,
        read_stream(client, STREAM, SUBJECT, start) as messages,
    ):
        async for message in messages:
            try:
                record = read_event(message.data, JobFinished)
            except PermanentError:
                broken += 1
                continue
            if since is None or record.finished_at >= since:
                take(record)
    return broken
