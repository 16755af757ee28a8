"""Every setting: its name, default, unit and meaning, in one table; ``Settings`` is the table.

A value is what the environment has, else what ``.env`` has, else the default; an empty text
counts as not set. Only ``cli.py`` hands an environment in. Messages name the setting that is
wrong and what is expected, and never repeat the value, which may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from app import setting_values as values
from app.client_address import Address, Network
from app.env_file import EnvFile
from app.root_path import checked_root_path
from github_store import GITHUB_API_URL, ConfigurationError


def _setting(default: Any, meaning: str, *, unit: str = "", expected: str = "a text") -> Any:
    return Field(
        default, description=meaning, json_schema_extra={"unit": unit, "expected": expected}
    )


Port = Annotated[int, Field(ge=0, le=65535)]
Seconds = Annotated[float, Field(ge=1, le=3600)]
Id = Annotated[int, Field(gt=0)]
Secret = Annotated[SecretStr, AfterValidator(values.header_safe)]
ApiTokens = Annotated[SecretStr, AfterValidator(values.tokens)]
_TOKENS = (
    "one or more tokens with commas between, each without control characters, "
    "or sha256: and 64 hexadecimal digits"
)


class Settings(BaseSettings):
    """The settings, checked one by one; whether they fit together, ``deployment.py`` decides."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", validate_default=False)

    host: str = _setting("127.0.0.1", "where to listen", unit="address or name")
    port: Port = _setting(
        3000, "where to listen; 0 takes any free port", unit="port", expected="0 to 65535"
    )
    api_token: ApiTokens | None = _setting(
        None,
        "the token every call of the API must carry, or several while one is replaced, each as it "
        "is or as sha256: and its digest; needed with a real repository, else made once and kept "
        "in DATA_DIR",
        unit="tokens, comma separated",
        expected=_TOKENS,
    )
    api_token_file: Path | None = _setting(
        None,
        "a file with these tokens, in place of API_TOKEN: one a line",
        unit="path",
        expected="a path",
    )
    api_read_token: ApiTokens | None = _setting(
        None,
        "tokens that may only read, written like API_TOKEN's",
        unit="tokens, comma separated",
        expected=_TOKENS,
    )
    api_ip: Annotated[Address, BeforeValidator(values.address)] | None = _setting(
        None,
        "the only address that may call the API; has precedence over API_IP_REGEX",
        unit="IP address",
        expected="an IP address",
    )
    api_ip_regex: Annotated[re.Pattern[str], BeforeValidator(values.pattern)] | None = _setting(
        None,
        "addresses that may call the API: where this is found in the address",
        unit="regular expression",
        expected="a regular expression",
    )
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode, BeforeValidator(values.networks)] = (
        _setting(
            (),
            "proxies whose X-Forwarded-For and X-Real-IP are believed",
            unit="addresses or CIDR networks, comma separated",
            expected="addresses or CIDR networks with commas between",
        )
    )
    root_path: Annotated[str, AfterValidator(checked_root_path)] | None = _setting(
        None,
        "below which path a reverse proxy serves this service, whether it takes it off or not",
        unit="path",
        expected="a path such as /kener that begins with none of the service's own",
    )
    metrics_public: bool = _setting(
        False,
        "whether /metrics is shown without the API token",
        unit="yes or no",
        expected="yes or no",
    )
    log_format: Literal["text", "json"] = _setting(
        "text", "how log lines are written", unit="text or json", expected="text or json"
    )
    github_repository: Annotated[str, AfterValidator(values.repository)] | None = _setting(
        None, "the repository that is the database", unit="owner/name", expected="owner/name"
    )
    gh_token: Secret | None = _setting(
        None,
        "the token for GitHub (or GITHUB_TOKEN): Issues and Contents read and write",
        expected="a text without control characters",
    )
    github_app_id: Id | None = _setting(
        None,
        "a GitHub App in place of the token: its id",
        unit="number",
        expected="a whole number from 1",
    )
    github_app_installation_id: Id | None = _setting(
        None, "the App's installation", unit="number", expected="a whole number from 1"
    )
    github_app_private_key: SecretStr | None = _setting(
        None, "the App's private key, or a path to it", unit="PEM text or path"
    )
    github_api_url: Annotated[str, AfterValidator(values.http_url)] = _setting(
        GITHUB_API_URL,
        "GitHub Enterprise, or any compatible server",
        unit="URL",
        expected="http(s)://host[:port][/path]",
    )
    github_webhook_secret: Annotated[SecretStr, AfterValidator(values.one_or_two)] | None = (
        _setting(
            None,
            "signs GitHub's webhooks; two while it is being replaced",
            unit="one or two, comma separated",
            expected="one secret, or two with a comma between",
        )
    )
    embedded_github: Literal["auto", "always", "never"] = _setting(
        "auto",
        "the GitHub inside: auto runs it where no GitHub setting is given",
        unit="auto, always or never",
        expected="auto, always or never",
    )
    embedded_github_port: Port = _setting(
        0, "where it listens; 0 takes any free port", unit="port", expected="0 to 65535"
    )
    sample_data: bool = _setting(
        True,
        "sample monitors, incidents and status on the embedded GitHub's first start",
        unit="yes or no",
        expected="yes or no",
    )
    monitors: str = _setting(
        "monitors.yaml",
        "the monitors: a local file, or where there is none, that file in the repository",
        unit="path",
    )
    data_dir: Path = _setting(
        Path(".kener-issues"), "what the service keeps on disk", unit="path", expected="a path"
    )
    status_branch: Annotated[str, AfterValidator(values.branch)] = _setting(
        "status-data",
        "the branch where status is committed",
        unit="branch",
        expected="a name that git takes for a branch",
    )
    fresh_seconds: Annotated[float, Field(ge=0, le=3600)] = _setting(
        15.0,
        "what GitHub said is given for so long without asking again, where no webhook tells",
        unit="seconds",
        expected="a number of seconds, 0 to 3600",
    )
    stale_seconds: Annotated[float, Field(ge=0, le=86_400)] = _setting(
        60.0,
        "for so long it is given at once and asked for behind the answer",
        unit="seconds",
        expected="a number of seconds, 0 to 86400",
    )
    outage_seconds: Annotated[float, Field(ge=0, le=31_536_000)] = _setting(
        604_800.0,
        "for so long it is given while GitHub is out",
        unit="seconds",
        expected="a number of seconds, 0 to 31536000",
    )
    status_change_seconds: Seconds = _setting(
        5.0,
        "a change of a monitor's status is committed within this time",
        unit="seconds",
        expected="a number of seconds, 1 to 3600",
    )
    status_steady_seconds: Seconds = _setting(
        600.0,
        "other samples are committed at the latest after this time",
        unit="seconds",
        expected="a number of seconds, 1 to 3600",
    )
    status_requests_per_hour: Annotated[int, Field(ge=3, le=400)] = _setting(
        240,
        "how many writing requests an hour GitHub gets for status; a commit takes three",
        unit="requests an hour",
        expected="a whole number, 3 to 400",
    )
    trusted_authors: Annotated[tuple[str, ...], NoDecode, BeforeValidator(values.logins)] = (
        _setting(
            (),
            "who may speak for the project beside the repository's own people",
            unit="logins, comma separated",
            expected="GitHub logins with commas between",
        )
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is handed in: nothing here looks at the process."""
        return (init_settings,)


SETTING_NAMES = {name.upper(): name for name in Settings.model_fields} | {
    "GITHUB_TOKEN": "gh_token",
}
"""What may be given, and the setting it is for; of two names for one the first goes before."""


def read_settings(environ: Mapping[str, str], in_file: EnvFile | None = None) -> Settings:
    """Raises ConfigurationError, in one line, for the first setting that is wrong."""
    in_file = in_file or EnvFile()
    given: dict[str, Any] = _given(in_file.values) | _given(environ)
    try:
        return Settings(**given)
    except ValidationError as error:
        field = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        expected = _extra(Settings.model_fields[field])["expected"]
        raise ConfigurationError(f"{field.upper()}: expected {expected}") from None


def _given(variables: Mapping[str, str]) -> dict[str, str]:
    """The settings among the variables; empty ones are left out."""
    given: dict[str, str] = {}
    for variable, name in SETTING_NAMES.items():
        value = variables.get(variable, "").strip()
        if value:
            given.setdefault(name, value)
    return given


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table, in texts."""

    name: str
    default: str
    unit: str
    meaning: str
    is_secret: bool


def setting_rows() -> Iterator[Setting]:
    for name, field in Settings.model_fields.items():
        yield Setting(
            name=name.upper(),
            default=_text(field.default),
            unit=_extra(field)["unit"],
            meaning=field.description or "",
            is_secret="SecretStr" in str(field.annotation),
        )


def shown_value(settings: Settings, name: str) -> str:
    """A setting's value for a person's eyes; a secret is masked."""
    return _text(getattr(settings, name.lower()))


def secrets_of(settings: Settings) -> list[str]:
    """The values that nobody may see."""
    values = (getattr(settings, name) for name in Settings.model_fields)
    whole = [value.get_secret_value() for value in values if isinstance(value, SecretStr)]
    return [*whole, *(part.strip() for value in whole for part in value.split(","))]


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ",".join(map(str, value))
        case float():
            return f"{value:g}"
        case re.Pattern():
            return str(value.pattern)
        case _:
            return str(value)


def _extra(field: FieldInfo) -> dict[str, str]:
    extra = field.json_schema_extra
    assert isinstance(extra, dict)
    return {key: str(value) for key, value in extra.items()}
