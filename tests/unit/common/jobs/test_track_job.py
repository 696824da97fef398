from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode, format_span_id, format_trace_id

from common.errors import TransientError
from common.jobs.tracking import count_retry, track_job
from unit.common.jobs.records import Records
from unit.common.printed import Printed

DESIGNED = {
    "timestamp", "level", "event", "metric_type", "job_name", "run_id", "outcome", "success", "duration_ms",
    "attempts", "error", "service", "trace_id", "span_id",
}  # fmt: skip
ALSO = {"logger", "instance", "reason", "count"}


@pytest.fixture
def records() -> Records:
    return Records()


@pytest.mark.usefixtures("spans")
async def test_a_good_run_is_one_log_line_with_the_designed_fields(
    printed: Printed, records: Records
) -> None:
    async with track_job("gap_repair", owner=records.owner, run_id="5f0c"):
        count_retry()
    (line,) = printed.lines()
    assert set(line) == DESIGNED | ALSO
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line["timestamp"])
    assert line["duration_ms"] == round(line["duration_ms"], 2) >= 0
    expected = {
        "level": "info",
        "event": "job.finished",
        "metric_type": "job",
        "job_name": "gap_repair",
        "run_id": "5f0c",
        "outcome": "ok",
        "success": True,
        "attempts": 2,
        "error": None,
        "service": "collector",
        "instance": "c-1",
        "reason": None,
        "count": 1,
    }
    assert {name: line[name] for name in expected} == expected


async def test_a_run_is_one_span_and_its_ids_are_in_the_line_and_the_event(
    printed: Printed, records: Records, spans: InMemorySpanExporter
) -> None:
    async with track_job("gap_repair", owner=records.owner, run_id="5f0c"):
        count_retry()
    (span,) = spans.get_finished_spans()
    assert (span.name, span.status.status_code) == ("job gap_repair", StatusCode.UNSET)
    assert span.attributes == {
        "job.name": "gap_repair",
        "job.run_id": "5f0c",
        "job.outcome": "ok",
        "job.attempts": 2,
    }
    (line,) = printed.lines()
    assert span.context is not None
    assert line["trace_id"] == records.only.trace_id == format_trace_id(span.context.trace_id)
    assert line["span_id"] == format_span_id(span.context.span_id)


async def test_the_event_says_what_the_line_says(printed: Printed, records: Records) -> None:
    async with track_job("gap_repair", owner=records.owner) as run:
        run.skip("late", count=3)
    (line,) = printed.lines()
    record: dict[str, Any] = records.only.model_dump(exclude={"finished_at"})
    assert record == {name: line[name] for name in record}
    assert (record["outcome"], record["reason"], record["count"]) == ("skipped", "late", 3)
    assert line["success"] is False
    assert line["level"] == "info"


async def test_a_failed_run_raises_its_error_and_records_it_masked(
    printed: Printed, records: Records, spans: InMemorySpanExporter
) -> None:
    error = TransientError("503 for api_key=q8Zr5tLw2Xn9")
    with pytest.raises(TransientError) as caught:
        async with track_job("gap_repair", owner=records.owner):
            raise error
    assert caught.value is error
    (line,) = printed.lines()
    (span,) = spans.get_finished_spans()
    masked = "TransientError: 503 for api_key=***"
    assert (line["level"], line["outcome"], line["success"]) == ("error", "failed", False)
    assert line["error"] == records.only.error == masked
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, masked)
    assert span.attributes is not None
    assert span.attributes["job.outcome"] == "failed"


async def cancelled_run(records: Records, failure: Exception | None = None) -> None:
    """Cancel a run, which may have failed before."""
    began = asyncio.Event()

    async def work() -> None:
        async with track_job("gap_repair", owner=records.owner) as run:
            if failure:
                run.fail(failure)
            began.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancelled_run_is_skipped_because_of_stopping_and_no_error(
    printed: Printed, records: Records, spans: InMemorySpanExporter
) -> None:
    await cancelled_run(records)
    (line,) = printed.lines()
    (span,) = spans.get_finished_spans()
    assert (line["level"], line["outcome"], line["error"]) == ("info", "skipped", None)
    assert (records.only.outcome, records.only.reason) == ("skipped", "stopping")
    assert span.attributes is not None
    assert span.attributes["job.outcome"] == "skipped"
    assert (span.status.status_code, span.status.description) == (StatusCode.UNSET, None)


async def test_a_run_that_failed_without_an_exception_stays_failed_although_it_is_cancelled(
    records: Records, spans: InMemorySpanExporter
) -> None:
    await cancelled_run(records, TransientError("2 of 3 pages failed"))
    (span,) = spans.get_finished_spans()
    assert (records.only.outcome, records.only.reason) == ("failed", None)
    assert records.only.error == "TransientError: 2 of 3 pages failed"
    assert span.status.status_code == StatusCode.ERROR


async def test_a_run_whose_help_was_cancelled_has_failed_and_was_not_stopped(
    records: Records, spans: InMemorySpanExporter
) -> None:
    help_ = asyncio.ensure_future(asyncio.Event().wait())
    help_.cancel()
    with pytest.raises(asyncio.CancelledError):
        async with track_job("gap_repair", owner=records.owner):
            await help_
    (span,) = spans.get_finished_spans()
    assert (records.only.outcome, records.only.reason) == ("failed", None)
    assert (records.only.error or "").startswith("CancelledError")
    assert span.status.status_code == StatusCode.ERROR


async def test_an_exception_after_a_skip_is_one_failed_run(records: Records) -> None:
    with contextlib.suppress(KeyError):
        async with track_job("gap_repair", owner=records.owner) as run:
            run.skip("late", count=3)
            raise KeyError("minute")
    record = records.only
    assert (record.outcome, record.reason, record.count, record.error) == (
        "failed",
        None,
        1,
        "KeyError: 'minute'",
    )


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(0), ExceptionGroup("two", [KeyError()])])
async def test_no_exception_of_any_kind_is_a_success(records: Records, error: BaseException) -> None:
    with pytest.raises(type(error)):
        async with track_job("gap_repair", owner=records.owner):
            raise error
    assert records.only.outcome == "failed"


async def test_retries_belong_to_the_run_of_their_own_task(records: Records) -> None:
    async def run(retries: int) -> None:
        async with track_job(f"job_{retries}", owner=records.owner):
            for _ in range(retries):
                await asyncio.sleep(0)
                count_retry()

    await asyncio.gather(run(1), run(2), run(3))
    assert {record.job_name: record.attempts for record in records.all} == {
        "job_1": 2,
        "job_2": 3,
        "job_3": 4,
    }


async def test_a_retry_after_a_run_is_not_counted_for_it(records: Records) -> None:
    async with track_job("gap_repair", owner=records.owner) as run:
        count_retry()
    count_retry()
    assert run.retries == 1


async def test_runs_without_a_given_id_get_different_ones(records: Records) -> None:
    for _ in range(2):
        async with track_job("gap_repair", owner=records.owner):
            pass
    first, second = records.all
    assert first.run_id != second.run_id
    assert first.message_id() != second.message_id()
