"""Commits in their order, and branches. Source: GitHub docs, "Commits" and "Branches"."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from .exchange import Request, Response, segment
from .git_names import is_sound_path
from .git_rendering import GitRendering, quoted
from .git_repository import GitRepository
from .git_store import DEFAULT_BRANCH
from .hub import Hub
from .paging import numbered_links, numbered_page
from .ref_routes import filled_store
from .refusals import Refusal, not_found
from .rendering import api_url, html_url
from .routing import REPOSITORY, Route

COMMITS_DOCS: Final = "commits/commits#list-commits"
BRANCHES_DOCS: Final = "branches/branches#list-branches"
BRANCH_DOCS: Final = "branches/branches#get-a-branch"
HEADS: Final = "refs/heads/"


def list_commits(hub: Hub, request: Request) -> Response:
    """Newest first; ``sha`` is a branch, tag or commit, ``since`` and ``until`` are inclusive."""
    store = filled_store(hub, request)
    start = store.commit_named(request.parameter("sha") or DEFAULT_BRANCH)
    if start is None:
        raise not_found()
    path = request.parameter("path").strip("/")
    found: list[str] = []
    if not path or is_sound_path(path):
        since, until = _time(request, "since"), _time(request, "until")
        found = [
            sha
            for sha, link in store.history.newest_first(start)
            if (since is None or link.at >= since)
            and (until is None or link.at <= until)
            and (not path or store.touches(sha, path))
        ]
    rendering = GitRendering(hub, request.repository)
    shown = [_commit(rendering, store, sha) for sha in numbered_page(request, found)]
    base = f"{hub.base_url}/repositories/{request.repository.id}/commits"
    return Response(200, shown, numbered_links(request, base, total=len(found)))


def list_branches(hub: Hub, request: Request) -> Response:
    store = hub.git.open(request.repository)
    found = [item for item in store.refs().items() if item[0].startswith(HEADS)]
    home = api_url(hub.base_url, request.repository)
    shown = [
        {
            "name": name.removeprefix(HEADS),
            "commit": {"sha": sha, "url": f"{home}/commits/{sha}"},
            "protected": False,
        }
        for name, sha in numbered_page(request, found)
    ]
    base = f"{hub.base_url}/repositories/{request.repository.id}/branches"
    return Response(200, shown, numbered_links(request, base, total=len(found)))


def get_branch(hub: Hub, request: Request) -> Response:
    store, name = hub.git.open(request.repository), segment(request.path_args["branch"])
    sha = store.ref(HEADS + name)
    if sha is None:
        raise Refusal(404, "Branch not found")
    url = f"{api_url(hub.base_url, request.repository)}/branches/{quoted(name)}"
    checks = {"enforcement_level": "off", "contexts": [], "checks": []}
    page = f"{html_url(hub.base_url, request.repository)}/tree/{quoted(name)}"
    shown = {
        "name": name,
        "commit": _commit(GitRendering(hub, request.repository), store, sha),
        "_links": {"self": url, "html": page},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": checks},
        "protection_url": f"{url}/protection",
    }
    return Response(200, shown)


def _commit(rendering: GitRendering, store: GitRepository, sha: str) -> dict[str, Any]:
    commit = store.commit(sha)
    assert commit is not None
    return rendering.commit(sha, commit)


def _time(request: Request, name: str) -> float | None:
    """A time in epoch seconds; what is no time is ignored, as GitHub does."""
    text = request.parameter(name)
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


ROUTES: Final = (
    Route("GET", f"{REPOSITORY}/commits", list_commits, docs=COMMITS_DOCS),
    Route("GET", f"{REPOSITORY}/branches", list_branches, docs=BRANCHES_DOCS),
    Route("GET", f"{REPOSITORY}/branches/{{branch:path}}", get_branch, docs=BRANCH_DOCS),
)
