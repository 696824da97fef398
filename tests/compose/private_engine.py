"""A dockerd in namespaces of its own: network, mounts and processes end with the first of them.

A dockerd of the machine would leave firewall rules, bridges and mounts over. As root, on Linux.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bongsu.servers.process import die_with_parent, wait_until

START_SECONDS = 30.0
STOP_SECONDS = 30.0
# The name server and the network that slirp4netns shows inside.
NAME_SERVER = "10.0.2.3"
# The control group of all its containers.
GROUP = f"bongsu-compose-{os.getpid()}"
GROUPS = Path("/sys/fs/cgroup")
TOOLS = Path(__file__).parents[2] / ".compose"
# The first process: it also takes in what others leave over.
FIRST = "ip link set lo up && while :; do sleep 3600; done"


@dataclass(frozen=True)
class PrivateEngine:
    """How to reach it: variables for the client, and words before what is to run inside."""

    environment: Mapping[str, str]
    inside: Sequence[str]


@contextmanager
def private_engine(folder: Path) -> Iterator[PrivateEngine]:
    """Bring one up with its data in `folder`; afterwards no process, interface or mount of it is left."""
    before = _traces()
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(_namespaces(folder))
        stack.enter_context(_way_out(first, folder))
        stack.callback(_remove_groups)
        stack.enter_context(_daemon(first, folder))
        yield PrivateEngine(
            {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": str(_client(folder))},
            ("nsenter", "--target", str(first), "--net", "--"),
        )
    left = _traces() - before
    assert not left, f"the engine left over: {sorted(left)}"


@contextmanager
def _namespaces(folder: Path) -> Iterator[int]:
    """Make the namespaces; returns the number of their first process."""
    options = (
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "--propagation",
        "private",
    )
    parent = _start(["unshare", *options, "sh", "-c", FIRST], folder / "namespaces.log")
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
    try:
        assert wait_until(lambda: bool(children.read_text()), 5), "the namespaces could not be made"
        yield int(children.read_text().split()[0])
    finally:
        parent.kill()
        parent.wait()


@contextmanager
def _way_out(first: int, folder: Path) -> Iterator[None]:
    """Give them a network card to the outside, for what a build loads."""
    options = ("--configure", "--mtu", "1400", "--disable-host-loopback")
    process = _start(["slirp4netns", *options, str(first), "tap0"], folder / "slirp4netns.log")
    names = folder / "resolv.conf"
    theirs = Path("/etc/resolv.conf").read_text(encoding="utf-8")
    names.write_text(re.sub(r"(?m)^nameserver.*\n?", "", theirs) + f"\nnameserver {NAME_SERVER}\n")
    _inside(first, "mount", "--bind", str(names), "/etc/resolv.conf")
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def _daemon(first: int, folder: Path) -> Iterator[None]:
    own = [f"--{name}={folder / name}" for name in ("data-root", "exec-root", "pidfile")]
    host = f"--host=unix://{folder}/docker.sock"
    group = f"--cgroup-parent=/{GROUP}"
    command = ["nsenter", "--target", str(first), "--net", "--mount", "--pid", "--", "/usr/sbin/dockerd"]
    process = _start([*command, *own, host, group], folder / "dockerd.log")
    try:
        assert wait_until(lambda: process.poll() is not None or _greets(folder), START_SECONDS), _log(folder)
        assert process.poll() is None, _log(folder)
        yield
    finally:
        # It stops its containers and takes down its networks.
        inner = int((folder / "pidfile").read_text())
        _inside(first, "kill", "-TERM", str(inner), pids=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def _remove_groups() -> None:
    """Remove what is left of the control groups, empty by now, the innermost first."""
    for group in (path for path in GROUPS.rglob(GROUP) if path.is_dir()):
        for inner in sorted(filter(Path.is_dir, group.rglob("*")), reverse=True):
            inner.rmdir()
        group.rmdir()


def _greets(folder: Path) -> bool:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.connect(f"{folder}/docker.sock")
        connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in connection.recv(64)
    return False


def _client(folder: Path) -> Path:
    """Return the client's settings: where Compose and Buildx are."""
    plugins = folder / "client" / "cli-plugins"
    plugins.mkdir(parents=True)
    for name in ("docker-compose", "docker-buildx"):
        (plugins / name).symlink_to(TOOLS / name)
    return plugins.parent


def _start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(os.getpid()),  # noqa: PLW1509  calls two functions of libc, no lock
        )


def _inside(first: int, *command: str, pids: bool = False) -> None:
    spaces = ["--mount", *(["--pid"] if pids else [])]
    subprocess.run(["nsenter", "--target", str(first), *spaces, "--", *command], check=True)


def _log(folder: Path) -> str:
    return (folder / "dockerd.log").read_text(encoding="utf-8", errors="replace")[-2000:]


def _traces() -> set[str]:
    """Return what an engine could leave on this machine: processes, network cards, mounts, control groups."""
    found = {f"card {name}" for name in os.listdir("/sys/class/net")}
    found |= {f"mount {line.split()[4]}" for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    found |= {f"control group {path}" for path in GROUPS.glob("*/*") if path.is_dir()}
    found |= {f"control group {path}" for path in GROUPS.glob("*") if path.is_dir()}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and (name := (entry / "comm").read_text().strip()) in _PROGRAMS:
                found.add(f"process {name} {entry.name}")
    return found


_PROGRAMS = ("dockerd", "containerd", "containerd-shim", "docker-proxy", "slirp4netns", "unshare", "runc")
