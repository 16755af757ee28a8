"""Who the service is for GitHub, from the settings."""

from __future__ import annotations

from pathlib import Path

from app.deployment import uses_app
from app.settings import Settings
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
    return text.replace("\\n", "\n")
