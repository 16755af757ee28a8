"""The embedded GitHub against recorded answers of GitHub, where the team's shared folder has them.

The same members of the same types, the same headers, the same words in errors. Members that came
after a recording was made, or that belong to what the embedded server has not (organisations,
forks), are listed by name.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from github_store.embedded import EmbeddedGitHub

if TYPE_CHECKING:
    from .conftest import Api

SHARED = Path(os.environ.get("KENER_SHARED") or Path(__file__).parents[3] / "shared")
RECORDINGS = SHARED / "github" / "samples" / "rest"
with_shared = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the team's folder of recordings is not here"
)


@dataclass(frozen=True)
class Case:
    """How to bring about what a recording shows. ``path`` may need something made first."""

    sample: str
    method: str
    path: str | Callable[[Api], str]
    body: Any = None
    login: str | None = "owner"


def _issue(tail: str = "", **fields: Any) -> Callable[[Api], str]:
    return lambda owner: f"issues/{owner.opened(**fields)}{tail}"


def _closed(owner: Api) -> str:
    number = owner.opened()
    owner.patch(f"issues/{number}", {"state": "closed"})
    return f"issues/{number}"


def _comment(owner: Api) -> str:
    made = owner.post(f"issues/{owner.opened()}/comments", {"body": "x"})
    return f"issues/comments/{made.json()['id']}"


def _commented(count: int, tail: str) -> Callable[[Api], str]:
    def made(owner: Api) -> str:
        number = owner.opened()
        for _ in range(count):
            owner.post(f"issues/{number}/comments", {"body": "x"})
        return f"issues/{number}/comments{tail}"

    return made


def _many(query: str) -> Callable[[Api], str]:
    def made(owner: Api) -> str:
        for _ in range(12):
            owner.opened(labels=["bug"])
        return f"issues?{query}"

    return made


def _hook(owner: Api) -> str:
    for hook in owner.get("hooks").json():
        owner.delete(f"hooks/{hook['id']}")
    config = {"url": "http://127.0.0.1:9/", "secret": "s"}
    made = owner.post("hooks", {"config": config}).json()
    owner.github.wait_for_hooks()
    return f"hooks/{made['id']}"


def _renamed(owner: Api) -> str:
    name = f"former-{len(owner.github.hub.repositories.all())}"
    owner.github.create_repository(f"owner/{name}")
    owner.patch(f"/repos/owner/{name}", {"name": f"new-{name}"})
    return f"/repos/owner/{name}"


def _searched(owner: Api) -> str:
    for _ in range(2):
        owner.opened("sesame")
    return "/search/issues?q=sesame+repo:owner/status"


def _head(owner: Api) -> str:
    sha: str = owner.get("git/ref/heads/main").json()["object"]["sha"]
    return sha


@dataclass(frozen=True)
class Latest:
    """A change to a file, which names the file as it is now."""

    path: str
    content: str | None = None

    def body(self, owner: Api) -> dict[str, str]:
        sha = owner.get(f"contents/{self.path}").json()["sha"]
        fields = {"message": "m", "sha": sha}
        return fields if self.content is None else {**fields, "content": self.content}


CASES = (
    Case(
        "issue_create_labels",
        "POST",
        "issues",
        {"title": "t", "body": "b", "labels": ["bug"], "assignees": ["owner"]},
    ),
    Case("issue_create", "POST", "issues", {"title": "t"}),
    Case("issue_create_missing_title_422", "POST", "issues", {}),
    Case("issue_create_blank_title_422", "POST", "issues", {"title": ""}),
    Case("issue_create_no_auth_401", "POST", "issues", {"title": "t"}, login=None),
    Case(
        "issue_create_both_assignee_keys_422",
        "POST",
        "issues",
        {"title": "t", "assignee": "owner", "assignees": ["owner"]},
    ),
    Case("issue_get", "GET", _issue(body="b", labels=["bug"])),
    Case("issue_get_missing_404", "GET", "issues/99999"),
    Case("issue_patch_close", "PATCH", _issue(), {"state": "closed"}),
    Case(
        "issue_patch_not_planned",
        "PATCH",
        _issue(),
        {"state": "closed", "state_reason": "not_planned"},
    ),
    Case("issue_patch_reopen", "PATCH", _closed, {"state": "open"}),
    Case("issue_patch_labels_autocreate", "PATCH", _issue(), {"labels": ["q1", "q2"]}),
    Case("issue_patch_no_rights_403", "PATCH", _issue(), {"title": "t"}, login="stranger"),
    Case("issue_patch_missing_404", "PATCH", "issues/99999", {"title": "t"}),
    Case(
        "issue_patch_state_reason_422",
        "PATCH",
        _issue(),
        {"state": "closed", "state_reason": "reopened"},
    ),
    Case("issues_list_cursor_page1", "GET", _many("per_page=10")),
    Case("issues_list_cursor_page2", "GET", _many("per_page=5&page=2")),
    Case("issues_list_invalid_state_422", "GET", "issues?state=invalid"),
    Case("issues_list_page_too_high_422", "GET", "issues?per_page=100&page=101"),
    Case("issues_list_missing_repo_404", "GET", "/repos/owner/nonexistent/issues/", login=None),
    Case("issue_labels_post", "POST", _issue("/labels"), {"labels": ["a"]}),
    Case("issue_labels_post_autocreate", "POST", _issue("/labels"), {"labels": ["never seen"]}),
    Case("issue_labels_put", "PUT", _issue("/labels"), ["bug", "pdi"]),
    Case("issue_labels_delete_one", "DELETE", _issue("/labels/a", labels=["a", "b"])),
    Case("issue_labels_delete_absent_404", "DELETE", _issue("/labels/a")),
    Case("issue_labels_delete_all_204", "DELETE", _issue("/labels", labels=["a"])),
    Case("labels_list", "GET", "/repos/owner/fresh/labels"),
    Case("label_create", "POST", "labels", {"name": "test-label", "color": "663399"}),
    Case("label_get", "GET", "labels/bug"),
    Case("label_get_404", "GET", "labels/none"),
    Case("label_create_bad_color_422", "POST", "labels", {"name": "foo", "color": "invalid"}),
    Case("label_patch", "PATCH", "labels/wontfix", {"color": "BADA55"}),
    Case("label_delete", "DELETE", "labels/duplicate"),
    Case("comments_list", "GET", _commented(2, "")),
    Case("comments_list_empty", "GET", _commented(0, "")),
    Case("comments_list_paged", "GET", _commented(5, "?per_page=3")),
    Case("comment_create_2025", "POST", _issue("/comments"), {"body": "x"}),
    Case("comment_create_blank_422", "POST", _issue("/comments"), {"body": ""}),
    Case("comment_get", "GET", _comment),
    Case("comment_patch", "PATCH", _comment, {"body": "y"}),
    Case("comment_delete_204", "DELETE", _comment),
    Case("comment_get_404", "GET", "issues/comments/99"),
    Case(
        "hook_create",
        "POST",
        "hooks",
        {"name": "web", "active": True, "config": {"url": "http://127.0.0.1:9/"}},
    ),
    Case("hook_get", "GET", _hook),
    Case("hook_get_404", "GET", "hooks/99"),
    Case("hook_ping_204", "POST", lambda owner: f"{_hook(owner)}/pings"),
    Case("hook_delete_204", "DELETE", _hook),
    Case("repo_get", "GET", ""),
    Case("repo_get_anonymous", "GET", "", login=None),
    Case("repo_renamed_get_301", "GET", _renamed),
    Case("repo_renamed_patch_307", "PATCH", _renamed, {"name": "x"}),
    Case("user_get", "GET", "/user"),
    Case("rate_limit", "GET", "/rate_limit"),
    Case("search_issues", "GET", _searched),
    Case("search_issues_2026", "GET", lambda owner: f"{_searched(owner)}&per_page=1"),
    Case("contents_get_404", "GET", "contents/none"),
    Case("contents_get_dir", "GET", "contents/js"),
    Case("contents_get_dir_2025", "GET", "contents/js"),
    Case("contents_get_file", "GET", "contents/js/a%20b%23.txt"),
    Case("contents_trailing_slash_302", "GET", "/repos/owner/status/contents/js/"),
    Case("contents_put_create_201", "PUT", "contents/n.txt", {"message": "m", "content": "eA=="}),
    Case("contents_put_update_200", "PUT", "contents/put.txt", Latest("put.txt", content="eXk=")),
    Case("contents_delete_200", "DELETE", "contents/gone.txt", Latest("gone.txt")),
    Case("git_ref_get", "GET", "git/ref/heads/main"),
    Case("git_ref_404", "GET", "git/refs/headz"),
    Case("git_refs_list", "GET", "git/refs"),
    Case("git_ref_delete_missing_422", "DELETE", "git/refs/heads/testing/test-ref"),
    Case("git_commit_get", "GET", lambda owner: f"git/commits/{_head(owner)}"),
    Case("git_tree_get", "GET", lambda owner: f"git/trees/{_head(owner)}"),
    Case("git_blob_post", "POST", "git/blobs", {"encoding": "base64", "content": "eA=="}),
)


FILES = {"README.md": b"x", "js/a b#.txt": b"x", "put.txt": b"x", "gone.txt": b"x"}


@pytest.fixture(scope="module")
def recorded_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """One server for all recordings; the Api class is filled in by the first test."""
    with EmbeddedGitHub(tmp_path_factory.mktemp("recorded")) as github:
        github.create_repository("owner/status", files=FILES)
        github.create_repository("owner/fresh")
        yield [github]


# Members that a recording has for reasons the embedded server does not share.
BEYOND = {
    "issue_field_values",  # organisations with custom fields
    "type",  # issue types: organisations
    "parent", "source",  # forks
    "organization", "custom_properties", "temp_clone_token",  # organisations, anonymous readers
    "plan", "private_gists", "total_private_repos", "owned_private_repos", "disk_usage",
    "collaborators", "two_factor_authentication",  # GET /user with the scope user
}  # fmt: skip
# Members that came after some of the recordings were made.
NEWER = {
    "user_view_type",
    "sub_issues_summary",
    "issue_dependencies_summary",
    "pinned_comment",
    "status",
    "deliveries_url",
    "notification_email",
    "closed_by",
    "has_discussions",
    "has_pull_requests",
    "pull_request_creation_policy",
    "verified_at",
}


def shape_problems(ours: Any, seen: Any, where: str = "") -> list[str]:
    """Members that one side lacks, and values of another type. Null fits everything."""
    if isinstance(seen, dict) and isinstance(ours, dict):
        if where.endswith((".resources", ".config")):
            seen = {name: value for name, value in seen.items() if name in ours}
        missing = sorted(seen.keys() - ours.keys() - BEYOND)
        extra = sorted(ours.keys() - seen.keys() - NEWER - ({"secret"} & ours.keys()))
        found = [f"{where} lacks {missing}"] if missing else []
        found += [f"{where} adds {extra}"] if extra else []
        for name in seen.keys() & ours.keys():
            found += shape_problems(ours[name], seen[name], f"{where}.{name}")
        return found
    if isinstance(seen, list) and isinstance(ours, list):
        if not seen or not ours:
            return []
        # Lists mix kinds (pull requests among issues, directories among files): one must fit.
        compared = [shape_problems(ours[0], entry, f"{where}[0]") for entry in seen]
        return min(compared, key=len)
    numbers = isinstance(ours, int | float) and isinstance(seen, int | float)
    if ours is None or seen is None or type(ours) is type(seen) or numbers:
        return []
    return [f"{where}: {type(ours).__name__}, recorded {type(seen).__name__}"]


SAME_VALUE = ("content-type", "cache-control", "vary", "x-github-media-type")
SAME_PRESENCE = ("etag", "last-modified", "location", "content-type", "cache-control", "vary")


def header_problems(ours: Mapping[str, str], seen: Mapping[str, str], *, modern: bool) -> list[str]:
    found = [
        f"{name}: {ours.get(name)!r}, recorded {seen.get(name)!r}"
        for name in SAME_PRESENCE
        if (name in ours) != (name in seen) and (modern or name in seen or name != "vary")
    ]
    if modern:
        found += [
            f"{name}: {ours[name]!r}, recorded {seen[name]!r}"
            for name in SAME_VALUE
            if name in ours and name in seen and _plain(ours[name]) != _plain(seen[name])
        ]
    rels = [re.findall(r'rel="(\w+)"', headers.get("link", "")) for headers in (ours, seen)]
    rels = [[rel for rel in part if rel != "deprecation"] for part in rels]
    if rels[0] != rels[1]:
        found.append(f"link: {rels[0]}, recorded {rels[1]}")
    weak = [headers.get("etag", "").startswith("W/") for headers in (ours, seen)]
    if weak[0] != weak[1]:
        found.append(f"etag: {ours.get('etag')}, recorded {seen.get('etag')}")
    if "x-ratelimit-used" in seen and "x-ratelimit-used" not in ours:
        found.append("no rate limit headers")
    return found


def _plain(value: str) -> str:
    return value.replace(" ", "").lower()


@with_shared
@pytest.mark.parametrize("case", CASES, ids=[case.sample for case in CASES])
def test_an_answer_is_what_githubs_was(case: Case, recorded_api: list[Any], owner: Api) -> None:
    sample = json.loads((RECORDINGS / f"{case.sample}.json").read_text())
    seen = sample["response"]
    headers = {name.lower(): value for name, value in seen["headers"].items()}
    modern = int(sample["recorded"].split()[3]) >= 2025
    if len(recorded_api) == 1:
        recorded_api.append(type(owner)(recorded_api[0], "owner"))
    api = recorded_api[1]
    path = case.path if isinstance(case.path, str) else case.path(api)
    encoding = "gzip" if headers.get("etag", "").startswith("W/") else "identity"
    body = case.body.body(api) if isinstance(case.body, Latest) else case.body
    answer = api.as_(case.login).send(
        case.method, path, body, headers={"Accept-Encoding": encoding}
    )
    api.close()
    assert answer.status == seen["status"]
    assert header_problems(answer.headers, headers, modern=modern) == []
    if not answer.body:
        assert not seen["body"]
        return
    assert shape_problems(answer.json(), seen["body"]) == []
    if answer.status >= 300:
        assert answer.message == seen["body"]["message"]
        assert answer.json().get("errors") == seen["body"].get("errors")
        if modern:
            assert answer.json()["documentation_url"] == seen["body"]["documentation_url"]
