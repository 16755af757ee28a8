"""Changes to an issue, each with its line in the history and its webhook event.

Every function returns the issue as it is afterwards and leaves an unchanged one alone: no new
``updated_at``, no event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .hub import Hub
from .rows import Issue, Label, Repository


class IssueEdit:
    """What one caller does to the issues of one repository in one request."""

    def __init__(self, hub: Hub, repository: Repository, actor: str) -> None:
        self._hub = hub
        self._repository = repository
        self._actor = actor
        self._now = hub.now()

    def opened(self, issue: Issue, labels: Sequence[Label], assignees: tuple[str, ...]) -> Issue:
        """Store a new issue: ``opened`` first, then one event for each label and each person."""
        ids = tuple(label.id for label in labels)
        issue = self._hub.issues.add(replace(issue, labels=ids, assignees=assignees))
        self._tell("opened", issue)
        self._label_lines("labeled", issue, labels)
        self._assignee_lines("assigned", issue, assignees)
        return issue

    def texts(self, issue: Issue, *, title: str, body: str | None) -> Issue:
        changes: dict[str, Any] = {}
        if title != issue.title:
            changes["title"] = {"from": issue.title}
            rename = {"from": issue.title, "to": title}
            self._hub.events.add(issue, self._actor, "renamed", at=self._now, rename=rename)
        if body != issue.body:
            changes["body"] = {"from": issue.body or ""}
        if not changes:
            return issue
        issue = self._saved(issue, title=title, body=body)
        self._tell("edited", issue, changes=changes)
        return issue

    def state(self, issue: Issue, state: str, reason: str | None) -> Issue:
        """``closed_by`` keeps who closed it last, also after reopening."""
        if state == issue.state:
            return issue
        if state == "closed":
            issue = self._saved(
                issue,
                state=state,
                state_reason=reason,
                closed_at=self._now,
                closed_by=self._actor,
            )
            details = {"state_reason": reason}
        else:
            issue = self._saved(issue, state=state, state_reason=reason, closed_at=None)
            details = {}
        action = "closed" if state == "closed" else "reopened"
        self._hub.events.add(issue, self._actor, action, at=self._now, **details)
        self._tell(action, issue)
        return issue

    def labels(self, issue: Issue, wanted: Sequence[Label]) -> Issue:
        """Give the issue exactly these labels; those it has keep their place."""
        ids = [label.id for label in wanted]
        kept = tuple(label_id for label_id in issue.labels if label_id in ids)
        added = [label for label in wanted if label.id not in issue.labels]
        known = self._hub.labels_by_id(self._repository)
        removed = [known[i] for i in issue.labels if i not in ids and i in known]
        if not added and kept == issue.labels:
            return issue
        issue = self._saved(issue, labels=(*kept, *(label.id for label in added)))
        self._label_lines("unlabeled", issue, removed)
        self._label_lines("labeled", issue, added)
        return issue

    def _label_lines(self, action: str, issue: Issue, labels: Sequence[Label]) -> None:
        for label in labels:
            shown = {"name": label.name, "color": label.color}
            self._hub.events.add(issue, self._actor, action, at=self._now, label=shown)
            self._tell(action, issue, label=self._hub.label(self._repository, label))

    def assignees(self, issue: Issue, logins: tuple[str, ...]) -> Issue:
        added = [login for login in logins if login not in issue.assignees]
        removed = [login for login in issue.assignees if login not in logins]
        if not added and not removed:
            return issue
        issue = self._saved(issue, assignees=logins)
        self._assignee_lines("unassigned", issue, removed)
        self._assignee_lines("assigned", issue, added)
        return issue

    def _assignee_lines(self, action: str, issue: Issue, logins: Sequence[str]) -> None:
        for login in logins:
            people = {"assignee": login, "assigner": self._actor}
            self._hub.events.add(issue, self._actor, action, at=self._now, **people)
            self._tell(action, issue, assignee=self._hub.user(login))

    def locked(self, issue: Issue, locked: bool) -> Issue:
        if locked == issue.locked:
            return issue
        issue = self._saved(issue, locked=locked)
        action = "locked" if locked else "unlocked"
        self._hub.events.add(issue, self._actor, action, at=self._now)
        self._tell(action, issue)
        return issue

    def _saved(self, issue: Issue, **changes: Any) -> Issue:
        return self._hub.issues.save(replace(issue, updated_at=self._now, **changes))

    def _tell(self, action: str, issue: Issue, **members: Any) -> None:
        hub, repository = self._hub, self._repository
        build: Callable[[], Mapping[str, Any]] = lambda: {  # noqa: E731 - built only if wanted
            "issue": hub.issue(repository, issue, single=True),
            **members,
        }
        hub.announce(repository, "issues", action, self._actor, build)
