"""What can go wrong between the API and GitHub, as data.

StoreError
├── IncidentNotFound       no such incident (or none that may be seen)
├── InvalidEnd             the end would be at or before the start
├── IncidentEdited         it is no longer as the client knew it: nothing was written (412)
├── KeyReused              an idempotency key came again with another request (422)
├── Unprocessable          GitHub refused the content of a write (422)
├── GitHubUnavailable      GitHub did not answer as GitHub: 5xx, refused or lost connection
│   ├── GitHubTimeout      no answer in time
│   ├── GitHubOut          it has not answered lately: nothing was sent (503)
│   ├── RateLimited        a primary or secondary limit; retry_after_seconds says when
│   ├── NotTheApi          what answers is not GitHub's API: a page, a redirect elsewhere
│   ├── AccessLost         401, a permission 403, or the repository itself answers 404
│   ├── OutcomeUnknown     a write was sent and its answer was lost: it may have happened
│   └── OutcomePending     so it was, with a key: repeated with it, the answer will be found
├── Conflict               somebody else wrote first
├── JournalUnavailable     the disk fails, is full or read-only: nothing was kept (503)
├── BrokenDocument         a committed file cannot be read (a hand edit); it is left as it is
│   └── FileTooLarge       and is not even fetched
└── ConfigurationError     a setting or file is wrong; the service cannot start with it

The HTTP face maps these to statuses once, in ``app/errors.py``; nothing parses their text.
"""

from __future__ import annotations


class StoreError(Exception):
    """Base of all errors of this package. ``str()`` is one line for a person, without secrets."""


class IncidentNotFound(StoreError):
    """The number belongs to no incident: none, a pull request, deleted, transferred, untrusted."""

    def __init__(self, number: int) -> None:
        super().__init__(f"no incident has the number {number}")
        self.number = number


class InvalidEnd(StoreError):
    """An end at or before its start, the stored one included. Both are seconds since 1970."""

    def __init__(self, *, start: int, end: int) -> None:
        super().__init__(f"the end ({end}) is not after the start ({start})")
        self.start = start
        self.end = end


class IncidentEdited(StoreError):
    """Somebody wrote the incident since the client read it; nothing was written over that."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"incident {number} is no longer what If-Match names: get it, and decide anew"
        )
        self.number = number


class KeyReused(StoreError):
    """An idempotency key names one request; this one is another. Nothing was written."""


class Unprocessable(StoreError):
    """GitHub refused what was written (422); ``field`` is GitHub's name of the culprit, if told."""

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class Conflict(StoreError):
    """An optimistic write lost its race: the file or branch moved meanwhile (409 or 422)."""


class GitHubUnavailable(StoreError):
    """GitHub cannot be relied on now. ``retry_after_seconds`` is None where GitHub did not say."""

    def __init__(self, message: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class GitHubTimeout(GitHubUnavailable):
    """GitHub did not answer within the time allowed."""


class GitHubOut(GitHubUnavailable):
    """GitHub has not answered lately, so this was not sent; ``retry_after_seconds`` says when to
    come again."""


class NotTheApi(GitHubUnavailable):
    """What answers at GITHUB_API_URL does not speak as GitHub's API does. Whoever was answered
    there before meets an outage; whoever never was has the wrong address, most likely."""


class RateLimited(GitHubUnavailable):
    """GitHub refuses further requests for now."""


class AccessLost(GitHubUnavailable):
    """The credential no longer works, lacks a permission, or the repository is gone for it.

    ``setting`` names what is wrong where that is known to be one of the credential's parts.
    """

    def __init__(
        self, message: str, *, retry_after_seconds: int | None = None, setting: str | None = None
    ) -> None:
        super().__init__(message, retry_after_seconds=retry_after_seconds)
        self.setting = setting


class OutcomeUnknown(GitHubUnavailable):
    """A write was sent, its answer never came: it may or may not have happened."""


class OutcomePending(GitHubUnavailable):
    """A write with a key was sent and its answer lost, and GitHub does not show yet whether it
    happened. Repeated with the same key it never happens twice."""


class JournalUnavailable(StoreError):
    """The journal on disk takes nothing now: this write was not kept, and may be tried again."""


class BrokenDocument(StoreError):
    """A committed file is not what it should be. ``line`` and ``column`` count from 1.

    Nothing is written over it: a person broke it, and a person has to mend it.
    """

    def __init__(self, name: str, problem: str, *, line: int, column: int) -> None:
        super().__init__(f"{name}, line {line}, column {column}: {problem}")
        self.line = line
        self.column = column
        self.path: str | None = None
        """Where it is one of many: its path on the branch."""
        self.minutes = range(0)
        """Which minutes it holds then, since 1970; others can be written without it."""


class FileTooLarge(BrokenDocument):
    """A committed file is larger than what is read; by its size, before it is fetched."""

    def __init__(self, name: str, size: int, *, most: int) -> None:
        problem = f"the file has {size:,} bytes, and no more than {most:,} are read"
        super().__init__(name, problem, line=1, column=1)


class ConfigurationError(StoreError):
    """The service cannot start like this; the message names what to change, never a secret."""
