"""What no REST route of GitHub does, or only its website: for tests, the command line, a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from .git_objects import Person
from .git_trees import FILE
from .hub import Hub
from .rows import Issue, Repository

# Of an owner or a repository: also the name of a directory, and never GitHub's own placeholder.
NAME: Final = re.compile(r"(?!\.{1,2}$|-$)[A-Za-z0-9._-]{1,100}")


def create_repository(
    hub: Hub, full_name: str, *, private: bool, files: Mapping[str, bytes]
) -> Repository:
    """A repository with GitHub's nine labels, and a first commit where there are files.

    Raises ValueError for a name that is not ``owner/name`` or is taken.
    """
    owner, _, name = full_name.partition("/")
    if not (NAME.fullmatch(owner) and NAME.fullmatch(name)):
        raise ValueError(f"{full_name!r} is not owner/name")
    now = hub.now()
    with hub.storage.transaction():
        if hub.repositories.find(full_name) is not None:
            raise ValueError(f"{full_name} exists already")
        hub.accounts.ensure(owner, now=now)
        repository = hub.repositories.add(full_name, private=private, now=now)
        hub.labels.add_defaults(repository, now=now)
        hub.git.create(repository)
        if owner.lower() != "owner":
            hub.accounts.set_role(repository, owner, "admin")
        if files:
            _first_commit(hub, repository, files)
    return repository


def _first_commit(hub: Hub, repository: Repository, files: Mapping[str, bytes]) -> None:
    store = hub.git.open(repository)
    blobs = {path: (FILE, store.add_blob(content)) for path, content in files.items()}
    tree = store.with_changes(None, blobs)
    login = repository.owner
    person = Person(login, f"{login}@users.noreply.github.com", hub.now())
    commit = store.add_commit(tree, (), "Initial commit", person, person)
    store.move("refs/heads/main", None, commit)


def set_role(hub: Hub, repository: Repository, login: str, role: str, *, by: str) -> None:
    """Give somebody a role, or take it away. Raises ValueError for a role that is none."""
    with hub.storage.transaction():
        before = hub.accounts.fine_role(repository, login)
        hub.accounts.set_role(repository, login, role)
        had, has = before not in ("none", "read"), role not in ("none", "read")
        if before == role or not (had or has):
            return
        action = "edited" if had and has else "added" if has else "removed"
        changes = {"permission": {"from": before, "to": role}}
        hub.announce(
            repository,
            "member",
            action,
            by,
            lambda: {"member": hub.user(login)} | ({"changes": changes} if has else {}),
        )


def add_pull_request(hub: Hub, repository: Repository, *, title: str, author: str) -> Issue:
    """A pull request as the issue side of the API sees it: it takes a number like an issue."""
    now = hub.now()
    with hub.storage.transaction():
        hub.accounts.ensure(author, now=now)
        return hub.issues.add(
            blank_issue(hub, repository, title=title, author=author, is_pull_request=True)
        )


def blank_issue(
    hub: Hub,
    repository: Repository,
    *,
    title: str,
    author: str,
    body: str | None = None,
    is_pull_request: bool = False,
) -> Issue:
    """An open issue as it is before anything happened to it, with the next number, not stored."""
    now = hub.now()
    return Issue(
        id=0,
        repository_id=repository.id,
        number=hub.repositories.next_number(repository),
        title=title,
        body=body,
        state="open",
        state_reason=None,
        author=author,
        created_at=now,
        updated_at=now,
        closed_at=None,
        closed_by=None,
        locked=False,
        is_pull_request=is_pull_request,
        assignees=(),
        labels=(),
        comments=0,
        gone="",
        moved_to="",
    )


def delete_issue(hub: Hub, repository: Repository, number: int, *, by: str) -> None:
    """As an administrator does on the website. Raises the refusals of ``find_issue``."""
    with hub.storage.transaction():
        issue = hub.find_issue(repository, number)
        shown = hub.issue(repository, issue, single=True)
        hub.issues.save(replace(issue, gone="deleted", updated_at=hub.now()))
        hub.comments.remove_all(issue)
        hub.announce(repository, "issues", "deleted", by, lambda: {"issue": shown})


def transfer_issue(
    hub: Hub, repository: Repository, number: int, target: Repository, *, by: str
) -> Issue:
    """Move an issue; labels follow where the target has one of that name."""
    with hub.storage.transaction():
        issue = hub.find_issue(repository, number)
        names = [label.name for label in hub.labels.all(repository) if label.id in issue.labels]
        found = [hub.labels.find(target, name) for name in names]
        moved = replace(
            issue,
            repository_id=target.id,
            number=hub.repositories.next_number(target),
            labels=tuple(label.id for label in found if label is not None),
            updated_at=hub.now(),
        )
        before = hub.issue(repository, issue, single=True)
        moved = hub.issues.add(moved)
        hub.comments.move(issue, moved)
        hub.events.move(issue, moved)
        hub.events.add(moved, by, "transferred", at=hub.now())
        place = f"repositories/{target.id}/issues/{moved.number}"
        hub.issues.save(replace(issue, gone="transferred", moved_to=place))
        after = hub.issue(target, moved, single=True)
        changes = {"new_issue": after, "new_repository": hub.repository(target)}
        hub.announce(
            repository, "issues", "transferred", by, lambda: {"issue": before, "changes": changes}
        )
        old = {"old_issue": before, "old_repository": hub.repository(repository)}
        hub.announce(target, "issues", "opened", by, lambda: {"issue": after, "changes": old})
        return moved
