"""How the texts of settings become values; pure. Each raises ValueError for what it refuses."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from app.client_address import Address, Network, parse_address, parse_network
from app.tokens import digest_of

_REPOSITORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}/([A-Za-z0-9._-]{1,100})")
_NOT_IN_A_URL: Final = re.compile(r"[\s\x00-\x1f\x7f\\?#]|/\.{1,2}(?:/|$)")
_LOGIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\[bot\])?")
_NOT_IN_A_BRANCH: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(?:/|$)")


def header_safe(secret: SecretStr) -> SecretStr:
    """What can be sent in a header as it is."""
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in secret.get_secret_value()):
        raise ValueError
    return secret


def tokens(secret: SecretStr) -> SecretStr:
    """One or more, each as it is or as its digest."""
    given = parts(header_safe(secret).get_secret_value())
    if not given:
        raise ValueError
    for each in given:
        digest_of(each)
    return secret


def one_or_two(secret: SecretStr) -> SecretStr:
    parts = secret.get_secret_value().split(",")
    if len(parts) > 2 or not all(part.strip() for part in parts):
        raise ValueError
    return secret


def address(text: Any) -> Address:
    found = parse_address(str(text))
    if found is None:
        raise ValueError
    return found


def pattern(text: Any) -> re.Pattern[str]:
    try:
        return re.compile(str(text))
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError from error


def networks(text: Any) -> tuple[Network, ...]:
    return tuple(parse_network(part) for part in parts(text))


def logins(text: Any) -> tuple[str, ...]:
    found = tuple(part.removeprefix("@") for part in parts(text))
    if not all(map(_LOGIN.fullmatch, found)):
        raise ValueError
    return found


def parts(text: Any) -> list[str]:
    """What stands between commas, without white space and empty parts."""
    return [part.strip() for part in str(text).split(",") if part.strip()]


def repository(text: str) -> str:
    match = _REPOSITORY.fullmatch(text)
    if not match or match[1] in {".", ".."}:
        raise ValueError
    return text


def http_url(text: str) -> str:
    """What paths can be put behind: neither a query, however empty, nor a way up."""
    url = urlsplit(text)
    if url.scheme not in {"http", "https"} or not url.hostname or _NOT_IN_A_URL.search(text):
        raise ValueError
    if url.username is not None or url.port == 0:
        raise ValueError
    return text.rstrip("/")


def branch(text: str) -> str:
    """Git's own rules. Source: git-check-ref-format."""
    refused = (
        _NOT_IN_A_BRANCH.search(text)
        or text.startswith(("-", "/", "."))
        or text.endswith(("/", "."))
        or text in {"@", "HEAD"}
        or len(text.encode()) > 240
    )
    if refused:
        raise ValueError
    return text
