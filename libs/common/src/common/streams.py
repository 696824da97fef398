"""Which streams and durable consumers exist, and are they as declared? Only the reconciler changes them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError

from common.errors import TransientError

DAY = 24 * 3600.0
# A page that a dead process held is stored within the 5 s in which a stack has to catch up.
ACK_WAIT_SECONDS = 4.0
MAX_ACK_PENDING = 64


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer: `<service>-<entity>-<fact>`.

    Attributes:
        patience_seconds: How long its oldest message may take before health calls it a flaw.
    """

    name: str
    stream: str
    subject: str
    patience_seconds: float


STORE_CANDLES = Consumer("collector-candles-closed", "MARKET", "market.candle.closed.*", 10.0)
# A page may wait 30 s for the store, and the decision on it may take 90 s.
DECIDE_ON_CANDLES = Consumer("signaler-candles-closed", "MARKET", "market.candle.closed.*", 130.0)
CONSUMERS = (STORE_CANDLES, DECIDE_ON_CANDLES)

CLAIM_SUBJECT = "job.claimed.{service}.{job_name}.{unix_time}"
DEAD_PREFIX = "dead."
# The streams of what is no event.
CLAIMS = "CLAIMS"
DEAD = "DEAD"


def _stream(
    name: str,
    subject: str,
    *,
    max_age_days: float,
    max_bytes_mb: int,
    discard: DiscardPolicy,
    duplicate_window_seconds: float = 120,
) -> StreamConfig:
    return StreamConfig(
        name=name,
        subjects=[subject],
        storage=StorageType.FILE,
        discard=discard,
        max_age=max_age_days * DAY,
        max_bytes=max_bytes_mb * 1024 * 1024,
        max_msgs=-1,
        max_msg_size=512 * 1024,
        duplicate_window=duplicate_window_seconds,
    )


# A full MARKET, SIGNALS or DEAD refuses new messages, loudly; JOBS and CONFIG let go of their oldest.
STREAMS = (
    # 250 markets fill 250 MB a day, and three days of history at the start 200 MB.
    _stream("MARKET", "market.candle.closed.*", max_age_days=7, max_bytes_mb=2048, discard=DiscardPolicy.NEW),
    _stream(
        "SIGNALS",
        "signal.generated.*",
        max_age_days=30,
        # 250 markets, a signal each an hour, fill 130 MB in 30 days.
        max_bytes_mb=256,
        discard=DiscardPolicy.NEW,
        duplicate_window_seconds=DAY,
    ),
    _stream("CONFIG", "config.changed", max_age_days=30, max_bytes_mb=8, discard=DiscardPolicy.OLD),
    _stream("JOBS", "job.finished.*.*", max_age_days=7, max_bytes_mb=64, discard=DiscardPolicy.OLD),
    replace(
        _stream(CLAIMS, "job.claimed.*.*.*", max_age_days=1, max_bytes_mb=64, discard=DiscardPolicy.NEW),
        max_msgs_per_subject=1,
        discard_new_per_subject=True,
    ),
    # A dead message is the original and the headers that say why; the largest of any stream must fit.
    replace(
        _stream(DEAD, f"{DEAD_PREFIX}>", max_age_days=90, max_bytes_mb=64, discard=DiscardPolicy.NEW),
        max_msg_size=768 * 1024,
    ),
)

_STREAM_FIELDS = (
    "subjects",
    "discard",
    "max_age",
    "max_bytes",
    "max_msgs",
    "max_msg_size",
    "max_msgs_per_subject",
    "duplicate_window",
    "discard_new_per_subject",
    "num_replicas",
)
_CONSUMER_FIELDS = ("ack_policy", "ack_wait", "max_deliver", "max_ack_pending", "filter_subject")


def consumer_config(consumer: Consumer) -> ConsumerConfig:
    """Return what the server has to know: by hand acknowledged, delivered until it is."""
    return ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=consumer.subject,
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_SECONDS,
        max_deliver=-1,
        max_ack_pending=MAX_ACK_PENDING,
    )


async def reconcile(js: JetStreamContext, *, replicas: int = 1) -> list[str]:
    """Create what is missing, correct what has drifted; returns one sentence per change, [] when all is well.

    Args:
        replicas: How many servers hold each stream; its consumers follow it.

    Raises:
        TransientError: JetStream did not answer.
    """
    try:
        streams = [replace(stream, num_replicas=replicas) for stream in STREAMS]
        changes = [change for stream in streams if (change := await _reconcile_stream(js, stream))]
        changes += [change for consumer in CONSUMERS if (change := await _reconcile_consumer(js, consumer))]
    except (NatsError, OSError, TimeoutError) as error:
        raise TransientError(f"JetStream cannot be reconciled: {type(error).__name__}: {error}") from error
    return changes


async def differences(js: JetStreamContext) -> list[str]:
    """Return a sentence for each stream and consumer that is not as declared; changes nothing.

    How many servers hold a stream is left out: only the reconciler is told.
    """
    found = []
    for stream in STREAMS:
        try:
            config = (await js.stream_info(str(stream.name))).config
        except NotFoundError:
            found.append(f"stream {stream.name} is missing")
            continue
        if drifted := _drift(stream, config, _STREAM_FIELDS):
            found.append(f"stream {stream.name} differs in {', '.join(drifted)}")
    for consumer in CONSUMERS:
        try:
            known = (await js.consumer_info(consumer.stream, consumer.name)).config
        except NotFoundError:
            found.append(f"consumer {consumer.name} is missing")
            continue
        if drifted := _drift(consumer_config(consumer), known, _CONSUMER_FIELDS):
            found.append(f"consumer {consumer.name} differs in {', '.join(drifted)}")
    return found


async def _reconcile_stream(js: JetStreamContext, wanted: StreamConfig) -> str | None:
    try:
        found = (await js.stream_info(str(wanted.name))).config
    except NotFoundError:
        await js.add_stream(wanted)
        return f"stream {wanted.name} was missing and is made"
    drifted = _drift(wanted, found, _STREAM_FIELDS)
    if not drifted:
        return None
    await js.update_stream(wanted)
    return f"stream {wanted.name} had drifted in {', '.join(drifted)} and is corrected"


async def _reconcile_consumer(js: JetStreamContext, consumer: Consumer) -> str | None:
    wanted = consumer_config(consumer)
    try:
        found = (await js.consumer_info(consumer.stream, consumer.name)).config
    except NotFoundError:
        await js.add_consumer(consumer.stream, wanted)
        return f"consumer {consumer.name} was missing and is made"
    drifted = _drift(wanted, found, _CONSUMER_FIELDS)
    if not drifted:
        return None
    await js.add_consumer(consumer.stream, wanted)
    return f"consumer {consumer.name} had drifted in {', '.join(drifted)} and is corrected"


def _drift(wanted: object, found: object, fields: tuple[str, ...]) -> list[str]:
    # An option that was never set comes back as None; the server means the same by its zero value.
    def value(config: object, field: str) -> object:
        return getattr(config, field) or None

    return [
        field
        for field in fields
        if value(wanted, field) is not None and value(wanted, field) != value(found, field)
    ]
