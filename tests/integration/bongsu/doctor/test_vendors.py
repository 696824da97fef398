"""The doctor's checks of vendors: Gemini's key and models, Upbit's clock and keys."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from bongsu.context import StackContext
from bongsu.doctor.checks.gemini import check_gemini
from bongsu.doctor.checks.upbit import check_exchange
from bongsu.doctor.checks.upbit_keys import check_upbit_key
from bongsu.doctor.finding import Finding, Verdict
from bongsu.doctor.target import OutsideSettings, Target
from bongsu.up.environment import SIMULATED_GEMINI_KEY
from servers.simulators import Simulator

SIGNALERS = ("gemini-3.8-flash", "gemini-3.6-flash")


def target(**variables: str) -> Target:
    return Target(StackContext({}), Path(), OutsideSettings.model_validate(variables))


async def gemini_findings(gemini: Simulator, *models: str) -> dict[str, Finding]:
    asked = target(GEMINI_API_KEY=SIMULATED_GEMINI_KEY, GOOGLE_GEMINI_BASE_URL=gemini.url)
    return {finding.check: finding for finding in await check_gemini(asked, models or SIGNALERS)}


@pytest.mark.parametrize(
    ("fault", "verdict", "said"),
    [
        ("key_invalid", Verdict.PROBLEM, "refused by Gemini (status 400)"),
        ("auth_key_invalid", Verdict.PROBLEM, "refused by Gemini (status 401)"),
        ("key_leaked", Verdict.PROBLEM, "refused by Gemini (status 403)"),
        ("region", Verdict.PROBLEM, "does not serve the country"),
        ("models_list_fails", Verdict.WARNING, "answers with status 500 now"),
        ("reset", Verdict.PROBLEM, "cannot be asked"),
    ],
)
async def test_a_key_that_is_not_accepted_is_reported_with_its_reason(
    gemini: Simulator, fault: str, verdict: Verdict, said: str
) -> None:
    gemini.switch_on(fault)
    [finding] = (await gemini_findings(gemini)).values()
    assert (finding.check, finding.verdict, said in finding.found) == ("gemini key", verdict, True)
    assert SIMULATED_GEMINI_KEY not in str(finding)


@pytest.mark.parametrize(
    ("models", "verdict", "said"),
    [
        (SIGNALERS, Verdict.OK, "gemini-3.8-flash, gemini-3.6-flash are there"),
        (("gemini-3.7-flash", "gemini-3.6-flash"), Verdict.WARNING, "retiring: gemini-3.7-flash"),
        (("gemini-2.5-flash", "gemini-3.6-flash"), Verdict.WARNING, "gone: gemini-2.5-flash; the fallback"),
        (("gemini-3.8-flash", "gemini-2.5-pro"), Verdict.WARNING, "gone: gemini-2.5-pro"),
        (("gemini-2.5-flash",), Verdict.PROBLEM, "no configured model is left"),
    ],
)
async def test_a_model_is_alive_retiring_or_gone(
    gemini: Simulator, models: tuple[str, ...], verdict: Verdict, said: str
) -> None:
    found = await gemini_findings(gemini, *models)
    assert found["gemini key"].verdict is Verdict.OK
    assert (found["gemini models"].verdict, said in found["gemini models"].found) == (verdict, True)


@pytest.mark.parametrize(
    ("seconds", "verdict"), [(0, Verdict.OK), (300, Verdict.PROBLEM), (-300, Verdict.PROBLEM)]
)
async def test_the_clock_of_the_exchange_is_compared_in_both_directions(
    upbit: Simulator, seconds: int, verdict: Verdict
) -> None:
    upbit.switch_on("clock_skew", seconds=seconds)
    [markets, clock] = await check_exchange(target(UPBIT_BASE_URL=upbit.url), ["KRW-BTC"])
    assert (markets.verdict, clock.verdict) == (Verdict.OK, verdict)


async def test_an_address_that_is_blocked_has_to_wait(upbit: Simulator) -> None:
    upbit.switch_on("blocked")
    [markets] = await check_exchange(target(UPBIT_BASE_URL=upbit.url), ["KRW-BTC"])
    assert (markets.verdict, "418" in markets.found) == (Verdict.WARNING, True)


async def test_a_recording_has_a_clock_of_its_own_which_is_not_compared(upbit: Simulator) -> None:
    upbit.switch_on("clock_skew", seconds=-100_000)
    document = {"market": {"kind": "replay"}, "upbit_url": upbit.url}
    [_, clock] = await check_exchange(Target(StackContext({}, document), Path()), ["KRW-BTC"])
    assert (clock.verdict, clock.fix) == (Verdict.UNKNOWN, None)


@contextmanager
def upbit_keys(status: int, document: object) -> Iterator[str]:
    """A server that answers like Upbit's list of keys, which the simulator does not have."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document if self.path.startswith("/v1/api_keys") else []).encode()
            self.send_response(status if self.path.startswith("/v1/api_keys") else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def key_that_ends_in(days: int) -> list[dict[str, str]]:
    # Half a day more: the parameters are made when the tests are collected, long before the last one runs.
    end = datetime.now(UTC) + timedelta(days=days, hours=9 + 12)
    return [{"access_key": "hunter2access", "expire_at": f"{end:%Y-%m-%dT%H:%M:%S}+09:00"}]


@pytest.mark.parametrize(
    ("status", "document", "verdict", "said"),
    [
        (200, key_that_ends_in(200), Verdict.OK, "in 200 days"),
        (200, key_that_ends_in(10), Verdict.WARNING, "in 10 days"),
        (200, key_that_ends_in(-1), Verdict.PROBLEM, "ended "),
        (200, [], Verdict.UNKNOWN, "does not say when it ends"),
        (
            401,
            {"error": {"name": "expired_access_key", "message": "x"}},
            Verdict.PROBLEM,
            "expired_access_key",
        ),
        (
            401,
            {"error": {"name": "no_authorization_ip", "message": "x"}},
            Verdict.PROBLEM,
            "no_authorization",
        ),
        (500, {"error": {"name": "x", "message": "x"}}, Verdict.UNKNOWN, "answers with status 500"),
    ],
)
async def test_the_end_of_an_upbit_key_is_reported_in_time(
    status: int, document: object, verdict: Verdict, said: str
) -> None:
    with upbit_keys(status, document) as url:
        keys = {"UPBIT_ACCESS_KEY": "hunter2access", "UPBIT_SECRET_KEY": "hunter2secret" * 3}
        finding = await check_upbit_key(target(UPBIT_BASE_URL=url, **keys))
    assert (finding.verdict, said in finding.found) == (verdict, True)
    assert "hunter2" not in str(finding)


async def test_half_a_key_is_a_problem_and_none_is_none() -> None:
    assert (await check_upbit_key(target())).verdict is Verdict.OK
    assert (await check_upbit_key(target(UPBIT_ACCESS_KEY="hunter2access"))).verdict is Verdict.PROBLEM
