"""Executor of a fault plan: carries out each fault, and heals all of them in the end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import asyncpg

from faults.inputs.plan import SERVICES, Fault
from faults.stack.supervised import SupervisedStack
from harness.servers import postgres_connection
from servers.simulators import Controls

SWITCH_SECONDS = 2.0


async def break_by_plan(stack: SupervisedStack, faults: Sequence[Fault]) -> None:
    """Carry out the plan; returns once the last fault is over and all of them are healed."""
    lasting: list[asyncio.Task[None]] = []
    for fault in faults:
        await asyncio.sleep(fault.pause_seconds)
        lasting.append(asyncio.create_task(_carry_out(stack, fault)))
    await asyncio.gather(*lasting)
    await asyncio.gather(*(_switch(simulator, None) for simulator in (stack.upbit, stack.gemini)))


async def _carry_out(stack: SupervisedStack, fault: Fault) -> None:
    match fault.kind:
        case "kill":
            stack.kill(fault.target)
        case "crash":
            stack.crash_postgres()
        case "terminate":
            await _terminate_backends(stack)
        case "freeze":
            await stack.freeze(fault.target, fault.seconds)
        case "cut":
            stack.proxies[fault.target].cut()
        case "stall" | "deaf" | "mute":
            await _stall(stack, fault)
        case _:
            simulator = stack.upbit if fault.kind == "upbit" else stack.gemini
            await _switch(simulator, fault)


async def _stall(stack: SupervisedStack, fault: Fault) -> None:
    link = stack.proxies[fault.target]
    # A deaf service receives nothing from the server, a mute one sends nothing to it.
    link.stall(to_server=fault.kind != "deaf", to_client=fault.kind != "mute")
    await asyncio.sleep(fault.seconds)
    link.heal()


async def _terminate_backends(stack: SupervisedStack) -> None:
    names = [f"bongsu.{service}" for service in SERVICES]
    # PostgreSQL may just be away; then there is nothing to terminate.
    with contextlib.suppress(asyncpg.PostgresError, OSError, TimeoutError):
        async with postgres_connection(stack.running.postgres.url(), timeout=1) as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY($1)",
                names,
                timeout=1,
            )


async def _switch(simulator: Controls, fault: Fault | None) -> None:
    """Switch a fault on, or all of them off; a simulator that has just been killed has none."""
    with contextlib.suppress(OSError):
        if fault is None:
            await asyncio.to_thread(simulator.switch_all_off)
        else:
            body = {"kind": fault.target, "seconds": fault.seconds, "params": dict(fault.params)}
            status, answer = await asyncio.to_thread(simulator.post, "/_control/faults", body)
            assert status == 201, answer
