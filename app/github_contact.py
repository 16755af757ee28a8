"""When GitHub answered last, and since when it does not: for whoever asks how the service is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from github_store import Exchange


@dataclass(frozen=True, slots=True)
class Cause:
    """Why something fails: ``code`` is for anybody, ``text`` for who shows a token, since it may
    name tags, files and logins."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Contact:
    """Times are seconds since 1970; None: never, or not at all."""

    answered_at: float | None = None
    failing_since: float | None = None
    failure: Cause | None = None
    """How the last request failed, while ``failing_since`` is set."""


class GitHubContact:
    """Watches the gateway's requests, from any thread; the last one to end decides."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.latest = Contact()

    def note(self, exchange: Exchange) -> None:
        now, before = self._clock(), self.latest
        failure = _failure(exchange)
        if failure is None:
            self.latest = Contact(answered_at=now)
        else:
            since = now if before.failing_since is None else before.failing_since
            self.latest = Contact(before.answered_at, since, failure)


def _failure(exchange: Exchange) -> Cause | None:
    """A refusal of one thing (403, 404, 409, 422) is an answer; of everything it is none."""
    status = exchange.status
    if status is None:
        return Cause("no-answer", "GitHub did not answer")
    if status in {401, 429} or status >= 500:
        return Cause(f"status-{status}", f"GitHub answered {status}")
    if status == 403 and (
        "retry-after" in exchange.headers or exchange.headers.get("x-ratelimit-remaining") == "0"
    ):
        return Cause("rate-limit", "GitHub's rate limit is reached")
    return None
