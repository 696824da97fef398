from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from common.masking import mask_sensitive
from common.settings import BaseUrl, ServiceSettings, SettingsError, load_settings, nats_servers

URLS = {
    "DATABASE_URL": "postgresql://bongsu_collector@127.0.0.1:5432/bongsu",
    "NATS_URL": "nats://127.0.0.1:4222",
}
BAD_URL = "must be a URL that starts with"


class Settings(ServiceSettings):
    """A service with a secret, an address and a number of its own."""

    key: SecretStr | None = Field(default=None, alias="UPBIT_SECRET_KEY")
    base_url: BaseUrl = Field(default="https://api.upbit.com", alias="UPBIT_BASE_URL")


def load(**changes: str) -> Settings:
    return load_settings(Settings, URLS | changes)


def problems(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(Settings, environment)
    return caught.value.problems


def test_the_addresses_are_enough() -> None:
    settings = load()
    assert settings.database_url.get_secret_value() == URLS["DATABASE_URL"]
    assert (settings.log_level, settings.log_format, settings.replicas) == ("INFO", "json", 1)
    assert (settings.key, settings.base_url) == (None, "https://api.upbit.com")


def test_all_problems_are_named_at_once_each_with_its_variable() -> None:
    found = problems({"NATS_URL": "  ", "REPLICAS": "0", "LOG_FORMAT": "xml"})
    assert found == [
        "DATABASE_URL: is missing; set it in the environment",
        "NATS_URL: is missing; set it in the environment",
        "LOG_FORMAT: Input should be 'json' or 'console'",
        "REPLICAS: Input should be greater than or equal to 1",
    ]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("DATABASE_URL", "mysql://svc@db/bongsu", f"{BAD_URL} postgresql:// or postgres://"),
        ("DATABASE_URL", '"postgresql://svc@db/bongsu"', "must be without quotes around it"),
        ("NATS_URL", "nats://a:1,http://b:2", f"{BAD_URL} nats:// or tls://"),
        ("NATS_URL", "nats://a:1,", f"{BAD_URL} nats:// or tls://"),
        ("NATS_URL", "nats://a:1,nats://b:0", "must have a port from 1 to 65535"),
        ("NATS_URL", "nats://u:p@a:1,nats://v:p@b:2", "must name the same user in each of its URLs"),
        ("UPBIT_SECRET_KEY", "'abc12345'", "must be without quotes around it"),
        ("UPBIT_SECRET_KEY", "abc\n12345", "must be one line of UTF-8 text"),
        ("UPBIT_SECRET_KEY", "abc\udcff12345", "must be one line of UTF-8 text"),
        ("UPBIT_SECRET_KEY", "ChangeMe", "is still a placeholder"),
        ("LOG_LEVEL", "'INFO'", "must be without quotes around it"),
        ("LOG_LEVEL", "debug", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("REPLICAS", "9" * 5000, "must be a whole number in digits"),
        ("REPLICAS", "yes", "must be a whole number in digits"),
        ("REPLICAS", "1_0 ", "must be a whole number in digits"),
        ("REPLICAS", "３", "must be a whole number in digits"),
        ("REPLICAS", "-1", "greater than or equal to 1"),
        ("DATABASE_URL", "postgresql://svc@[::1/bongsu", "is no URL"),
        ("DATABASE_URL", "postgresql:///bongsu", "must name a host"),
        ("DATABASE_URL", "postgresql://svc@db:5432", "must name a database after the host"),
        ("DATABASE_URL", "postgresql://svc@db:5432/", "must name a database after the host"),
        ("DATABASE_URL", "postgresql://svc@db:70000/bongsu", "must have a port from 1 to 65535"),
        ("NATS_URL", "nats://nats:0", "must have a port from 1 to 65535"),
        ("NATS_URL", "nats://nats:port", "must have a port from 1 to 65535"),
        ("NATS_URL", "http://nats:4222", f"{BAD_URL} nats:// or tls://"),
        ("NATS_URL", "127.0.0.1:4222", BAD_URL),
        ("UPBIT_BASE_URL", "api.upbit.com", f"{BAD_URL} http:// or https://"),
        ("UPBIT_BASE_URL", "https://api.upbit.com/v1", "without a path"),
        ("REPLICAS", "21", "less than or equal to 20"),
        ("REPLICAS", "0x3", "must be a whole number in digits"),
        ("REPLICAS", "1e1", "must be a whole number in digits"),
        ("LOG_LEVEL", "loud", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_rule(name: str, value: str, reason: str) -> None:
    (problem,) = problems(URLS | {name: value})
    assert problem.startswith(f"{name}: ")
    assert reason in problem
    # A single digit stands in the rules too.
    assert len(value) < 3 or value.strip() not in problem


@pytest.mark.parametrize(
    "url",
    [
        "mysql://svc:Sesame-7731@db/bongsu",
        "postgresql://svc:Sesame-7731/x@db/bongsu",
        "postgresql://svc:Sesame-7731／x@db/bongsu",
        "postgresql://svc:Sesame-7731[x@db/bongsu",
        "postgresql://svc:Sesame-7731@db",
    ],
)
def test_no_problem_repeats_a_password(url: str) -> None:
    (problem,) = problems(URLS | {"DATABASE_URL": url})
    assert "Sesame" not in problem


def test_an_address_may_end_in_a_slash() -> None:
    assert load(UPBIT_BASE_URL="http://127.0.0.1:8001/").base_url == "http://127.0.0.1:8001"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "upbit_secret_key"
    file.write_text("from-the-file-7731\n", encoding="utf-8")
    settings = load(UPBIT_SECRET_KEY_FILE=str(file))
    assert settings.key == SecretStr("from-the-file-7731")
    assert load(UPBIT_SECRET_KEY_FILE=str(file), UPBIT_SECRET_KEY=" ").key == settings.key
    assert load(UPBIT_SECRET_KEY_FILE=str(file), UPBIT_SECRET_KEY="own-value-1").key == SecretStr(
        "own-value-1"
    )


def test_a_file_that_cannot_be_read_is_named_with_the_other_problems_and_an_empty_one_is_no_value(
    tmp_path: Path,
) -> None:
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    found = problems({"DATABASE_URL_FILE": str(tmp_path / "empty"), "NATS_URL_FILE": "/no/such"})
    assert found == [
        "NATS_URL_FILE: the file cannot be read (No such file or directory); check the path",
        "DATABASE_URL: is missing; set it in the environment",
    ]


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("binary", "the file cannot be read (not UTF-8 text); check the path"),
        ("", "the file cannot be read (Is a directory); check the path"),
        ("/dev/zero", "the file is larger than 64 kB; check the path"),
        # What it holds has the same rules.
        ("quoted", "must be without quotes around it"),
    ],
)
def test_a_file_is_refused_by_the_name_of_its_variable(tmp_path: Path, file: str, reason: str) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00secret")
    (tmp_path / "quoted").write_text("'quoted-7731'\n", encoding="utf-8")
    found = problems(URLS | {"UPBIT_SECRET_KEY_FILE": str(tmp_path / file), "REPLICAS": "0"})
    assert found == [
        f"UPBIT_SECRET_KEY_FILE: {reason}",
        "REPLICAS: Input should be greater than or equal to 1",
    ]


def test_the_message_holds_every_problem_once_and_no_value() -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(
            Settings, {"UPBIT_SECRET_KEY": "'Sesame-7731'", "LOG_LEVEL": "Sesame-7732", "REPLICAS": "7733"}
        )
    message = str(caught.value)
    assert [message.count(f"{name}: ") for name in (*URLS, "LOG_LEVEL", "REPLICAS", "UPBIT_SECRET_KEY")] == [
        1
    ] * 5
    assert "Sesame" not in message
    assert "7733" not in message


def test_only_secrets_come_from_files(tmp_path: Path) -> None:
    file = tmp_path / "log_level"
    file.write_text("DEBUG", encoding="utf-8")
    assert load(LOG_LEVEL_FILE=str(file)).log_level == "INFO"


@pytest.mark.parametrize(
    ("name", "value", "secrets"),
    [
        ("UPBIT_SECRET_KEY", "loaded-Key-4821", ["loaded-Key-4821"]),
        ("DATABASE_URL", "postgresql://svc:loaded-Db-4821@db/bongsu", ["loaded-Db-4821"]),
        ("DATABASE_URL", "postgresql://svc:loaded%40Db%2F48@db/bongsu", ["loaded@Db/48", "loaded%40Db%2F48"]),
        ("NATS_URL", "nats://collector:loaded-Nats-4821@nats:4222", ["loaded-Nats-4821"]),
        ("NATS_URL", "nats://loaded-Token-4821@nats:4222", ["loaded-Token-4821"]),
        (
            "NATS_URL",
            "nats://a:loaded-First-4821@n1:4222, nats://a:loaded%2FSecond-48@n2:4222",
            ["loaded-First-4821", "loaded/Second-48", "loaded%2FSecond-48"],
        ),
    ],
)
def test_every_secret_that_was_loaded_is_masked_from_then_on(
    name: str, value: str, secrets: list[str]
) -> None:
    for secret in secrets:
        assert mask_sensitive(f"says {secret} twice") == f"says {secret} twice"
    load(**{name: value})
    for secret in secrets:
        assert mask_sensitive(f"says {secret} twice") == "says *** twice"


def test_settings_never_print_their_secrets() -> None:
    settings = load(UPBIT_SECRET_KEY="printed-Key-4821", NATS_URL="nats://a:printed-Nats-4821@nats:4222")
    assert "4821" not in f"{settings!r} {settings}"


def test_the_servers_of_a_cluster_are_written_with_commas_between() -> None:
    assert nats_servers("nats://n1:4222") == ["nats://n1:4222"]
    assert nats_servers("nats://n1:4222, nats://n2:4222") == ["nats://n1:4222", "nats://n2:4222"]


def test_a_beat_file_needs_its_folder(tmp_path: Path) -> None:
    assert load(BEAT_FILE=str(tmp_path / "beat")).beat_file == tmp_path / "beat"
    assert load().beat_file is None
    found = problems(URLS | {"BEAT_FILE": str(tmp_path / "missing" / "beat")})
    assert found == ["BEAT_FILE: must be a file in a folder that exists"]
