"""Retry with backoff and a circuit breaker, on tenacity: one layer of retries, in the adapter only."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from common.errors import TransientError
from common.jobs.tracking import count_retry
from common.telemetry.instruments import retries, retry_wait
from common.telemetry.names import Attribute, LogEvent

P = ParamSpec("P")
T = TypeVar("T")

MAX_JITTER = 0.1
EXHAUSTED_IN_A_ROW = 2


class CircuitBreaker:
    """The state of one dependency, which `name` names in the log and the metrics.

    An open one lets calls through, unlike most: they are what shows that the dependency is back. It only ends
    the retries. After two calls in a row that used up their retries, or their caller's time while they were
    retried, the next ones go out once each until one succeeds: over a long outage the dependency sees at most
    1.1 requests a call.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._exhausted_in_a_row = 0

    @property
    def is_open(self) -> bool:
        """True while calls go unretried."""
        return self._exhausted_in_a_row >= EXHAUSTED_IN_A_ROW

    def record_success(self) -> None:
        """Record a call that came back."""
        self._exhausted_in_a_row = 0

    def record_failure(self) -> None:
        """Record a call that was given up."""
        self._exhausted_in_a_row += 1


def with_retry(
    max_retries: int = 3,
    base_delay: float = 1.0,
    exceptions: tuple[type[Exception], ...] = (TransientError,),
    *,
    breaker: CircuitBreaker | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Decorate an idempotent call: the first try plus `max_retries`, after 1, 2, 4 s with the defaults.

    Jitter only lengthens a delay, by at most 10 %; a delay the server named (`retry_after_seconds`) wins.
    Each retry is one WARNING `retry.scheduled`; the end is one ERROR `retry.exhausted` and the original
    exception. Without `breaker` the decorated function has one of its own.

    A call that does something each time it arrives must not be decorated: after a timeout it is
    unknown whether it did.
    """

    def decorate(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        circuit = breaker or CircuitBreaker(getattr(call, "__qualname__", repr(call)))

        @functools.wraps(call)
        async def retried(*args: P.args, **kwargs: P.kwargs) -> T:
            attempts = _Attempts(circuit, base_delay)
            most = 1 if circuit.is_open else 1 + max_retries
            retrying = AsyncRetrying(
                stop=stop_after_attempt(most),
                wait=attempts.delay,
                retry=retry_if_exception_type(exceptions),
                before_sleep=attempts.record_retry,
                reraise=True,
            )
            try:
                result: T = await retrying(call, *args, **kwargs)
            except exceptions as error:
                attempts.record_exhausted(error, most)
                raise
            except BaseException:
                attempts.record_interruption()
                raise
            circuit.record_success()
            return result

        return retried

    return decorate


class _Attempts:
    """The attempts of one call, recorded in the log, the metrics, the running job and the breaker."""

    def __init__(self, breaker: CircuitBreaker, base_delay: float) -> None:
        self._breaker = breaker
        self._base_delay = base_delay
        self._has_failed = False

    def delay(self, state: RetryCallState) -> float:
        error = _error_of(state)
        if isinstance(error, TransientError) and error.retry_after_seconds is not None:
            return error.retry_after_seconds
        jitter = random.uniform(1, 1 + MAX_JITTER)  # noqa: S311
        return float(self._base_delay * 2 ** (state.attempt_number - 1) * jitter)

    def record_retry(self, state: RetryCallState) -> None:
        error, attempt = _error_of(state), state.attempt_number
        wait = state.next_action.sleep if state.next_action else 0.0
        self._has_failed = True
        count_retry()
        self._count(error, attempt, outcome="scheduled")
        retry_wait().record(
            wait, {Attribute.DEPENDENCY: self._breaker.name, Attribute.ERROR_TYPE: type(error).__name__}
        )
        self._log(error).warning(LogEvent.RETRY_SCHEDULED, attempt=attempt, delay_seconds=round(wait, 2))

    def record_exhausted(self, error: Exception, attempts: int) -> None:
        self._breaker.record_failure()
        self._count(error, attempts, outcome="exhausted")
        self._log(error).error(LogEvent.RETRY_EXHAUSTED, attempts=attempts)

    def record_interruption(self) -> None:
        """Record an end by the caller's time limit or by another error, which is reported elsewhere."""
        if self._has_failed:
            self._breaker.record_failure()

    def _count(self, error: BaseException | None, attempt: int, *, outcome: str) -> None:
        retries().add(
            1,
            {
                Attribute.DEPENDENCY: self._breaker.name,
                Attribute.ERROR_TYPE: type(error).__name__,
                Attribute.ATTEMPT: attempt,
                Attribute.OUTCOME: outcome,
            },
        )

    def _log(self, error: BaseException | None) -> Any:
        return structlog.get_logger("common.retry").bind(
            dependency=self._breaker.name, error_type=type(error).__name__, error=str(error)
        )


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
