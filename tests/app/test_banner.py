"""What a start says."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from app.banner import Start, banner, service_url

EMBEDDED = Start(
    host="127.0.0.1",
    port=3000,
    repository="owner/status",
    tag="it's up",
    embedded_url="http://127.0.0.1:4000",
    data_dir=".kener-issues",
    made_token="made",
)


def curl(text: str) -> list[str]:
    return shlex.split(next(line for line in text.splitlines() if "curl " in line))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("2001:db8::1", "http://[2001:db8::1]:80"),
        ("status.example", "http://status.example:80"),
    ],
)
def test_the_address_works_in_a_browser(host: str, url: str) -> None:
    assert service_url(host, 80) == url


def test_the_curl_line_works_when_pasted() -> None:
    assert curl(banner(EMBEDDED)) == [
        "curl",
        "--header",
        "Authorization: Bearer made",
        "http://127.0.0.1:3000/api/status?tag=it%27s%20up",
    ]


def test_a_token_that_somebody_set_is_not_shown() -> None:
    text = banner(replace(EMBEDDED, made_token=None))
    assert "made" not in text
    assert '"Authorization: Bearer $API_TOKEN"' in text


def test_a_real_repository_has_no_embedded_github() -> None:
    assert "http://127.0.0.1:4000" in banner(EMBEDDED)
    assert "mbedded" not in banner(replace(EMBEDDED, embedded_url=None))


def test_a_banner_is_short() -> None:
    assert len(banner(EMBEDDED).splitlines()) <= 12
