"""NATS checks: version, JetStream, sync to disk, streams, and the instances that answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

import httpx
from nats.aio.client import Client
from nats.js.errors import APIError, NotFoundError, ServiceUnavailableError

from bongsu.bus.connection import connected, jetstream_of
from bongsu.doctor.finding import Finding, ok, problem, unknown, warning
from bongsu.doctor.target import Target
from bongsu.errors import CommandError, NotAllowedError, UnreachableError
from bongsu.provisioning.streams import differences
from bongsu.servers.nats.server import OLDEST_VERSION
from common import events
from common.bus.decoder import read_event
from common.errors import PermanentError
from common.events import ComponentReport
from common.streams import CONSUMERS, STREAMS

NATS = "nats"
SYNC = "nats sync"
STREAMS_CHECK = "streams"
SERVICES = "services"
MONITOR_SECONDS = 2.0
REPORT_SECONDS = 0.8
RECONCILE = (
    "the reconciler mends it within 5 s; if it stays, start it: part of `bongsu up`, or `bongsu reconcile`"
)


async def check_bus(target: Target, version: str) -> list[Finding]:
    """Ask the server, its monitor and every instance; `version` is that of Bongsu here."""
    url = target.stack.nats_url
    findings: list[Finding] = []
    try:
        async with connected(url, command="doctor", stream="MARKET") as client:
            findings.append(_judge_version(str(client.connected_server_version)))
            reports = await _collect_reports(client)
            findings += [await _streams(client), judge_instances(reports, version)]
    except NotAllowedError as error:
        findings.append(
            unknown(STREAMS_CHECK, str(error), "name the user admin in NATS_URL: only it may look at streams")
        )
    except UnreachableError as error:
        return [problem(NATS, str(error), "start it: `make run`, or docker compose up -d nats")]
    except CommandError as error:
        findings.append(problem(NATS, str(error), "switch JetStream on and check NATS_URL"))
    return [*findings, *[await _sync(monitor) for monitor in target.nats_monitor_urls]]


def judge_instances(reports: Sequence[ComponentReport], version: str) -> Finding:
    """Judge who answered, and whether all are of this version. Pure."""
    here = sorted({report.service for report in reports})
    if absent := [service for service in events.SERVICES if service not in here]:
        return problem(
            SERVICES,
            f"no {' and no '.join(absent)} answers on NATS",
            f"start it, and see why it ended: bongsu logs --service {absent[0]}",
        )
    if old := sorted(
        {f"{report.service} {report.version}" for report in reports if report.version != version}
    ):
        return warning(
            SERVICES,
            f"another version than this command's {version} runs: {', '.join(old)}",
            "restart the stack, or docker compose up -d, so that all are of one version",
        )
    return ok(SERVICES, f"{len(reports)} instances of version {version}")


def _judge_version(text: str) -> Finding:
    text = text.strip("<>").rpartition("v")[2]
    found = tuple(int(number) for number in re.findall(r"\d+", text)[:2])
    oldest = ".".join(map(str, OLDEST_VERSION))
    if found < OLDEST_VERSION:
        return problem(NATS, f"nats-server {text}", f"run nats-server {oldest} or newer")
    return ok(NATS, f"nats-server {text}")


async def _streams(client: Client) -> Finding:
    jetstream = jetstream_of(client)
    try:
        await jetstream.account_info()
    except (ServiceUnavailableError, NotFoundError, APIError) as error:
        said = error.description or "it is not switched on"
        return problem(
            STREAMS_CHECK, f"JetStream cannot be used: {said}", "start nats-server with jetstream enabled"
        )
    if found := await differences(jetstream):
        return problem(STREAMS_CHECK, "; ".join(found), RECONCILE)
    return ok(STREAMS_CHECK, f"{len(STREAMS)} streams and {len(CONSUMERS)} consumers as declared")


async def _collect_reports(client: Client) -> list[ComponentReport]:
    """Ask every instance and return what came back in time."""
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    await client.publish(ComponentReport.subject, b"", reply=inbox)
    reports = []
    try:
        async with asyncio.timeout(REPORT_SECONDS):
            async for message in subscription.messages:
                try:
                    reports.append(read_event(message.data, ComponentReport))
                except PermanentError:
                    continue
    except TimeoutError:
        pass
    await subscription.unsubscribe()
    return reports


async def _sync(monitor: str) -> Finding:
    """Ask the server's own monitor whether acknowledged means on disk."""
    try:
        async with httpx.AsyncClient(timeout=MONITOR_SECONDS, trust_env=False) as client:
            document = (await client.get(f"{monitor}/varz")).json()
        config = document["jetstream"]["config"]
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError) as error:
        return unknown(
            SYNC,
            f"not known: the monitor {monitor} does not answer ({type(error).__name__})",
            "name it in NATS_MONITOR_URL, or look for sync_interval: always in nats.conf",
        )
    if config.get("sync_always"):
        return ok(SYNC, "sync_interval is always: acknowledged means on disk")
    seconds = int(config.get("sync_interval") or 0) // 10**9
    return problem(
        SYNC,
        f"sync_interval is {seconds} s: a power cut loses what was acknowledged in that time",
        "set sync_interval: always in the jetstream block of nats.conf and restart nats-server",
    )
