"""Who the service is for GitHub: a token, or a GitHub App's installation and its hourly tokens."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import jwt
import requests
from github import Auth, Github, GithubException

from github_store.errors import AccessLost, GitHubUnavailable, RateLimited
from github_store.reply import Reply, is_rate_limit, parsed
from github_store.requester import Request, Requester, lost

APP_SECONDS = 12.0
"""As a gateway waits, where an App asks who it is."""
UNTOLD_LOGIN = "github-actions[bot]"
"""Who a token is taken for whose owner GitHub does not tell: a workflow's, until a write shows."""


_APP_ID: Final = "GITHUB_APP_ID"
_INSTALLATION: Final = "GITHUB_APP_INSTALLATION_ID"
_PRIVATE_KEY: Final = "GITHUB_APP_PRIVATE_KEY"


class Credential(Protocol):
    """Who the service is for GitHub. ``identity`` tells one from another, and may be a secret."""

    @property
    def identity(self) -> str: ...

    def auth(self) -> Auth.Auth: ...


@dataclass(frozen=True, slots=True)
class TokenCredential:
    """A personal access token or the GITHUB_TOKEN of a workflow."""

    token: str = field(repr=False)

    @property
    def identity(self) -> str:
        return self.token

    def auth(self) -> Auth.Auth:
        return Auth.Token(self.token)


@dataclass(frozen=True, slots=True)
class AppCredential:
    """A GitHub App's installation; its hourly token is shared by all connections."""

    app_id: int
    installation_id: int
    private_key: str = field(repr=False)

    @property
    def identity(self) -> str:
        return f"App {self.app_id}, installation {self.installation_id}"

    def auth(self) -> Auth.Auth:
        return Auth.AppAuth(self.app_id, self.private_key).get_installation_auth(
            self.installation_id
        )


class SharedAuth(Auth.Auth):
    """One credential for many threads: an App's token is renewed by one of them at a time."""

    def __init__(self, credential: Credential, *, api_url: str) -> None:
        self._api_url = api_url
        self._auth = _prepared(credential.auth(), api_url)
        self._lock = threading.Lock()

    @property
    def token_type(self) -> str:
        return self._auth.token_type

    @property
    def token(self) -> str:
        """Raises GitHubUnavailable or one of its kinds where an App gets no token."""
        with self._lock:
            try:
                return self._auth.token
            except GithubException as error:
                raise _without_token(error) from None
            except requests.exceptions.RequestException as error:
                # The write itself was never sent.
                raise lost(error, is_read=True, api_url=self._api_url) from None
            except (jwt.PyJWTError, ValueError):
                raise AccessLost(
                    "the App's private key signs nothing: expected the whole RSA key from GitHub",
                    setting=_PRIVATE_KEY,
                ) from None
            except Exception as error:  # PyGithub's own, of an answer that is no token
                kind = type(error).__name__
                raise GitHubUnavailable(
                    f"GitHub at {self._api_url} gives an App no token that can be read ({kind})"
                ) from None

    def authentication(self, headers: dict[str, Any]) -> None:
        headers["Authorization"] = f"{self.token_type} {self.token}"

    def mask_authentication(self, headers: dict[str, Any]) -> None:
        headers["Authorization"] = f"{self.token_type} (masked)"


def app_login(credential: AppCredential, api_url: str) -> str:
    """``slug[bot]``, asked with the App's own key, which no installation token may do.

    Raises AccessLost where GitHub does not say, and GitHubUnavailable where it does not answer.
    """
    app_auth = Auth.AppAuth(credential.app_id, credential.private_key)
    requester = Requester(app_auth, api_url=api_url, timeout_seconds=APP_SECONDS)
    _, _, text = requester.ask(Request("GET", "/app"))
    told = parsed(text)
    slug = told.get("slug") if isinstance(told, dict) else None
    if not isinstance(slug, str) or not slug:
        raise AccessLost("GitHub does not say which App this is (GET /app)")
    return f"{slug}[bot]"


def _prepared(auth: Auth.Auth, api_url: str) -> Auth.Auth:
    """An installation's token needs a Requester to be renewed with."""
    if isinstance(auth, Auth.AppInstallationAuth):
        app = Github(auth=auth, base_url=api_url, lazy=True, retry=None)
        return app.requester.auth or auth
    return auth


def _without_token(error: GithubException) -> GitHubUnavailable:
    """What it means that an App's installation was given no token."""
    status, text = error.status, error.data.get("message") if isinstance(error.data, dict) else ""
    reply = Reply(status, {k.lower(): v for k, v in (error.headers or {}).items()}, error.data)
    if is_rate_limit(reply):
        return RateLimited("GitHub's rate limit is reached", retry_after_seconds=60)
    if status >= 500:
        return GitHubUnavailable(f"GitHub answered {status} where an App asked for its token")
    problem = f"GitHub gives the App no token for this installation ({status}: {text})"
    return AccessLost(problem, setting=_blamed(status, str(text)))


def _blamed(status: int, text: str) -> str:
    """The part of the credential that is wrong: GitHub checks the signature, which another App's
    key cannot make, then whether there is such an App, then whether it is installed."""
    if status == 401:
        return _PRIVATE_KEY
    return _APP_ID if text.startswith("Integration") else _INSTALLATION
