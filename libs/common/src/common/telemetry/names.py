"""Names of log events, spans, attributes and metrics: each is spelled once, here.

OpenTelemetry's semantic conventions where they have a name, ours under `bongsu.` where they have none.
"""

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
    CLOCKS_DIFFER = "clocks.differ"
    CLOCK_STEPPED = "clock.stepped"
    CONFIG_CHANGED = "config.changed"
    CONFIG_INVALID = "config.invalid"
    CONFIG_STALE = "config.stale"
    DATABASE_CONNECTED = "database.connected"
    DEPENDENCY_WAITING = "dependency.waiting"
    ERROR_UNCAUGHT = "error.uncaught"
    JOB_FINISHED = "job.finished"
    JOB_NOT_CLAIMED = "job.not_claimed"
    JOB_REPORT_FAILED = "job.report_failed"
    LOGGING_DROPPED = "logging.dropped"
    LOGGING_FAILED = "logging.failed"
    MASKING_FAILED = "masking.failed"
    MEMORY_EXHAUSTED = "memory.exhausted"
    MESSAGE_DEAD = "message.dead"
    MESSAGE_HANDED_BACK = "message.handed_back"
    NOTIFICATION_DROPPED = "notification.dropped"
    NOTIFICATION_FAILED = "notification.failed"
    NOTIFICATION_SENT = "notification.sent"
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
    TELEMETRY_DROPPED = "telemetry.dropped"
    TELEMETRY_OFF = "telemetry.off"
    TELEMETRY_RESUMED = "telemetry.resumed"


class SpanName(StrEnum):
    """`{operation} {destination}`; a destination is a template, never a market."""

    COLLECT = "collect {destination}"
    PUBLISH = "publish {destination}"
    PROCESS = "process {destination}"
    JOB = "job {job}"
    UPBIT = "{method} {template}"
    GENERATE = "generate_content gemini"
    STORE_CANDLES = "store market_data"
    INSERT_SIGNAL = "insert trading_signals"


class Metric(StrEnum):
    """Instrument names; dimensions are templates, never a market."""

    CACHE_HITS = "bongsu.cache.hits"
    CACHE_MISSES = "bongsu.cache.misses"
    CONNECTIONS = "db.client.connection.count"
    CONNECTIONS_MAX = "db.client.connection.max"
    CONNECTIONS_WAITED_FOR = "db.client.connection.pending_requests"
    JOB_DURATION = "bongsu.job.duration"
    JOBS = "bongsu.jobs"
    MESSAGES = "bongsu.messages"
    RETRIES = "bongsu.retries"
    RETRY_WAIT = "bongsu.retry.wait"
    TELEMETRY_DROPPED = "bongsu.telemetry.dropped"


class Attribute(StrEnum):
    """What spans and metrics are distinguished by."""

    ATTEMPT = "attempt"
    CONNECTION_STATE = "db.client.connection.state"
    CONSUMER = "messaging.consumer.group.name"
    DATABASE = "db.system.name"
    DEPENDENCY = "dependency"
    DESTINATION = "messaging.destination.name"
    DESTINATION_TEMPLATE = "messaging.destination.template"
    ERROR_TYPE = "error.type"
    EXCEPTION_STACKTRACE = "exception.stacktrace"
    GEN_AI_MODEL = "gen_ai.request.model"
    GEN_AI_OPERATION = "gen_ai.operation.name"
    GEN_AI_PROVIDER = "gen_ai.provider.name"
    HTTP_METHOD = "http.request.method"
    JOB = "job"
    JOB_ATTEMPTS = "job.attempts"
    JOB_NAME = "job.name"
    JOB_OUTCOME = "job.outcome"
    JOB_RUN_ID = "job.run_id"
    MESSAGE_ID = "messaging.message.id"
    MESSAGING = "messaging.system"
    MESSAGING_OPERATION = "messaging.operation.name"
    MESSAGING_TYPE = "messaging.operation.type"
    OUTCOME = "outcome"
    PAGE_CANDLES = "page.candles"
    POOL = "db.client.connection.pool.name"
    ROWS_OPERATION = "db.operation.name"
    SERVER_ADDRESS = "server.address"
    TABLE = "db.collection.name"
    TELEMETRY_SIGNAL = "signal"
    URL_TEMPLATE = "url.template"


class AttributeValue(StrEnum):
    """Constant values of attributes."""

    GEMINI = "gcp.gemini"
    GENERATE = "generate_content"
    INSERT = "INSERT"
    NATS = "nats"
    POSTGRESQL = "postgresql"
    PROCESS = "process"
    PUBLISH = "publish"
    SEND = "send"


TRACER = "bongsu"
