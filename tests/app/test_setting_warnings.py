"""Names that are nearly ours, empty protection and double settings: warned of by name."""

from __future__ import annotations

import pytest

from app.env_file import EnvFile, parse_env
from app.setting_warnings import PROTECTING, setting_warnings, similar_name
from app.settings import SETTING_NAMES, read_settings
from github_store import Grade


def warned(environ: dict[str, str] | None = None, env_file: str = "") -> list[str]:
    in_file = parse_env(env_file, file=".env", names=SETTING_NAMES) if env_file else EnvFile()
    settings = read_settings(environ or {}, in_file)
    found = list(setting_warnings(settings, environ or {}, in_file, file=".env"))
    assert all(each.grade is Grade.WARN and each.remedy for each in found)
    return [f"{each.subject}: {each.found}: {each.remedy}" for each in found]


@pytest.mark.parametrize("name", PROTECTING)
@pytest.mark.parametrize("empty", ["", "  "])
def test_a_protecting_setting_that_is_empty_is_warned_of(name: str, empty: str) -> None:
    expected = [f"{name}: it is given and empty: it protects nothing: set or remove it"]
    assert warned({name: empty}) == expected
    assert warned(env_file=f"{name}={empty}\n") == expected


def test_a_protecting_setting_that_the_file_has_is_not_undone_by_an_empty_one() -> None:
    assert warned({"API_IP": ""}, "API_IP=192.0.2.1") == []


@pytest.mark.parametrize("pattern", [r"^10\.0\.|", "|::1", ".*", "^"])
def test_a_pattern_that_is_found_in_every_address_is_warned_of(pattern: str) -> None:
    assert [each.split(":")[0] for each in warned({"API_IP_REGEX": pattern})] == ["API_IP_REGEX"]
    assert warned({"API_IP_REGEX": pattern, "API_IP": "::1"}) == []
    assert warned({"API_IP_REGEX": r"^10\.|^::1$"}) == []


def test_other_settings_may_be_empty() -> None:
    assert warned({"HOST": "", "GH_TOKEN": "", "PORT": ""}) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("API_IPP", "API_IP"),
        ("PI_IP", "API_IP"),
        ("API_PI", "API_IP"),
        ("APL_IP", "API_IP"),
        ("api_ip", "API_IP"),
        ("API-IP", "API_IP"),
        ("APIIP", "API_IP"),
        ('"API_IP"', "API_IP"),
        ("API_IP\u200b", "API_IP"),
        ("\u0410PI_IP", "API_IP"),
        ("Api_Ip_Regexp", "API_IP_REGEX"),
        ("TRUSTED_PROXY", None),
        ("TRUSTED_PROXIS", "TRUSTED_PROXIES"),
        ("GIHTUB_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET"),
        ("GITHUB_TOKNE", "GITHUB_TOKEN"),
        ("PROT", "PORT"),
        ("API_IP", None),
        ("GITHUB_TOKEN", None),
        ("GITHUB_REPOSITORY_ID", None),
        ("PATH", None),
        ("HOME", None),
        ("HOSTNAME", None),
        ("", None),
        ("_", None),
    ],
)
def test_a_name_one_edit_away_is_found(name: str, meant: str | None) -> None:
    assert similar_name(name, SETTING_NAMES) == meant


def test_a_name_that_looks_like_a_setting_is_warned_of_wherever_it_stands() -> None:
    assert warned({"API_IPS": "192.0.2.1"}) == ["API_IPS: it is no setting: is API_IP meant?"]
    assert warned(env_file="# mine\nAPI_IPS=192.0.2.1") == [
        "API_IPS: it is no setting (.env, line 2): is API_IP meant?"
    ]


def test_what_is_given_twice_is_warned_of() -> None:
    assert warned(env_file="PORT=1\nOTHER=1\nOTHER=2\nPORT=2\nPORT=3") == [
        "PORT: .env has it on the lines 1, 4, 5; the last value counts: remove the others"
    ]
