"""Everything a handler works with, in one place; built once by the server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .accounts import Accounts
from .comment_table import CommentTable, EventTable
from .faults import Faults
from .git_store import GitStore
from .hook_outbox import HookOutbox
from .issue_table import IssueTable
from .label_table import LabelTable
from .quota import Quota
from .refusals import Refusal
from .rendering import comment_json, issue_json, label_json, user_json
from .repository_rendering import repository_json
from .repository_table import RepositoryTable
from .rows import Comment, Issue, Label, Repository, User
from .storage import Storage

GHOST = User(10137, "ghost", "User", 1_300_000_000)


@dataclass(slots=True)
class Hub:
    clock: Callable[[], float]
    storage: Storage
    accounts: Accounts
    repositories: RepositoryTable
    issues: IssueTable
    labels: LabelTable
    comments: CommentTable
    events: EventTable
    git: GitStore
    outbox: HookOutbox
    faults: Faults
    quota: Quota
    base_url: str = field(default="")

    def now(self) -> int:
        return int(self.clock())

    # rendering with what the tables know -----------------------------------------------------

    def user(self, login: str) -> dict[str, Any]:
        return user_json(self.base_url, self.accounts.find(login) or GHOST)

    def label(self, repository: Repository, label: Label) -> dict[str, Any]:
        return label_json(self.base_url, repository, label)

    def issue(
        self,
        repository: Repository,
        issue: Issue,
        *,
        single: bool = False,
        labels: Mapping[int, Label] | None = None,
    ) -> dict[str, Any]:
        """``labels``: all of the repository's by id, for callers that render many issues."""
        known = self.labels_by_id(repository) if labels is None else labels
        return issue_json(
            self.base_url,
            repository,
            issue,
            author=self.user(issue.author),
            association=self.accounts.association(repository, issue.author),
            labels=[self.label(repository, known[i]) for i in issue.labels if i in known],
            assignees=[self.user(login) for login in issue.assignees],
            closed_by=self.user(issue.closed_by) if issue.closed_by else None,
            single=single,
        )

    def labels_by_id(self, repository: Repository) -> dict[int, Label]:
        return {label.id: label for label in self.labels.all(repository)}

    def comment(self, repository: Repository, comment: Comment) -> dict[str, Any]:
        return comment_json(
            self.base_url,
            repository,
            comment,
            author=self.user(comment.author),
            association=self.accounts.association(repository, comment.author),
        )

    # commits to the story that hooks tell -----------------------------------------------------

    def announce(
        self,
        repository: Repository,
        event: str,
        action: str | None,
        sender: str,
        members: Callable[[], Mapping[str, Any]],
    ) -> None:
        """Queue a webhook event for the end of the transaction; ``members`` beside the usual."""
        if not self.outbox.listens(repository, event):
            return
        payload: dict[str, Any] = {"action": action} if action else {}
        payload.update(members())
        payload["repository"] = self.repository(repository)
        payload["sender"] = self.user(sender)
        self.outbox.enqueue(repository, event, action, payload)

    def repository(self, repository: Repository) -> dict[str, Any]:

        open_issues = sum(1 for issue in self.issues.listed(repository) if issue.state == "open")
        owner = self.accounts.find(repository.owner)
        shown = user_json(self.base_url, owner or GHOST)
        return repository_json(self.base_url, repository, shown, open_issues=open_issues)

    def find_issue(self, repository: Repository, number: int) -> Issue:
        """Raises 404, 410 for a deleted issue, 301 for one that moved, 410 without issues."""
        if not repository.has_issues:
            raise Refusal(410, "Issues are disabled for this repo")
        issue = self.issues.find(repository, number)
        if issue is None:
            raise Refusal(404, "Not Found")
        if issue.gone == "deleted":
            raise Refusal(410, "This issue was deleted")
        if issue.gone == "transferred":
            url = f"{self.base_url}/{issue.moved_to}"
            raise Refusal(301, "Moved Permanently", url=url, headers={"Location": url})
        return issue
