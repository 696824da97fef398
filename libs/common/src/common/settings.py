"""Settings from environment variables, checked as a whole at the start.

Every secret may also come from a file: `<NAME>_FILE` names it. An empty variable counts as missing. An error
names the variable and its rule, never its value.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from common.masking import register_secret

NATS_SCHEMES = ("nats", "tls")
MAX_FILE_BYTES = 64 * 1024
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
# What an example file leaves for a person to fill in.
PLACEHOLDERS = frozenset({"changeme", "change-me", "change_me", "replaceme", "replace-me", "todo"})


class SettingsError(Exception):
    """One sentence per wrong variable: its name, the rule, the fix; never the value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def _check_database(value: SecretStr) -> SecretStr:
    parts = _checked(value.get_secret_value(), ("postgresql", "postgres"))
    if not parts.path.strip("/"):
        raise ValueError("must name a database after the host, as in postgresql://user@host:5432/bongsu")
    return value


def _check_nats(value: SecretStr) -> SecretStr:
    servers = [_checked(server, NATS_SCHEMES) for server in nats_servers(value.get_secret_value())]
    if len({server.username for server in servers}) > 1:
        raise ValueError("must name the same user in each of its URLs")
    return value


def nats_servers(urls: str) -> list[str]:
    """Return the URL of each server in a NATS_URL: one, or those of a cluster with commas between."""
    return [url.strip() for url in urls.split(",")]


def _checked(url: str, schemes: tuple[str, ...]) -> SplitResult:
    # The text of urlsplit's and port's own errors repeats what stands there, password included.
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ValueError("is no URL; percent-encode what is neither letter nor digit in a password") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must be a URL that starts with {' or '.join(s + '://' for s in schemes)}")
    if not parts.hostname:
        raise ValueError("must name a host")
    try:
        has_valid_port = parts.port != 0
    except ValueError:
        has_valid_port = False
    if not has_valid_port:
        raise ValueError("must have a port from 1 to 65535 after the host; percent-encode / in a password")
    return parts


def _no_path(value: str) -> str:
    if _checked(value, ("http", "https")).path.strip("/"):
        raise ValueError("must be scheme, host and port only, without a path")
    return value.rstrip("/")


def _check_beat_file(value: Path) -> Path:
    if not value.parent.is_dir():
        raise ValueError("must be a file in a folder that exists")
    return value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_check_database)]
# Of one server, or of each in a cluster, with commas between.
NatsUrl = Annotated[SecretStr, AfterValidator(_check_nats)]
BaseUrl = Annotated[str, AfterValidator(_no_path)]
# Touched by a process that lives, for a health check that cannot ask over HTTP.
BeatFile = Annotated[Path, AfterValidator(_check_beat_file)]
LogFormat = Literal["json", "console"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class ServiceSettings(BaseModel):
    """The variables that every service reads; a service adds its own in its `settings.py`."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    database_url: DatabaseUrl = Field(
        alias="DATABASE_URL", description="PostgreSQL with the service's own role, as a URL."
    )
    nats_url: NatsUrl = Field(
        alias="NATS_URL",
        description="NATS with the service's own user; a cluster's servers with commas between.",
    )
    log_level: LogLevel = Field(
        default="INFO", alias="LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR."
    )
    log_format: LogFormat = Field(
        default="json", alias="LOG_FORMAT", description="json: a line an event; console: for people."
    )
    replicas: int = Field(
        default=1,
        alias="REPLICAS",
        ge=1,
        le=20,
        description="How many instances of the service run at once: they share its connections.",
    )
    beat_file: BeatFile | None = Field(
        default=None,
        alias="BEAT_FILE",
        description="A file in memory that is touched every 5 s, for health checks; off by default.",
    )


SettingsT = TypeVar("SettingsT", bound=BaseModel)


def load_settings(model: type[SettingsT], environment: Mapping[str, str]) -> SettingsT:
    """Return `model` filled from `environment`; every secret found is registered for masking.

    Raises:
        SettingsError: A variable is missing or breaks its rule; all problems are named at once.
    """
    values: dict[str, str] = {}
    refused: dict[str, str] = {}
    for field in model.model_fields.values():
        name = str(field.alias)
        try:
            value = _read(name, field, environment)
        except SettingsError as error:
            refused[name] = str(error)
            continue
        if value is not None:
            values[name] = value
    problems = list(refused.values())
    try:
        settings = model.model_validate(values)
    except ValidationError as error:
        # include_input=False: pydantic would put the values, secrets among them, into the error.
        details = error.errors(include_input=False, include_url=False, include_context=False)
        problems += [_sentence(detail) for detail in details if detail["loc"][0] not in refused]
    if problems:
        raise SettingsError(problems)
    _register_secrets(settings)
    return settings


def read_secret(name: str, environment: Mapping[str, str]) -> str:
    """Return the variable `name`, or what the file says that `<name>_FILE` names; "" where there is neither.

    Raises:
        SettingsError: The file cannot be read, or the value breaks a rule for every secret.
    """
    source, value = name, environment.get(name, "").strip()
    path = environment.get(f"{name}_FILE")
    if path and not value:
        source = f"{name}_FILE"
        value = _read_file(source, Path(path))
    if rule := _broken_rule(value, secret=True):
        raise SettingsError([f"{source}: {rule}"])
    return value


def _read(name: str, field: FieldInfo, environment: Mapping[str, str]) -> str | None:
    if "SecretStr" in str(field.annotation):
        return read_secret(name, environment) or None
    value = environment.get(name, "").strip()
    rule = _broken_rule(value, secret=False)
    # pydantic takes 1_0 for ten, and digits of other scripts.
    if value and field.annotation is int and not _WHOLE_NUMBER.fullmatch(value):
        rule = rule or "must be a whole number in digits"
    if rule:
        raise SettingsError([f"{name}: {rule}"])
    return value or None


def _read_file(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError([f"{name}: the file cannot be read ({reason}); check the path"]) from None
    if len(content) > MAX_FILE_BYTES:
        raise SettingsError([f"{name}: the file is larger than {MAX_FILE_BYTES // 1024} kB; check the path"])
    return text.strip()


def _broken_rule(value: str, *, secret: bool) -> str | None:
    """Return which of the rules for every variable a value breaks."""
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return "must be without quotes around it"
    # Bytes that are no UTF-8 come as surrogates, which can be neither sent nor masked.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        return "must be one line of UTF-8 text"
    if secret and value.lower() in PLACEHOLDERS:
        return "is still a placeholder; set the real one, or leave it empty"
    return None


def _sentence(detail: Any) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "missing":
        return f"{name}: is missing; set it in the environment"
    return f"{name}: {str(detail['msg']).removeprefix('Value error, ')}"


def _register_secrets(settings: BaseModel) -> None:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            for part in _secrets_of(value.get_secret_value()):
                register_secret(part)


def _secrets_of(value: str) -> list[str]:
    if "://" not in value:
        return [value]
    on_nats = value.startswith(tuple(f"{scheme}://" for scheme in NATS_SCHEMES))
    urls = [urlsplit(url) for url in (nats_servers(value) if on_nats else [value])]
    # A user alone is a token on NATS; elsewhere it is a name that anyone may read.
    secrets = [url.password or (on_nats and url.username) or "" for url in urls]
    return [*secrets, *map(unquote, secrets)]
