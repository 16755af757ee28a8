"""Authors and committers in a request's body."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from .git_objects import Person
from .git_rendering import email_of
from .hub import Hub
from .refusals import Refusal, missing_keys, wrong_type
from .rows import User

LATEST: Final = 253_402_300_799


def default_person(hub: Hub, user: User) -> Person:
    return Person(user.login, email_of(user), hub.now())


def person_in(fields: Mapping[str, Any], member: str, default: Person) -> Person:
    """``member`` of a body: name and email are needed, ``date`` may be left out.

    Raises GitHub's 422 for an incomplete one.
    """
    given = fields.get(member)
    if given is None:
        return default
    if not isinstance(given, dict):
        raise wrong_type(member, given, "object")
    missing = [name for name in ("email", "name") if name not in given]
    if missing:
        raise missing_keys(*missing)
    for name in ("email", "name"):
        if not isinstance(given[name], str):
            raise wrong_type(f"{member}/{name}", given[name], "string")
        if not given[name].strip(" <>\n\0"):
            raise Refusal(422, f"Invalid request.\n\n{member} {name} is empty.")
    date = given.get("date")
    at = default.at if date is None else _seconds(f"{member}/date", date)
    return Person(given["name"], given["email"], at)


def _seconds(member: str, value: object) -> int:
    """Git keeps no time before 1970; none after year 9999 could be shown again."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is not None:
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = aware.timestamp()
            if 0 <= seconds <= LATEST:
                return int(seconds)
    raise wrong_type(member, value, "ISO 8601 date-time")
