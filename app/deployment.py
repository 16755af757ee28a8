"""Which GitHub the service works with, decided from the settings; pure."""

from __future__ import annotations

from app.settings import Settings
from github_store import ConfigurationError

_GITHUB_SETTINGS = (
    "github_repository",
    "gh_token",
    "github_app_id",
    "github_app_installation_id",
    "github_app_private_key",
    "github_api_url",
    "github_webhook_secret",
)
_APP_SETTINGS = ("github_app_id", "github_app_installation_id", "github_app_private_key")


def uses_embedded_github(settings: Settings) -> bool:
    """``auto``: only where no GitHub setting at all is given, so that a forgotten one is not
    answered with sample data."""
    if settings.embedded_github == "auto":
        return settings.model_fields_set.isdisjoint(_GITHUB_SETTINGS)
    return settings.embedded_github == "always"


def uses_app(settings: Settings) -> bool:
    """Whether a GitHub App speaks, rather than a token; given both, the App does."""
    return settings.github_app_id is not None


def check_real_repository(settings: Settings) -> None:
    """Raises ConfigurationError naming the first setting that serving one lacks."""
    check_access_settings(settings)
    if settings.api_token is None and settings.api_token_file is None:
        raise ConfigurationError(
            "API_TOKEN is missing: a real repository is not served without a token of your choice"
        )


def check_access_settings(settings: Settings) -> None:
    """Raises ConfigurationError naming the first setting that reaching a repository lacks."""
    if settings.github_repository is None:
        raise ConfigurationError(
            "GITHUB_REPOSITORY is missing: set it to owner/name" + _why_not_embedded(settings)
        )
    given = settings.model_fields_set.intersection(_APP_SETTINGS)
    if missing := [name.upper() for name in _APP_SETTINGS if given and name not in given]:
        raise ConfigurationError(f"{missing[0]} is missing: a GitHub App needs all three settings")
    if not given and settings.gh_token is None:
        raise ConfigurationError(
            "GH_TOKEN is missing: set it to a token for the repository, or set up a GitHub App"
        )


def _why_not_embedded(settings: Settings) -> str:
    found = [name for name in _GITHUB_SETTINGS if name in settings.model_fields_set]
    if settings.embedded_github == "never" or not found:
        return ""
    return f", or unset {found[0].upper()} to run with the embedded GitHub"
