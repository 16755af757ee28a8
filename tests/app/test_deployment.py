"""Which GitHub: the embedded one only where nobody asked for another."""

from __future__ import annotations

import pytest

from app.credentials import credential_of
from app.deployment import check_real_repository, uses_app, uses_embedded_github
from app.settings import read_settings
from github_store import AppCredential, ConfigurationError, TokenCredential

COMPLETE = {"GITHUB_REPOSITORY": "a/b", "GH_TOKEN": "secret", "API_TOKEN": "secret"}
APP = {"GITHUB_APP_ID": "1", "GITHUB_APP_INSTALLATION_ID": "2", "GITHUB_APP_PRIVATE_KEY": "secret"}
PEM = "-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("environ", "is_embedded"),
    [
        ({}, True),
        ({"API_TOKEN": "x", "STATUS_BRANCH": "s", "TRUSTED_AUTHORS": "a"}, True),
        ({"GITHUB_REPOSITORY": ""}, True),
        ({"GITHUB_REPOSITORY": "a/b"}, False),
        ({"GH_TOKEN": "x"}, False),
        ({"GITHUB_TOKEN": "x"}, False),
        ({"GITHUB_APP_ID": "1"}, False),
        ({"GITHUB_APP_INSTALLATION_ID": "1"}, False),
        ({"GITHUB_APP_PRIVATE_KEY": "x"}, False),
        ({"GITHUB_API_URL": "https://api.github.com"}, False),
        ({"GITHUB_WEBHOOK_SECRET": "x"}, False),
        ({"EMBEDDED_GITHUB": "never"}, False),
        ({"EMBEDDED_GITHUB": "always", **COMPLETE}, True),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else None,
)
def test_the_embedded_github_runs_only_without_any_github_setting(
    environ: dict[str, str], is_embedded: bool
) -> None:
    assert uses_embedded_github(read_settings(environ)) is is_embedded


@pytest.mark.parametrize(
    ("without", "message"),
    [
        ("GITHUB_REPOSITORY", "GITHUB_REPOSITORY is missing: set it to owner/name, or unset"
         " GH_TOKEN to run with the embedded GitHub"),
        ("GH_TOKEN", "GH_TOKEN is missing: set it to a token for the repository, or set up a"
         " GitHub App"),
        ("API_TOKEN", "API_TOKEN is missing: a real repository is not served without a token of"
         " your choice"),
    ],
)  # fmt: skip
def test_a_real_repository_needs_all_of_its_settings(without: str, message: str) -> None:
    environ = {name: value for name, value in COMPLETE.items() if name != without}
    with pytest.raises(ConfigurationError) as caught:
        check_real_repository(read_settings(environ))
    assert str(caught.value) == message


def test_never_does_not_offer_the_embedded_github() -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_real_repository(read_settings({"EMBEDDED_GITHUB": "never"}))
    assert str(caught.value) == "GITHUB_REPOSITORY is missing: set it to owner/name"


@pytest.mark.parametrize("missing", APP)
def test_an_app_needs_all_of_its_settings(missing: str) -> None:
    environ = {**COMPLETE, **{name: value for name, value in APP.items() if name != missing}}
    with pytest.raises(ConfigurationError, match=f"^{missing} is missing"):
        check_real_repository(read_settings(environ))


def test_a_token_or_an_app_is_enough() -> None:
    check_real_repository(read_settings(COMPLETE))
    app = read_settings({"GITHUB_REPOSITORY": "a/b", "API_TOKEN": "x", **APP})
    check_real_repository(app)
    assert uses_app(app)


def test_a_token_is_a_credential() -> None:
    assert credential_of(read_settings(COMPLETE)) == TokenCredential("secret")


def test_an_apps_key_is_a_text_or_a_file(tmp_path: pytest.TempPathFactory) -> None:
    file = f"{tmp_path}/key.pem"
    with open(file, "w") as key:  # noqa: PTH123
        key.write(PEM.replace("\\n", "\n"))
    expected = AppCredential(1, 2, PEM.replace("\\n", "\n"))
    for value in (PEM, file):
        environ = {**COMPLETE, **APP, "GITHUB_APP_PRIVATE_KEY": value}
        assert credential_of(read_settings(environ)) == expected


@pytest.mark.parametrize(
    "value",
    [
        "no/such/file",
        "-----BEGIN CERTIFICATE-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED",
        "a\0b",
    ],
    ids=ascii,
)
def test_what_is_no_key_is_named_and_not_shown(value: str) -> None:
    settings = read_settings({**COMPLETE, **APP, "GITHUB_APP_PRIVATE_KEY": value})
    with pytest.raises(ConfigurationError) as caught:
        credential_of(settings)
    assert str(caught.value).startswith("GITHUB_APP_PRIVATE_KEY: expected ")
    assert value not in str(caught.value)
