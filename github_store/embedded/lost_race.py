"""The fault ``lost_race``: somebody else commits to a branch just before a write does."""

from __future__ import annotations

from typing import Final

from .exchange import Request
from .git_people import default_person
from .git_repository import ZERO, GitRepository
from .git_trees import FILE
from .hub import Hub
from .push import Push, announce

RIVAL: Final = "collaborator"
RIVALS_FILE: Final = "another-writer.txt"


def maybe_lose(hub: Hub, request: Request, store: GitRepository, ref: str) -> None:
    """Let the rival commit where the fault strikes; its file tells how often it has won.

    Whoever loses must answer with a Response, not raise: a raised refusal would undo what the
    rival's push has done to the database.
    """
    if not ref.startswith("refs/heads/"):
        return
    if hub.faults.strike("lost_race", f"{request.method} {request.target}") is None:
        return
    head = store.ref(ref)
    base = head or (store.commit_named("main") if not store.is_empty() else None)
    tree = store.tree_id(base) if base else None
    held = store.find(tree, RIVALS_FILE) if tree else None
    lines = (store.blob(held.sha) or b"") if held else b""
    blob = store.add_blob(lines + b"first again\n")
    changed = store.with_changes(tree, {RIVALS_FILE: (FILE, blob)})
    person = default_person(hub, hub.accounts.ensure(RIVAL, now=hub.now()))
    parents = [base] if base else []
    commit = store.add_commit(changed, parents, "Be first", person, person)
    if store.move(ref, head, commit):
        rival = hub.accounts.ensure(RIVAL, now=hub.now())
        announce(hub, request.repository, store, rival, Push(ref, head or ZERO, commit))
