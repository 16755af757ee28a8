"""A ref that was moved: noted in the repository, and told to its webhooks.

Source of the payload: GitHub docs, "Webhook events and payloads", push; recorded payloads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .git_rendering import GitRendering, email_of, person_json
from .git_repository import ZERO, GitRepository
from .git_store import DEFAULT_BRANCH
from .hub import Hub
from .rendering import Json, html_url
from .rows import Repository, User

MOST_COMMITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Push:
    """``before`` or ``after`` is ZERO for a ref that is made or removed."""

    ref: str
    before: str
    after: str
    forced: bool = False


def announce(hub: Hub, repository: Repository, store: GitRepository, by: User, push: Push) -> None:
    """Note a push that has happened; only inside the storage's transaction."""
    hub.repositories.pushed(repository, now=hub.now())
    if hub.outbox.listens(repository, "push"):
        payload = push_payload(hub, hub.repositories.by_id(repository.id), store, by, push)
        hub.outbox.enqueue(repository, "push", None, payload)


def push_payload(
    hub: Hub, repository: Repository, store: GitRepository, by: User, push: Push
) -> dict[str, Any]:
    rendering = GitRendering(hub, repository)
    page = html_url(hub.base_url, repository)
    shas = _new_commits(store, push)
    commits = [_commit_json(rendering, page, store, sha) for sha in shas]
    head = None
    if push.after != ZERO and store.commit(push.after) is not None:
        head = _commit_json(rendering, page, store, push.after)
    created, deleted = push.before == ZERO, push.after == ZERO
    if created or deleted:
        compare = f"{page}/compare/{push.before[:12]}^...{ZERO[:12]}"
        if created:
            compare = f"{page}/commit/{push.after[:12]}"
    else:
        compare = f"{page}/compare/{push.before[:12]}...{push.after[:12]}"
    return {
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "repository": _pushed_repository(hub, repository),
        "pusher": {"name": by.login, "email": email_of(by)},
        "sender": hub.user(by.login),
        "created": created,
        "deleted": deleted,
        "forced": push.forced,
        "base_ref": None,
        "compare": compare,
        "commits": commits,
        "head_commit": head,
    }


def _new_commits(store: GitRepository, push: Push) -> list[str]:
    """What no ref had before, oldest first; a tag's push has none."""
    if push.after == ZERO or not push.ref.startswith("refs/heads/"):
        return []
    known = [push.before]
    if push.before == ZERO:
        known = [sha for name, sha in store.refs().items() if name != push.ref]
    return store.history.between(known, push.after, at_most=MOST_COMMITS)


def _commit_json(rendering: GitRendering, page: str, store: GitRepository, sha: str) -> Json:
    commit, link = store.commit(sha), store.history.link(sha)
    assert commit is not None
    assert link is not None
    before = store.history.link(link.parents[0]) if link.parents else None
    changes = list(store.changes(before.tree if before else None, link.tree))
    author = person_json(commit.author, commit.author_time)
    committer = person_json(commit.committer, commit.commit_time)
    return {
        "id": sha,
        "tree_id": link.tree,
        "distinct": True,
        "message": commit.message.decode(errors="replace"),
        "timestamp": committer["date"],
        "url": f"{page}/commit/{sha}",
        "author": _named(rendering, author),
        "committer": _named(rendering, committer),
        "added": [change.path for change in changes if change.before is None],
        "removed": [change.path for change in changes if change.after is None],
        "modified": [change.path for change in changes if change.before and change.after],
    }


def _named(rendering: GitRendering, person: Json) -> Json:
    login = rendering.login(person)
    return {**person, "username": login} if login else person


def _pushed_repository(hub: Hub, repository: Repository) -> Json:
    """Push payloads write two times as numbers and tell more about the owner than others do."""
    shown = hub.repository(repository)
    owner = hub.accounts.find(repository.owner)
    email = email_of(owner) if owner else None
    return {
        **shown,
        "owner": {"name": shown["owner"]["login"], "email": email, **shown["owner"]},
        "url": shown["html_url"],
        "created_at": repository.created_at,
        "pushed_at": repository.pushed_at,
        "stargazers": 0,
        "master_branch": DEFAULT_BRANCH,
    }
