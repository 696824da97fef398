"""Does deploy/secrets.sh make each password once, on both sides the same?"""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path

from bongsu.provisioning.nats_config import password_variable
from bongsu.provisioning.nats_users import USERS
from bongsu.provisioning.roles import ROLES

SCRIPT = Path(__file__).parents[3] / "deploy/secrets.sh"


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), *arguments],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "SECRETS_DIR": str(folder)},
    )


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_each_user_gets_a_url_and_the_servers_the_same_passwords(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert make(folder).returncode == 0
    made = contents(folder)
    for role in ROLES:
        url = made[f"{role.removeprefix('bongsu_')}_database_url"]
        assert re.fullmatch(rf"postgresql://{role}:[0-9a-f]{{48}}@postgres:5432/bongsu\n", url)
    for user in USERS:
        password = re.fullmatch(rf"nats://{user}:([0-9a-f]{{48}})@nats:4222\n", made[f"{user}_nats_url"])
        assert password
        assert f'{password_variable(user)}: "{password[1]}"\n' in made["nats_passwords.conf"]
    assert f":{made['postgres_password'].strip()}@" in made["superuser_database_url"]
    assert made["gemini_api_key"] == made["notify_url"] == "\n"


def test_others_on_the_machine_cannot_enter_and_containers_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def test_what_is_there_stays(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "gemini_api_key").write_text("mine\n")
    before = contents(tmp_path)
    assert make(tmp_path).returncode == 0
    assert contents(tmp_path) == before


def test_one_users_passwords_are_renewed_and_no_others(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    assert make(tmp_path, "--renew", "collector").returncode == 0
    after = contents(tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"collector_database_url", "collector_nats_url", "nats_passwords.conf"}
    assert after["nats_passwords.conf"].count("\n") == len(USERS)


def test_an_unknown_user_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    before = contents(tmp_path)
    refused = make(tmp_path, "--renew", "trader")
    assert refused.returncode == 2
    assert "'trader' is no user whose password can be renewed here" in refused.stderr
    assert make(tmp_path, "collector").returncode == 2
    assert contents(tmp_path) == before
