"""When is a failed call tried again? One layer of retries, in the adapter only, on tenacity."""

from __future__ import annotations

import functools
import random
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from common.errors import TransientError
from common.telemetry.jobs import count_retry
from common.telemetry.names import LogEvent

P = ParamSpec("P")
T = TypeVar("T")

MAX_JITTER = 0.1
EXHAUSTED_IN_A_ROW = 2


class Dependency:
    """What is called, and whether it seems to be down.

    After two calls in a row that used up their retries, the next ones go out once each until one succeeds:
    over a long outage the dependency sees at most 1.1 requests a call.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._exhausted_in_a_row = 0

    @property
    def seems_down(self) -> bool:
        """True while calls go unretried."""
        return self._exhausted_in_a_row >= EXHAUSTED_IN_A_ROW

    def succeeded(self) -> None:
        """Note a call that came back."""
        self._exhausted_in_a_row = 0

    def exhausted(self) -> None:
        """Note a call whose last try failed."""
        self._exhausted_in_a_row += 1


def with_retry(
    max_retries: int = 3,
    base_delay: float = 1.0,
    exceptions: tuple[type[Exception], ...] = (TransientError,),
    *,
    dependency: Dependency | None = None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Decorate an idempotent call: the first try plus `max_retries`, after 1, 2, 4 s with the defaults.

    Jitter only lengthens a delay, by at most 10 %; a delay the server named (`retry_after_seconds`) wins.
    Each retry is one WARNING `retry.scheduled`; the end is one ERROR `retry.exhausted` and the original
    exception. Without `dependency` the decorated function counts as a dependency of its own.
    """

    def decorate(call: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        target = dependency or Dependency(getattr(call, "__qualname__", repr(call)))
        log = structlog.get_logger("common.retry").bind(dependency=target.name)

        def delay(state: RetryCallState) -> float:
            error = _error_of(state)
            if isinstance(error, TransientError) and error.retry_after_seconds is not None:
                return error.retry_after_seconds
            return float(
                base_delay * 2 ** (state.attempt_number - 1) * random.uniform(1, 1 + MAX_JITTER)  # noqa: S311
            )

        def announce(state: RetryCallState) -> None:
            count_retry()
            wait = state.next_action.sleep if state.next_action else 0.0
            log.warning(
                LogEvent.RETRY_SCHEDULED,
                attempt=state.attempt_number,
                delay_seconds=round(wait, 2),
                error=str(_error_of(state)),
            )

        @functools.wraps(call)
        async def retried(*args: P.args, **kwargs: P.kwargs) -> T:
            attempts = 1 if target.seems_down else 1 + max_retries
            retrying = AsyncRetrying(
                stop=stop_after_attempt(attempts),
                wait=delay,
                retry=retry_if_exception_type(exceptions),
                before_sleep=announce,
                reraise=True,
            )
            try:
                result: T = await retrying(call, *args, **kwargs)
            except exceptions as error:
                target.exhausted()
                log.error(LogEvent.RETRY_EXHAUSTED, attempts=attempts, error=str(error))
                raise
            target.succeeded()
            return result

        return retried

    return decorate


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
