from __future__ import annotations

from pathlib import Path

import pytest

from common.settings import SettingsError, load_settings
from health.settings import HealthSettings

SERVERS = {"DATABASE_URL": "postgresql://h@localhost/bongsu", "NATS_URL": "nats://localhost:4222"}
HOOK = "https://hooks.example.com/services/T0/B0/secretOfTheHook7741"


def load(**environment: str) -> HealthSettings:
    return load_settings(HealthSettings, SERVERS | environment)


def test_without_a_webhook_nobody_is_notified() -> None:
    assert load().notify_url is None
    assert load(NOTIFY_URL="").notify_url is None


def test_a_webhook_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "notify_url"
    file.write_text(HOOK + "\n", encoding="utf-8")
    for settings in (load(NOTIFY_URL=HOOK), load(NOTIFY_URL_FILE=str(file))):
        assert settings.notify_url is not None
        assert settings.notify_url.get_secret_value() == HOOK
        assert "secretOfTheHook7741" not in repr(settings)


@pytest.mark.parametrize(
    "url", ["hooks.example.com/secretOfTheHook7741", "ftp://secretOfTheHook7741", "https:///x", "http://[x"]
)
def test_an_address_that_is_none_is_refused_without_it(url: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(NOTIFY_URL=url)
    assert raised.value.problems == [
        "NOTIFY_URL: must be a URL that starts with http:// or https:// and names a host"
    ]


def test_a_state_settles_within_an_hour_at_most() -> None:
    assert load().notify_settle_seconds == 10
    with pytest.raises(SettingsError, match="NOTIFY_SETTLE_SECONDS"):
        load(NOTIFY_SETTLE_SECONDS="3601")


def test_the_folders_of_the_data_are_where_health_runs_or_those_that_are_named() -> None:
    assert load().data_folders == (Path(),)
    assert load(HEALTH_DATA_FOLDERS="/data:/var/lib").data_folders == (Path("/data"), Path("/var/lib"))
