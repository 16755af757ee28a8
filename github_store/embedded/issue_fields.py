"""What a caller wrote into an issue, checked as GitHub checks it. Pure but for looking up users."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .hub import Hub
from .refusals import Refusal, invalid, missing_keys, wrong_type
from .rows import Repository

LONGEST_TITLE: Final = 256
LONGEST_BODY: Final = 65_536
LONGEST_LABEL: Final = 50
STATE_REASONS: Final = ("completed", "not_planned", "duplicate", "reopened")


def title_in(fields: Mapping[str, Any], *, required: bool) -> str | None:
    """None where it was left out (or, in an update, null). A number counts as its digits."""
    title = fields.get("title")
    if title is None and not required:
        return None
    if "title" not in fields:
        raise missing_keys("title")
    if isinstance(title, int) and not isinstance(title, bool):
        title = str(title)
    if not isinstance(title, str):
        raise wrong_type("title", title, "string")
    if not title.strip():
        blank = {"message": "title can't be blank", "value": None}
        raise invalid({**blank, "resource": "Issue", "field": "title", "code": "invalid"})
    if len(title) > LONGEST_TITLE:
        raise _too_long("title", LONGEST_TITLE)
    return title


def body_in(fields: Mapping[str, Any]) -> str | None:
    """An empty body is no body."""
    body = fields.get("body")
    if body is None:
        return None
    if not isinstance(body, str):
        raise wrong_type("body", body, "string")
    if len(body) > LONGEST_BODY:
        raise _too_long("body", LONGEST_BODY)
    return body or None


def _too_long(field: str, limit: int) -> Refusal:
    message = f"{field} is too long (maximum is {limit} characters)"
    return invalid({"resource": "Issue", "code": "custom", "field": field, "message": message})


def label_names_in(value: Any) -> list[str]:
    """Names from a list of strings or of objects with a name."""
    if not isinstance(value, list):
        raise wrong_type("labels", value, "array")
    names = []
    for entry in value:
        name = entry.get("name") if isinstance(entry, dict) else entry
        if not isinstance(name, str):
            raise wrong_type("labels", entry, "string")
        if not name.strip() or len(name) > LONGEST_LABEL:
            raise invalid({"value": name, "resource": "Label", "field": "name", "code": "invalid"})
        names.append(name)
    return names


def assignees_in(
    hub: Hub, repository: Repository, fields: Mapping[str, Any]
) -> tuple[str, ...] | None:
    """Logins as they are spelled, each once; None where the caller said nothing about them."""
    if "assignee" in fields and "assignees" in fields:
        raise Refusal(
            422,
            "You cannot pass both `assignee` and `assignees`. Only one may be provided.",
        )
    if "assignees" in fields:
        value = fields["assignees"] or []
        if not isinstance(value, list):
            raise wrong_type("assignees", value, "array")
    elif "assignee" in fields:
        value = [fields["assignee"]] if fields["assignee"] else []
    else:
        return None
    logins: dict[str, None] = {}
    for login in value:
        user = hub.accounts.find(login) if isinstance(login, str) else None
        if user is None or hub.accounts.fine_role(repository, user.login) in ("none", "read"):
            wrong = {"value": login, "resource": "Issue", "field": "assignees", "code": "invalid"}
            raise invalid(wrong)
        logins[user.login] = None
    return tuple(logins)


def check_milestone(fields: Mapping[str, Any]) -> None:
    """There are no milestones here: any number is one that does not exist."""
    value = fields.get("milestone")
    if value is not None:
        wrong = {"value": value, "resource": "Issue", "field": "milestone", "code": "invalid"}
        raise invalid(wrong)


def state_in(fields: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The wanted state and its reason; (None, None) where the caller wants no change of it."""
    state, reason = fields.get("state"), fields.get("state_reason")
    if state is None:
        return None, None
    if state not in ("open", "closed"):
        raise invalid({"value": state, "resource": "Issue", "field": "state", "code": "invalid"})
    if reason is None:
        return state, "reopened" if state == "open" else "completed"
    fitting = reason in STATE_REASONS and (reason == "reopened") == (state == "open")
    if not fitting:
        message = "state_reason Cannot transition to this state"
        wrong = {"resource": "Issue", "code": "custom", "field": "state_reason"}
        raise invalid({**wrong, "message": message})
    return state, reason
