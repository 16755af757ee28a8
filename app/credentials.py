"""Who the service is for GitHub, and who its own callers may be, from the settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from app import setting_values as values
from app.deployment import uses_app
from app.settings import Settings
from app.tokens import digest_of, is_short
from github_store import AppCredential, ConfigurationError, Credential, TokenCredential


def credential_of(settings: Settings) -> Credential:
    """Raises ConfigurationError where the App's key cannot be read."""
    if not uses_app(settings):
        assert settings.gh_token is not None
        return TokenCredential(settings.gh_token.get_secret_value())
    assert settings.github_app_id is not None
    assert settings.github_app_installation_id is not None
    assert settings.github_app_private_key is not None
    return AppCredential(
        settings.github_app_id,
        settings.github_app_installation_id,
        _private_key(settings.github_app_private_key.get_secret_value()),
    )


def _private_key(text_or_path: str) -> str:
    """The key's PEM text; line ends may be written as ``\\n``, as one-line settings need it."""
    text = text_or_path
    if "-----BEGIN" not in text:
        try:
            text = Path(text_or_path).read_text(encoding="ascii")
        except (OSError, ValueError):
            raise ConfigurationError(
                "GITHUB_APP_PRIVATE_KEY: expected a PEM text, or the path of a readable file"
            ) from None
    if "PRIVATE KEY-----" not in text:
        raise ConfigurationError("GITHUB_APP_PRIVATE_KEY: expected a private key in PEM format")
    if "ENCRYPTED" in text:
        raise ConfigurationError("GITHUB_APP_PRIVATE_KEY: expected a key without a password")
    return text.replace("\\n", "\n")


@dataclass(frozen=True, slots=True)
class ApiTokens:
    """The API's tokens as the settings write them; ``write`` is empty where none is given."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    """The settings that have a token short enough to be guessed."""


def api_tokens(settings: Settings) -> ApiTokens:
    """Raises ConfigurationError where the settings contradict each other, or the file is wrong."""
    if settings.api_token and settings.api_token_file:
        raise ConfigurationError("API_TOKEN and API_TOKEN_FILE are both set: unset one of them")
    name, write = "API_TOKEN", _parts(settings.api_token)
    if settings.api_token_file:
        name, write = "API_TOKEN_FILE", _tokens_in(settings.api_token_file)
    read = _parts(settings.api_read_token)
    if not set(map(digest_of, write)).isdisjoint(map(digest_of, read)):
        raise ConfigurationError(f"API_READ_TOKEN: one of its tokens is in {name}, and may write")
    given = {name: write, "API_READ_TOKEN": read}
    short = tuple(each for each, tokens in given.items() if any(map(is_short, tokens)))
    return ApiTokens(write, read, short)


def _parts(secret: SecretStr | None) -> tuple[str, ...]:
    return () if secret is None else tuple(values.parts(secret.get_secret_value()))


def _tokens_in(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(f"API_TOKEN_FILE: it cannot be read: {problem}") from None
    if "#" in {line.lstrip()[:1] for line in lines}:
        raise ConfigurationError(
            "API_TOKEN_FILE: a line begins with #: a comment would be a token, and one to guess"
        )
    text = ",".join(lines)
    try:
        return _parts(values.tokens(SecretStr(text)))
    except ValueError:
        raise ConfigurationError(
            "API_TOKEN_FILE: expected one token a line, as it is or as sha256: and 64 hexadecimal "
            "digits"
        ) from None
