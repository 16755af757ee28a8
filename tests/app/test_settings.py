"""Settings: from the environment or .env, checked one by one, named when wrong, never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.env_file import EnvFile
from app.settings import Settings, read_settings, setting_rows, shown_value
from github_store import ConfigurationError

NAMES = [
    "HOST", "PORT", "API_TOKEN", "API_TOKEN_FILE", "API_READ_TOKEN", "API_IP", "API_IP_REGEX",
    "TRUSTED_PROXIES",
    "ROOT_PATH", "METRICS_PUBLIC", "LOG_FORMAT", "GITHUB_REPOSITORY", "GH_TOKEN", "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_API_URL",
    "GITHUB_WEBHOOK_SECRET", "EMBEDDED_GITHUB", "EMBEDDED_GITHUB_PORT", "SAMPLE_DATA",
    "MONITORS", "DATA_DIR", "STATUS_BRANCH", "FRESH_SECONDS", "STALE_SECONDS", "OUTAGE_SECONDS",
    "STATUS_CHANGE_SECONDS", "STATUS_STEADY_SECONDS",
    "STATUS_REQUESTS_PER_HOUR", "TRUSTED_AUTHORS",
]  # fmt: skip
SECRETS = {
    "API_TOKEN", "API_READ_TOKEN", "GH_TOKEN", "GITHUB_APP_PRIVATE_KEY", "GITHUB_WEBHOOK_SECRET",
}  # fmt: skip
TOKENS = (
    "one or more tokens with commas between, each without control characters, "
    "or sha256: and 64 hexadecimal digits"
)
ENVIRONMENT = {
    "HOST": "0.0.0.0",
    "PORT": "0",
    "API_TOKEN": "secret one",
    "API_READ_TOKEN": "secret five, secret six",
    "API_IP": "::ffff:192.0.2.7",
    "API_IP_REGEX": r"^192\.",
    "TRUSTED_PROXIES": "10.0.0.0/8, ::1",
    "ROOT_PATH": "/kener/",
    "GITHUB_REPOSITORY": "octo-org/status.page",
    "GH_TOKEN": "secret two",
    "GITHUB_APP_ID": "12",
    "GITHUB_APP_INSTALLATION_ID": "34",
    "GITHUB_APP_PRIVATE_KEY": "secret three",
    "GITHUB_API_URL": "https://github.example/api/v3/",
    "GITHUB_WEBHOOK_SECRET": "secret,four",
    "EMBEDDED_GITHUB": "never",
    "EMBEDDED_GITHUB_PORT": "4000",
    "SAMPLE_DATA": "no",
    "MONITORS": "config/monitors.yaml",
    "DATA_DIR": "data",
    "STATUS_BRANCH": "status/data",
    "TRUSTED_AUTHORS": "octocat, @ann,deploy[bot]",
}


def test_there_is_one_row_for_every_setting() -> None:
    rows = list(setting_rows())
    assert [row.name for row in rows] == NAMES
    assert all(row.meaning for row in rows)
    assert {row.name for row in rows if row.is_secret} == SECRETS


def test_without_an_environment_every_setting_has_its_default() -> None:
    settings = read_settings({})
    shown = {row.name: shown_value(settings, row.name) for row in setting_rows()}
    assert shown == {row.name: row.default for row in setting_rows()}
    given = {name: text for name, text in shown.items() if text}
    assert given == {
        "HOST": "127.0.0.1",
        "PORT": "3000",
        "METRICS_PUBLIC": "no",
        "LOG_FORMAT": "text",
        "GITHUB_API_URL": "https://api.github.com",
        "EMBEDDED_GITHUB": "auto",
        "EMBEDDED_GITHUB_PORT": "0",
        "SAMPLE_DATA": "yes",
        "MONITORS": "monitors.yaml",
        "DATA_DIR": ".kener-issues",
        "STATUS_BRANCH": "status-data",
        "FRESH_SECONDS": "15",
        "STALE_SECONDS": "60",
        "OUTAGE_SECONDS": "604800",
        "STATUS_CHANGE_SECONDS": "5",
        "STATUS_STEADY_SECONDS": "600",
        "STATUS_REQUESTS_PER_HOUR": "240",
    }


def test_every_setting_is_read() -> None:
    settings = read_settings(ENVIRONMENT)
    assert settings.port == 0
    assert str(settings.api_ip) == "192.0.2.7"
    assert settings.api_ip_regex is not None
    assert settings.api_ip_regex.search("192.0.2.7")
    assert list(map(str, settings.trusted_proxies)) == ["10.0.0.0/8", "::1/128"]
    assert settings.root_path == "/kener"
    assert settings.github_app_id == 12
    assert settings.github_api_url == "https://github.example/api/v3"
    assert settings.sample_data is False
    assert settings.data_dir == Path("data")
    assert settings.trusted_authors == ("octocat", "ann", "deploy[bot]")
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "secret one"


def test_secrets_are_masked() -> None:
    settings = read_settings(ENVIRONMENT)
    shown = " ".join(shown_value(settings, name) for name in NAMES)
    for name in SECRETS:
        assert ENVIRONMENT[name] not in shown + repr(settings)
    assert shown.count("**********") == len(SECRETS)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("empty", ["", "  "])
def test_an_empty_text_counts_as_not_set(name: str, empty: str) -> None:
    settings = read_settings({name: empty})
    assert settings == Settings()
    assert settings.model_fields_set == set()


def test_gh_token_goes_before_github_token() -> None:
    for environ, token in [
        ({"GITHUB_TOKEN": "a"}, "a"),
        ({"GITHUB_TOKEN": "a", "GH_TOKEN": "b"}, "b"),
        ({"GITHUB_TOKEN": "a", "GH_TOKEN": ""}, "a"),
    ]:
        found = read_settings(environ).gh_token
        assert found is not None
        assert found.get_secret_value() == token


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "http", "0 to 65535"),
        ("PORT", "65536", "0 to 65535"),
        ("PORT", "-1", "0 to 65535"),
        ("EMBEDDED_GITHUB_PORT", "1.5", "0 to 65535"),
        ("API_TOKEN", "sec\x07ret", TOKENS),
        ("API_TOKEN", " , ", TOKENS),
        ("API_TOKEN", "sha256:secret", TOKENS),
        ("API_READ_TOKEN", "sec\x07ret", TOKENS),
        ("API_IP", "localhost", "an IP address"),
        ("API_IP_REGEX", "(secret", "a regular expression"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,secret", "addresses or CIDR networks with commas between"),
        ("ROOT_PATH", "secret", "a path such as /kener that begins with none of the service's own"),
        ("GITHUB_REPOSITORY", "secret", "owner/name"),
        ("GITHUB_REPOSITORY", "a/b/c", "owner/name"),
        ("GITHUB_REPOSITORY", "a/..", "owner/name"),
        ("GITHUB_REPOSITORY", "https://github.com/a/b", "owner/name"),
        ("GITHUB_APP_ID", "secret", "a whole number from 1"),
        ("GITHUB_APP_INSTALLATION_ID", "0", "a whole number from 1"),
        ("GITHUB_API_URL", "github.example", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "ftp://secret", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "http://user:secret@host", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "http://host:99999", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "https://host/secret?", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "https://host/secret#", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "https://host/secret/../x", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "https://secret host", "http(s)://host[:port][/path]"),
        ("GITHUB_API_URL", "https://host\\secret", "http(s)://host[:port][/path]"),
        ("GITHUB_WEBHOOK_SECRET", "secret,two,three", "one secret, or two with a comma between"),
        ("EMBEDDED_GITHUB", "secret", "auto, always or never"),
        ("SAMPLE_DATA", "secret", "yes or no"),
        ("STATUS_BRANCH", "secret..branch", "a name that git takes for a branch"),
        ("STATUS_BRANCH", "a b", "a name that git takes for a branch"),
        ("STATUS_BRANCH", "x.lock", "a name that git takes for a branch"),
        ("STATUS_BRANCH", "-x", "a name that git takes for a branch"),
        ("TRUSTED_AUTHORS", "ann,secret person", "GitHub logins with commas between"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(
    name: str, value: str, expected: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings({name: value})
    assert str(caught.value) == f"{name}: expected {expected}"


def test_a_file_gives_what_the_environment_does_not() -> None:
    in_file = EnvFile({"PORT": "4000", "HOST": "::", "API_TOKEN": "${HOME}#x", "OTHER": "1"})
    settings = read_settings({"PORT": "5000", "HOST": ""}, in_file)
    assert (settings.port, settings.host) == (5000, "::")
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "${HOME}#x"
