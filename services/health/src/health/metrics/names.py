"""Names of the metrics: each once, with its help text and its labels.

By Prometheus' conventions: base units in the name (seconds, bytes), `_total` after a counter, which its
library adds. `service_instance` is our own instance; `instance` is Prometheus' name for whom it asked.
"""

from __future__ import annotations

from typing import NamedTuple


class Described(NamedTuple):
    """One metric."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


_INSTANCE = ("service", "service_instance")

BUILD = Described("bongsu_build_info", "1, with the version of health as its label.", ("version",))
STATUS = Described(
    "bongsu_status", "1 for the overall state that health judges now, 0 for the others.", ("status",)
)
COMPONENT_STATUS = Described(
    "bongsu_component_status",
    "1 for the status that a component of /health/detail has now, 0 for the others.",
    ("component", "status"),
)
COMPONENT_LATENCY = Described(
    "bongsu_component_latency_seconds", "How long a component took to answer last.", ("component",)
)
INSTANCES = Described(
    "bongsu_service_instances", "Live instances of a service by their status.", ("service", "status")
)
UPTIME = Described("bongsu_instance_uptime_seconds", "How long an instance has been running.", _INSTANCE)

POOL_CONNECTIONS = Described(
    "bongsu_pool_connections",
    "Open connections to PostgreSQL of an instance, used or idle.",
    (*_INSTANCE, "state"),
)
POOL_MAX = Described(
    "bongsu_pool_connections_max", "Connections to PostgreSQL that an instance may open.", _INSTANCE
)
POOL_WAITING = Described(
    "bongsu_pool_waiting_callers", "Callers in an instance that wait for a connection.", _INSTANCE
)
CACHE_HITS = Described("bongsu_cache_hits", "Settings read from an instance's cache.", _INSTANCE)
CACHE_MISSES = Described("bongsu_cache_misses", "Settings that an instance had to load.", _INSTANCE)

JOB_RUNS = Described(
    "bongsu_job_runs",
    "Runs of a job by outcome that were reported to this health instance since its own start.",
    ("service", "job", "outcome"),
)
JOB_DURATION = Described(
    "bongsu_job_duration_seconds",
    "How long runs of a job took that were not skipped, since this health instance started.",
    ("service", "job"),
)
JOB_SUCCESS_AGE = Described(
    "bongsu_job_last_success_age_seconds", "How long ago a job succeeded last.", ("service", "job")
)
JOB_INTERVAL = Described("bongsu_job_interval_seconds", "How often a job is scheduled.", ("service", "job"))

CONSUMER_PENDING = Described(
    "bongsu_consumer_pending_messages", "Messages that wait or are in flight.", ("consumer",)
)
CONSUMER_STUCK = Described(
    "bongsu_consumer_stuck_seconds", "How long no message was finished; 0 while none waits.", ("consumer",)
)
CONSUMER_PATIENCE = Described(
    "bongsu_consumer_patience_seconds", "How long a message may take before it is a flaw.", ("consumer",)
)
STREAM_MESSAGES = Described("bongsu_stream_messages", "Messages in a stream.", ("stream",))
STREAM_BYTES = Described("bongsu_stream_size_bytes", "What a stream holds.", ("stream",))
STREAM_FILL = Described(
    "bongsu_stream_fill_ratio",
    "How full a stream is that refuses when it is full, 0 to 1; 0 for one that lets go of its oldest.",
    ("stream",),
)
DEAD_LETTERS = Described("bongsu_dead_letters", "Dead letters that wait for a person (bongsu dead).")

NEWEST_CANDLE_AGE = Described(
    "bongsu_market_newest_candle_age_seconds", "How long ago the newest stored candle opened.", ("market",)
)
COVERED_AGE = Described(
    "bongsu_market_covered_age_seconds",
    "How long ago the last minute ended that is stored or proven to be without trades.",
    ("market",),
)
OPEN_GAPS = Described(
    "bongsu_market_open_gap_seconds", "Time that is missing in the stored candles.", ("market",)
)

SIGNALS = Described(
    "bongsu_signals",
    "Signals that this health instance received since its own start.",
    ("action", "source"),
)
SIGNAL_AGE = Described("bongsu_signal_newest_age_seconds", "How long ago the newest signal was made.")
GEMINI_REQUESTS = Described(
    "bongsu_gemini_requests_used", "HTTP attempts at Gemini today (day in Los Angeles).", ("model",)
)
GEMINI_REQUEST_LIMIT = Described(
    "bongsu_gemini_requests_limit", "HTTP attempts at Gemini that a day may have.", ("model",)
)
GEMINI_COST = Described("bongsu_gemini_cost_used_dollars", "What Gemini cost today, all models together.")
GEMINI_COST_LIMIT = Described("bongsu_gemini_cost_limit_dollars", "What Gemini may cost a day.")

DATABASE_SIZE = Described("bongsu_database_size_bytes", "What the database takes on its disk.")
DISK_SIZE = Described("bongsu_disk_size_bytes", "Size of the fullest disk that holds the data.")
DISK_FREE = Described("bongsu_disk_free_bytes", "Free on the fullest disk that holds the data.")
NOTIFICATIONS = Described(
    "bongsu_notifications",
    "Posts to NOTIFY_URL by outcome, since this health instance started.",
    ("outcome",),
)
