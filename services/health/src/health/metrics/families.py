"""Metric families of /metrics, from the facts that every answer of health is made of. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import get_args

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from common.events import SERVICES, ComponentStatus, JobState
from common.masking import mask_sensitive
from common.streams import DEAD
from health.domain import Facts
from health.metrics import names
from health.metrics.measurements import Measurements
from health.metrics.names import Described
from health.schemas import DetailedHealthResponse, OverallStatus

# Values of the labels, and the figure.
Sample = tuple[tuple[str, ...], float]


def families(
    facts: Facts,
    detail: DetailedHealthResponse,
    measurements: Measurements | None,
    exchange_time: datetime | None,
) -> Iterator[Metric]:
    """Yield every metric that is known now; one that is not known is left out, never 0."""
    yield from _judged(detail)
    yield from _instances(facts, detail)
    yield from _jobs(facts)
    yield from _bus(facts)
    yield from _markets(facts, measurements, exchange_time)
    yield from _signals(facts)
    yield from _disk(facts)
    if measurements:
        yield from _gemini(measurements)
        yield _gauge(names.DATABASE_SIZE, [((), measurements.database_bytes)])


def _judged(detail: DetailedHealthResponse) -> Iterator[Metric]:
    yield _gauge(names.BUILD, [((detail.version,), 1)])
    yield _gauge(names.STATUS, [((state,), state == detail.status) for state in get_args(OverallStatus)])
    yield _gauge(
        names.COMPONENT_STATUS,
        [
            ((component.name, status), status == component.status)
            for component in detail.components
            for status in get_args(ComponentStatus)
        ],
    )
    yield _gauge(
        names.COMPONENT_LATENCY,
        [
            ((component.name,), component.latency_ms / 1000)
            for component in detail.components
            if component.latency_ms is not None
        ],
    )


def _instances(facts: Facts, detail: DetailedHealthResponse) -> Iterator[Metric]:
    rows = [row for row in detail.services if row.instance is not None]
    services = dict.fromkeys((*SERVICES, *(row.name for row in rows)))
    yield _gauge(
        names.INSTANCES,
        [
            ((service, status), sum((row.name, row.status) == (service, status) for row in rows))
            for service in services
            for status in get_args(ComponentStatus)
        ],
    )
    states = [live.state for live in facts.instances]
    who = {state.instance: (state.service, state.instance) for state in states}
    yield _gauge(names.UPTIME, [(who[state.instance], state.uptime_s) for state in states])
    pools = [(who[state.instance], state.pool) for state in states if state.pool]
    yield _gauge(
        names.POOL_CONNECTIONS,
        [
            ((*owner, state), count)
            for owner, pool in pools
            for state, count in (("used", pool.in_use), ("idle", pool.size - pool.in_use))
        ],
    )
    yield _gauge(names.POOL_MAX, [(owner, pool.max) for owner, pool in pools])
    yield _gauge(names.POOL_WAITING, [(owner, pool.waiting) for owner, pool in pools])
    caches = [(who[state.instance], state.cache) for state in states if state.cache]
    yield _counter(names.CACHE_HITS, [(owner, cache.hits) for owner, cache in caches])
    yield _counter(names.CACHE_MISSES, [(owner, cache.misses) for owner, cache in caches])


def _jobs(facts: Facts) -> Iterator[Metric]:
    until = {"signaler": facts.exchange_runs_until}
    yield _gauge(
        names.JOB_SUCCESS_AGE,
        [
            (job, _seconds(until.get(job[0], facts.now) - success))
            for job, success in facts.last_success.items()
        ],
    )
    jobs: dict[tuple[str, str], JobState] = {
        (live.state.service, job.job_name): job for live in facts.instances for job in live.state.jobs
    }
    yield _gauge(names.JOB_INTERVAL, [(key, job.interval_seconds) for key, job in jobs.items()])


def _bus(facts: Facts) -> Iterator[Metric]:
    consumers = facts.consumers()
    yield _gauge(names.CONSUMER_PENDING, [((state.name,), state.pending) for state in consumers])
    yield _gauge(names.CONSUMER_STUCK, [((state.name,), state.stuck_seconds) for state in consumers])
    yield _gauge(names.CONSUMER_PATIENCE, [((state.name,), state.patience_seconds) for state in consumers])
    streams = [fill for fill in facts.streams.fills if not fill.is_missing]
    yield _gauge(names.STREAM_MESSAGES, [((fill.name,), fill.messages) for fill in streams])
    yield _gauge(names.STREAM_BYTES, [((fill.name,), fill.size_bytes) for fill in streams])
    yield _gauge(names.STREAM_FILL, [((fill.name,), fill.ratio) for fill in streams])
    yield _gauge(names.DEAD_LETTERS, [((), fill.messages) for fill in streams if fill.name == DEAD])


def _markets(
    facts: Facts, measurements: Measurements | None, exchange_time: datetime | None
) -> Iterator[Metric]:
    markets = measurements.markets if measurements else ()
    newest = ((found.market, found.newest_age(facts.now, exchange_time)) for found in markets)
    covered = ((found.market, found.covered_age(facts.now, exchange_time)) for found in markets)
    for name, ages in ((names.NEWEST_CANDLE_AGE, newest), (names.COVERED_AGE, covered)):
        yield _gauge(name, [((market,), _seconds(age)) for market, age in ages if age is not None])
    yield _gauge(names.OPEN_GAPS, [((found.market,), found.open_gap_seconds) for found in markets])


def _signals(facts: Facts) -> Iterator[Metric]:
    newest = facts.database.stored and facts.database.stored.newest_signal_at
    age = [((), _seconds(facts.exchange_runs_until - newest))] if newest else []
    yield _gauge(names.SIGNAL_AGE, age)


def _gemini(measurements: Measurements) -> Iterator[Metric]:
    used, budget = measurements.gemini_requests, measurements.gemini_request_budget
    yield _gauge(names.GEMINI_REQUESTS, [((model,), count) for model, count in used.items()])
    yield _gauge(names.GEMINI_REQUEST_LIMIT, [((model,), budget) for model in used])
    yield _gauge(names.GEMINI_COST, [((), float(measurements.gemini_cost_usd))])
    yield _gauge(names.GEMINI_COST_LIMIT, [((), float(measurements.gemini_cost_budget_usd))])


def _disk(facts: Facts) -> Iterator[Metric]:
    if facts.disk:
        yield _gauge(names.DISK_SIZE, [((), facts.disk.size)])
        yield _gauge(names.DISK_FREE, [((), facts.disk.free)])


def _gauge(described: Described, samples: Iterable[Sample]) -> Metric:
    return _filled(GaugeMetricFamily(described.name, described.help, labels=described.labels), samples)


def _counter(described: Described, samples: Iterable[Sample]) -> Metric:
    return _filled(CounterMetricFamily(described.name, described.help, labels=described.labels), samples)


def _filled(
    family: GaugeMetricFamily | CounterMetricFamily, samples: Iterable[Sample]
) -> GaugeMetricFamily | CounterMetricFamily:
    for labels, value in samples:
        # Names come from other processes, perhaps of an older version.
        family.add_metric([mask_sensitive(label) for label in labels], value)
    return family


def _seconds(age: timedelta) -> float:
    return max(0.0, round(age.total_seconds(), 1))
