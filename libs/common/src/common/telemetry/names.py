"""How are log events, spans, attributes and metrics called? Each name stands once, here."""

from __future__ import annotations

from enum import StrEnum


class LogEvent(StrEnum):
    """Constant, dotted; values go into fields."""

    BUS_CONNECTED = "bus.connected"
    BUS_CONSUMER_LOST = "bus.consumer_lost"
    BUS_CONSUMER_RESUMED = "bus.consumer_resumed"
    BUS_DISCONNECTED = "bus.disconnected"
    BUS_ERROR = "bus.error"
    BUS_RECONNECTED = "bus.reconnected"
    BUS_REFUSED = "bus.refused"
    CANDLES_CONTRADICTED = "candles.contradicted"
    CLOCK_STEPPED = "clock.stepped"
    CLOCKS_DIFFER = "clocks.differ"
    CONFIG_CHANGED = "config.changed"
    CONFIG_INVALID = "config.invalid"
    CONFIG_STALE = "config.stale"
    DATABASE_CONNECTED = "database.connected"
    DATABASE_REFUSED = "database.refused"
    DEPENDENCY_WAITING = "dependency.waiting"
    ERROR_UNCAUGHT = "error.uncaught"
    JOB_FINISHED = "job.finished"
    JOB_NOT_CLAIMED = "job.not_claimed"
    JOB_REPORT_FAILED = "job.report_failed"
    LOGGING_DROPPED = "logging.dropped"
    LOGGING_FAILED = "logging.failed"
    LOOP_BLOCKED = "loop.blocked"
    MASKING_FAILED = "masking.failed"
    MEMORY_EXHAUSTED = "memory.exhausted"
    MESSAGE_DEAD = "message.dead"
    MESSAGE_HANDED_BACK = "message.handed_back"
    PAGE_STORED_EARLY = "page.stored_early"
    PROBE_FAILED = "probe.failed"
    PROBE_RECOVERED = "probe.recovered"
    RETRY_EXHAUSTED = "retry.exhausted"
    RETRY_SCHEDULED = "retry.scheduled"
    SERVICE_READY = "service.ready"
    SERVICE_STARTING = "service.starting"
    SERVICE_STOPPED = "service.stopped"
    SERVICE_STOPPING = "service.stopping"
    STREAM_CORRECTED = "stream.corrected"
    TASK_FAILED = "task.failed"


class Metric(StrEnum):
    """Instrument names; dimensions are templates, never a market."""

    CACHE_HITS = "bongsu.cache.hits"
    CACHE_MISSES = "bongsu.cache.misses"
    CONNECTIONS = "db.client.connection.count"
    CONNECTIONS_MAX = "db.client.connection.max"
    CONNECTIONS_WAITED_FOR = "db.client.connection.pending_requests"
    JOB_DURATION = "bongsu.job.duration"
    JOBS = "bongsu.jobs"
    RETRIES = "bongsu.retries"
    RETRY_WAIT = "bongsu.retry.wait"
    MESSAGES = "bongsu.messages"


class Attribute(StrEnum):
    """What spans and figures are told apart by."""

    ATTEMPT = "attempt"
    CONNECTION_STATE = "db.client.connection.state"
    DEPENDENCY = "dependency"
    ERROR_TYPE = "error.type"
    JOB = "job"
    JOB_ATTEMPTS = "job.attempts"
    JOB_NAME = "job.name"
    JOB_OUTCOME = "job.outcome"
    JOB_RUN_ID = "job.run_id"
    OUTCOME = "outcome"
    POOL = "db.client.connection.pool.name"


TRACEPARENT = "traceparent"
TRACER = "bongsu"
