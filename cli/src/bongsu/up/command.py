"""`bongsu up`: checks, start of the whole stack, a live view until a signal, then an orderly stop."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Annotated

import httpx
import typer

from bongsu.errors import CommandError
from bongsu.servers import ports
from bongsu.stack_status import StackStatus, read_status
from bongsu.up import data_source as markets
from bongsu.up.data_dir import DataDir
from bongsu.up.live_view import LiveView
from bongsu.up.options import DEFAULT_DATA_DIR, DEFAULT_PORT, Options, parse_replicas, validate_options
from bongsu.up.preflight.cluster_size import check_cluster_size
from bongsu.up.preflight.port import check_port
from bongsu.up.preflight.vendors import check_gemini, check_upbit
from bongsu.up.replay_end import end_message, wait_for_end, wait_for_rows
from bongsu.up.stack import Stack
from common.errors import ServiceError
from common.tasks import cancel_tasks
from upbit_simulator.recorded.recording import Recording, RecordingError, load_recording

REFRESH_SECONDS = 1.0
ANSWER_SECONDS = 2.0


def up(
    port: Annotated[
        int, typer.Option(envvar="HEALTH_PORT", metavar="N", help="Port of the health HTTP.")
    ] = DEFAULT_PORT,
    data_dir: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help=f"Where the data is kept; {DEFAULT_DATA_DIR} by default."),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="The real Upbit; the real Gemini too when GEMINI_API_KEY is set.")
    ] = False,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Replay a recording: Upbit candle JSON or tick CSV, also .gz."),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(metavar="N", help="How many times faster the recording's clock runs; 1 by default."),
    ] = None,
    ephemeral: Annotated[
        bool, typer.Option("--ephemeral", help="Keep nothing: the data is deleted in the end.")
    ] = False,
    replicas: Annotated[
        str | None,
        typer.Option(
            metavar="SERVICE=N,…", help="Several of a service at once, as in collector=2,signaler=2."
        ),
    ] = None,
    no_ui: Annotated[
        bool, typer.Option("--no-ui", help="Plain lines instead of the live view; so without a terminal.")
    ] = False,
    nats_cluster: Annotated[
        int,
        typer.Option(metavar="N", help="How many NATS servers; 3 or 5 are a cluster that bears deaths."),
    ] = 1,
) -> None:
    """Run everything on this machine; Ctrl-C stops it.

    PostgreSQL, NATS, the simulators of Upbit and Gemini, and the three services.

    As in: bongsu up --port 9000 --ephemeral
    """
    options = Options(
        port, data_dir, live, replay, speed, ephemeral, no_ui, parse_replicas(replicas), nats_cluster
    )
    validate_options(options)
    # Outside of the loop: reading a long one takes a while, and Ctrl-C works meanwhile.
    recording = _recording(options.replay)
    asyncio.run(Run(options, recording).until_stopped())


class Run:
    """One `bongsu up`, from the first check to the last child's end."""

    def __init__(self, options: Options, recording: Recording | None) -> None:
        self._options = options
        self._recording = recording
        self._view = LiveView(plain=options.plain)
        self._stopping = asyncio.Event()
        self._stack: Stack | None = None
        self._status = StackStatus()

    async def until_stopped(self) -> None:
        """Run until SIGINT or SIGTERM; CommandError when it cannot start."""
        self._handle_signals()
        folder = DataDir.open(
            self._options.data_dir, default=DEFAULT_DATA_DIR, ephemeral=self._options.ephemeral
        )
        try:
            await self._run_in(folder)
        finally:
            folder.close()

    async def _run_in(self, folder: DataDir) -> None:
        market = self._check(folder)
        self._view.say(f"data in {folder.path}: {market.name}")
        self._stack = Stack(self._options, folder, market, os.environ, self._view.say)
        try:
            if await self._until_stopped(self._stack.start()):
                self._view.say(f"everything is up: {self._stack.health_url}/  (Ctrl-C stops it)")
                await self._until_stopped(self._watch(self._stack))
        except ServiceError as error:
            raise CommandError(str(error)) from error
        finally:
            self._view.say("stopping …")
            await self._stack.stop()
        self._view.say("stopped" + ("" if self._options.ephemeral else f"; the data stays in {folder.path}"))

    def _check(self, folder: DataDir) -> markets.Market:
        shown = self._options.data_dir or (folder.path if self._options.ephemeral else DEFAULT_DATA_DIR)
        market = self._market()
        markets.check_market(shown, market, self._options)
        check_cluster_size(shown, self._options)
        check_port(self._options, os.environ.get("HEALTH_HOST") or ports.HOST)
        if market.kind == "live":
            check_upbit(market.key)
            if note := check_gemini(os.environ):
                self._view.say(note)
        markets.write_market(shown, market)
        return market

    def _market(self) -> markets.Market:
        if self._recording:
            return markets.replayed(self._recording)
        if self._options.live:
            return markets.live((os.environ.get("UPBIT_BASE_URL") or markets.UPBIT_URL).rstrip("/"))
        return markets.simulated()

    async def _watch(self, stack: Stack) -> None:
        with self._view.showing():
            async with asyncio.TaskGroup() as group:
                group.create_task(self._refresh(stack))
                if self._recording:
                    group.create_task(self._report_end(stack, self._recording))

    async def _refresh(self, stack: Stack) -> None:
        async with httpx.AsyncClient(trust_env=False, timeout=ANSWER_SECONDS) as client:
            while True:
                self._status = await read_status(client, stack.health_url, self._status)
                self._view.show(self._status, stack.supervisor.children, stack.health_url)
                await asyncio.sleep(REFRESH_SECONDS)

    async def _report_end(self, stack: Stack, recording: Recording) -> None:
        expected = {code: len(market.candles) for code, market in recording.by_market.items()}
        await wait_for_end(stack.upbit_url)
        counts = await wait_for_rows(stack.postgres.url(), expected, lambda: self._status)
        self._view.say(end_message(counts, expected))

    async def _until_stopped(self, work: object) -> bool:
        """Do `work` until it is done or a signal comes; returns whether it was done."""
        task: asyncio.Task[None] = asyncio.ensure_future(work)  # type: ignore[call-overload]
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if task.done():
            task.result()
            return True
        await cancel_tasks([task])
        return False

    def _handle_signals(self) -> None:
        # The loop's handlers also work in a background job of a script, which starts with INT ignored.
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)

    def _on_signal(self) -> None:
        if self._stopping.is_set() and self._stack:
            self._stack.supervisor.kill()
        self._stopping.set()


def _recording(path: Path | None) -> Recording | None:
    if path is None:
        return None
    try:
        return load_recording(path)
    except RecordingError as error:
        raise CommandError(str(error)) from error
