from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

from common.masking import register_secret
from common.telemetry.spans import span
from unit.common.printed import Printed

KEY = "xR7kQ2mZ9vT4bW8nL3pD6yH1cJ5fG0sAeUiOqXzP"


class Account:
    """Something of a library's own that prints itself with everything it has."""

    def __str__(self) -> str:
        return f"Account(access_key='{KEY}', balance=Decimal('48735012'))"

    __repr__ = __str__


class Unprintable:
    """Something that cannot even be looked at."""

    def __str__(self) -> str:
        raise RuntimeError(f"broken with {KEY}")


def test_a_line_says_when_how_bad_who_and_what(printed: Printed) -> None:
    structlog.get_logger("collector.jobs").warning("candles.late", market="KRW-BTC", price=95123000)
    (line,) = printed.lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "candles.late",
        "logger": "collector.jobs",
        "service": "collector",
        "instance": "c-1",
        "market": "KRW-BTC",
        "price": 95123000,
    }


def test_a_line_inside_a_span_carries_its_ids(printed: Printed, spans: InMemorySpanExporter) -> None:
    with span("store market_data"):
        structlog.get_logger().info("candles.stored")
        logging.getLogger("asyncpg").warning("slow")
    (finished,) = spans.get_finished_spans()
    assert finished.context is not None
    ids = (format_trace_id(finished.context.trace_id), format_span_id(finished.context.span_id))
    assert [(line["trace_id"], line["span_id"]) for line in printed.lines()] == [ids, ids]


def test_fields_of_our_own_loggers_are_masked_whatever_they_are(printed: Printed) -> None:
    register_secret("correct horse battery")
    log = structlog.get_logger().bind(authorization=f"Bearer {KEY}", account=Account())
    log.info(
        "accounts.read",
        accounts=[{"currency": "KRW", "balance": "48735012.7"}],
        url=f"/v1?key={KEY}",
        text="the correct horse battery staple",
    )
    (line,) = printed.lines()
    assert line["authorization"] == "***"
    assert line["accounts"] == [{"currency": "KRW", "balance": "***"}]
    assert line["url"] == "/v1?key=***"
    assert line["text"] == "the *** staple"
    assert line["account"] == "Account(access_key='***', balance=***)"


def test_lines_of_libraries_are_masked(printed: Printed) -> None:
    logging.getLogger("httpx").warning("HTTP Request: GET %s", f"https://api.upbit.com/v1/accounts?key={KEY}")
    (line,) = printed.lines()
    assert line["event"] == "HTTP Request: GET https://api.upbit.com/v1/accounts?key=***"
    assert (line["logger"], line["level"], line["service"]) == ("httpx", "warning", "collector")


def test_warnings_are_lines_too_and_masked(printed: Printed) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"deprecated: access_key={KEY}", stacklevel=1)
    (line,) = printed.lines()
    assert line["logger"] == "py.warnings"
    assert "access_key=***" in line["event"]
    assert KEY not in printed.text


@pytest.mark.parametrize("name", ["ours", "stdlib"])
def test_a_traceback_is_masked_down_to_its_cause_and_shows_no_locals(name: str, printed: Printed) -> None:
    register_secret("local-Value-7731")
    local = "local-Value-7731"
    try:
        try:
            raise ValueError(f"postgresql://svc:{KEY}@db:5432/bongsu refused {len(local)}")
        except ValueError as error:
            raise RuntimeError(f"secret_key={KEY}") from error
    except RuntimeError:
        log = structlog.get_logger() if name == "ours" else logging.getLogger("asyncpg")
        log.exception("pool.failed")
    (line,) = printed.lines()
    assert "ValueError: postgresql://svc:***@db:5432/bongsu refused 16" in line["exception"]
    assert "RuntimeError: secret_key=***" in line["exception"]
    assert KEY not in printed.text
    assert "local-Value-7731" not in printed.text


def test_a_line_that_cannot_be_masked_says_only_that(printed: Printed) -> None:
    structlog.get_logger("collector.jobs").error("account.read", account=Unprintable(), note=KEY)
    (line,) = printed.lines()
    assert line == {"event": "masking.failed", "level": "error", "logger": "collector.jobs"}


def test_a_line_that_cannot_be_formatted_prints_no_argument(
    log_as: Callable[[str], Printed], capsys: pytest.CaptureFixture[str]
) -> None:
    printed = log_as("json")
    logging.getLogger("asyncpg").warning("%d connections of %s", KEY, "pool")
    assert printed.text == ""
    said = capsys.readouterr().err
    assert json.loads(said) == {"event": "logging.failed", "level": "warning", "logger": "asyncpg"}


def test_a_line_break_in_a_value_makes_no_second_line(printed: Printed) -> None:
    logging.getLogger("aiohttp").warning('bad path /\n{"event": "forged"}')
    assert len(printed.lines()) == 1


def test_the_console_format_is_masked_too(log_as: Callable[[str], Printed]) -> None:
    printed = log_as("console")
    structlog.get_logger().info("accounts.read", balance="48735012.7", market="KRW-BTC", account=Account())
    assert "KRW-BTC" in printed.text
    assert "***" in printed.text
    assert KEY not in printed.text
    assert "48735012" not in printed.text


def test_only_what_is_as_bad_as_the_level_is_printed(printed: Printed) -> None:
    structlog.get_logger().debug("candles.parsed")
    logging.getLogger("asyncpg").debug("query")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.upbit.com")
    assert printed.lines() == []


def test_configuring_twice_prints_each_line_once(log_as: Callable[[str], Printed]) -> None:
    log_as("json")
    printed = log_as("json")
    structlog.get_logger().info("candles.stored")
    logging.getLogger("asyncpg").warning("slow")
    assert len(printed.lines()) == 2
