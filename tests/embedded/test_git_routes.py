"""Refs, commits, trees, blobs and the history over HTTP."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from githubkit_schemas.v2026_03_10 import models
from pydantic import TypeAdapter

from github_store.embedded import EmbeddedGitHub

if TYPE_CHECKING:
    from .conftest import Answer, Api

MISSING = "1" * 40


def head(api: Api, branch: str = "main") -> str:
    sha: str = api.get(f"git/ref/heads/{branch}").json()["object"]["sha"]
    return sha


def tree(api: Api, *entries: dict[str, Any], base: str | None = None) -> Answer:
    return api.post("git/trees", {"tree": entries, **({"base_tree": base} if base else {})})


def file(path: str, content: str = "hello") -> dict[str, Any]:
    return {"path": path, "mode": "100644", "type": "blob", "content": content}


def commit_on(api: Api, parent: str, *entries: dict[str, Any], message: str = "Change") -> str:
    made = tree(api, *entries, base=parent)
    assert made.status == 201, made.body
    body = {"message": message, "tree": made.json()["sha"], "parents": [parent]}
    sha: str = api.post("git/commits", body).json()["sha"]
    return sha


# the way files are committed --------------------------------------------------------------------


def test_many_files_become_one_commit(owner: Api) -> None:
    before = head(owner)
    blob = owner.post("git/blobs", {"content": "aGk=", "encoding": "base64"})
    assert blob.status == 201
    assert set(blob.json()) == {"sha", "url"}
    assert blob.headers["location"] == blob.json()["url"]
    entry = {"path": "a/b", "mode": "100755", "type": "blob", "sha": blob.json()["sha"]}
    made = tree(owner, entry, file("c.txt"), base=before)
    assert made.status == 201
    assert [line["path"] for line in made.json()["tree"]] == ["README.md", "a", "c.txt"]
    assert made.json()["truncated"] is False
    commit = owner.post(
        "git/commits", {"message": "Two", "tree": made.json()["sha"], "parents": [before]}
    )
    assert commit.status == 201
    assert commit.headers["location"] == commit.json()["url"]
    moved = owner.patch("git/refs/heads/main", {"sha": commit.json()["sha"]})
    assert moved.status == 200
    assert moved.json()["object"]["sha"] == commit.json()["sha"]
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert owner.get("contents/a/b", headers=raw).body == b"hi"
    assert owner.get("contents/README.md").status == 200


# refs -------------------------------------------------------------------------------------------


def test_a_ref_is_made_read_moved_and_removed(owner: Api) -> None:
    first = head(owner)
    made = owner.post("git/refs", {"ref": "refs/heads/a/b", "sha": first})
    assert made.status == 201
    assert made.headers["location"] == made.json()["url"]
    assert made.json()["ref"] == "refs/heads/a/b"
    assert owner.get(made.json()["url"]).json() == made.json()
    assert owner.get("git/ref/heads/a/b").json() == made.json()
    second = commit_on(owner, first, file("x"))
    assert owner.patch("git/refs/heads/a/b", {"sha": second}).status == 200
    assert head(owner, "a/b") == second
    assert owner.delete("git/refs/heads/a/b").status == 204
    assert owner.get("git/ref/heads/a/b").status == 404
    assert owner.get("git/refs/headz").message == "Not Found"


def test_refs_are_listed_by_prefix(owner: Api) -> None:
    first = head(owner)
    for name in ("heads/feature", "heads/feature-b", "tags/v1"):
        owner.post("git/refs", {"ref": f"refs/{name}", "sha": first})

    def names(answer: Answer) -> list[str]:
        assert answer.status == 200
        return [ref["ref"].removeprefix("refs/") for ref in answer.json()]

    everything = ["heads/feature", "heads/feature-b", "heads/main", "tags/v1"]
    assert names(owner.get("git/refs")) == everything
    assert names(owner.get("git/matching-refs/heads/feature")) == everything[:2]
    assert names(owner.get("git/matching-refs/nope")) == []
    assert names(owner.get("git/refs/heads")) == everything[:3]
    page = owner.get("git/matching-refs/heads/?per_page=2")
    assert names(page) == everything[:2]
    assert names(owner.get(page.link("next") or "")) == ["heads/main"]


def test_only_a_forced_update_loses_commits(owner: Api) -> None:
    first = head(owner)
    second = commit_on(owner, first, file("x"))
    third = commit_on(owner, first, file("y"))
    assert owner.patch("git/refs/heads/main", {"sha": second}).status == 200
    refused = owner.patch("git/refs/heads/main", {"sha": third})
    assert (refused.status, refused.message) == (422, "Update is not a fast forward")
    assert head(owner) == second
    assert owner.patch("git/refs/heads/main", {"sha": third, "force": True}).status == 200
    assert head(owner) == third
    assert owner.patch("git/refs/heads/main", {"sha": third}).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PATCH", "heads/nope", {"sha": MISSING}, "Reference does not exist"),
        ("DELETE", "heads/nope", None, "Reference does not exist"),
        ("DELETE", "heads/main", None, "Cannot delete the default branch"),
        ("PATCH", "heads/main", {"sha": MISSING}, "Object does not exist"),
        ("PATCH", "heads/main", {}, 'Invalid request.\n\n"sha" wasn\'t supplied.'),
        ("PATCH", "heads/main", {"sha": MISSING, "force": "yes"}, "Invalid request.\n\nFor"),
        ("POST", "", {}, 'Invalid request.\n\n"ref", "sha" weren\'t supplied.'),
        ("POST", "", {"ref": "refs/heads/x", "sha": MISSING}, "Object does not exist"),
        ("POST", "", {"ref": "heads/x", "sha": MISSING}, "heads/x is not a valid ref name."),
        ("POST", "", {"ref": "refs/x", "sha": MISSING}, "refs/x is not a valid ref name."),
        ("POST", "", {"ref": "refs/heads/a..b", "sha": MISSING}, "refs/heads/a..b is not a"),
        ("POST", "", {"ref": "refs/heads/../../x", "sha": MISSING}, "refs/heads/../../x is"),
        ("POST", "", {"ref": "refs/heads/x.lock", "sha": MISSING}, "refs/heads/x.lock is not"),
        ("POST", "", {"ref": "refs/heads/main\0", "sha": MISSING}, "refs/heads/main\0 is not"),
    ],
)
def test_a_wrong_change_of_a_ref_is_refused(
    owner: Api, method: str, path: str, body: Any, message: str
) -> None:
    before = owner.get("git/refs").json()
    answer = owner.send(method, f"git/refs/{path}".rstrip("/"), body)
    assert answer.status == 422
    assert answer.message.startswith(message)
    assert owner.get("git/refs").json() == before


def test_a_ref_is_made_once_and_never_where_another_has_its_directory(owner: Api) -> None:
    first = head(owner)
    again = owner.post("git/refs", {"ref": "refs/heads/main", "sha": first})
    assert (again.status, again.message) == (422, "Reference already exists")
    below = owner.post("git/refs", {"ref": "refs/heads/main/x", "sha": first})
    assert (below.status, below.message) == (422, "Reference update failed")
    blob = owner.post("git/blobs", {"content": "x"}).json()["sha"]
    wrong = owner.post("git/refs", {"ref": "refs/heads/blob", "sha": blob})
    assert (wrong.status, wrong.message) == (422, "Object is not a commit")
    assert owner.post("git/refs", {"ref": "refs/tags/blob", "sha": blob}).status == 201
    assert owner.get("git/ref/tags/blob").json()["object"]["type"] == "blob"


def test_a_lost_race_is_no_fast_forward(owner: Api) -> None:
    first = head(owner)
    mine = commit_on(owner, first, file("mine"))
    owner.github.faults.add("lost_race", match="PATCH", count=1)
    lost = owner.patch("git/refs/heads/main", {"sha": mine})
    assert (lost.status, lost.message) == (422, "Update is not a fast forward")
    theirs = head(owner)
    assert theirs not in (first, mine)
    assert owner.get("contents/another-writer.txt").status == 200
    again = commit_on(owner, theirs, file("mine"))
    assert owner.patch("git/refs/heads/main", {"sha": again}).status == 200
    owner.github.faults.add("lost_race", match="POST .*/git/refs", count=1)
    taken = owner.post("git/refs", {"ref": "refs/heads/new", "sha": first})
    assert (taken.status, taken.message) == (422, "Reference already exists")


# trees and blobs --------------------------------------------------------------------------------


def test_a_tree_is_shown_flat_or_whole_by_tree_commit_or_branch(owner: Api) -> None:
    sha = commit_on(owner, head(owner), file("a/b/c"), file("a/d"))
    flat = owner.get(f"git/trees/{sha}")
    assert flat.json()["sha"] == sha
    assert [line["path"] for line in flat.json()["tree"]] == ["README.md", "a"]
    whole = owner.get(f"git/trees/{sha}?recursive=0").json()
    assert [(line["path"], line["type"]) for line in whole["tree"]] == [
        ("README.md", "blob"),
        ("a", "tree"),
        ("a/b", "tree"),
        ("a/b/c", "blob"),
        ("a/d", "blob"),
    ]
    inner = next(line for line in whole["tree"] if line["path"] == "a")
    assert "size" not in inner
    assert [line["path"] for line in owner.get(inner["url"]).json()["tree"]] == ["b", "d"]
    assert owner.get("git/trees/main").status == 200
    assert owner.get(f"git/trees/{MISSING}").status == 404
    assert owner.get("git/trees/nope").status == 404


def test_entries_without_an_id_are_removed_with_their_empty_directories(owner: Api) -> None:
    sha = commit_on(owner, head(owner), file("a/b/c"), file("a/b/d"))
    gone = [{"path": path, "mode": "100644", "type": "blob", "sha": None} for path in ("a/b/c",)]
    made = tree(owner, *gone, base=sha).json()
    paths = [line["path"] for line in owner.get(f"{made['url']}?recursive=1").json()["tree"]]
    assert paths == ["README.md", "a", "a/b", "a/b/d"]
    last = {"path": "a/b/d", "mode": "100644", "type": "blob", "sha": None}
    assert [line["path"] for line in tree(owner, *gone, last, base=sha).json()["tree"]] == [
        "README.md"
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({**file("../x")}, "tree.path contains a malformed path component"),
        ({**file("/x")}, "tree.path contains a malformed path component"),
        ({**file("a//x")}, "tree.path contains a malformed path component"),
        ({**file(".git/hooks/post-update")}, "tree.path contains a malformed path component"),
        ({**file("x\0y")}, "tree.path contains a malformed path component"),
        ({**file("x"), "mode": "100600"}, "tree.mode is not one of"),
        ({**file("x"), "type": "tree"}, "tree.type does not fit"),
        ({**file("x"), "sha": MISSING}, "Must supply either tree.sha or tree.content"),
        ({"path": "x", "mode": "100644"}, "Must supply either tree.sha or tree.content"),
        ({"path": "x", "mode": "100644", "sha": MISSING}, f"tree.sha {MISSING} is not a valid"),
        ({"path": "nope", "mode": "100644", "sha": None}, "GitRPC::BadObjectState"),
        ({"mode": "100644", "content": ""}, 'Invalid request.\n\n"path" wasn\'t supplied.'),
        ("text", "Invalid request."),
    ],
)
def test_a_wrong_entry_is_refused(owner: Api, entry: Any, message: str) -> None:
    answer = tree(owner, entry, base=head(owner))
    assert answer.status == 422
    assert answer.message.startswith(message)


@pytest.mark.parametrize(
    "body",
    [{}, {"tree": "x"}, {"tree": []}, {"tree": [file("x")], "base_tree": MISSING}],
    ids=["nothing", "no list", "no entry", "no base"],
)
def test_a_wrong_tree_is_refused(owner: Api, body: Any) -> None:
    assert owner.post("git/trees", body).status == 422


def test_a_blob_is_text_or_base64_and_read_in_base64(owner: Api) -> None:
    sha = owner.post("git/blobs", {"content": "grün"}).json()["sha"]
    shown = owner.get(f"git/blobs/{sha}").json()
    assert base64.b64decode(shown["content"]).decode() == "grün"
    assert shown["size"] == 5
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert owner.get(f"git/blobs/{sha}", headers=raw).body.decode() == "grün"
    assert owner.get(f"git/blobs/{head(owner)}").status == 404
    assert owner.post("git/blobs", {}).status == 422
    assert owner.post("git/blobs", {"content": "?", "encoding": "base64"}).status == 422
    assert owner.post("git/blobs", {"content": "?", "encoding": "latin1"}).status == 422


# commits ----------------------------------------------------------------------------------------


def test_a_commit_keeps_its_people_and_their_times(owner: Api) -> None:
    base = owner.get(f"git/commits/{head(owner)}").json()
    ann = {"name": "Ann", "email": "ann@example.org", "date": "2015-12-03T16:13:30+12:00"}
    body = {"message": "Grün\n\nwith text", "tree": base["tree"]["sha"], "author": ann}
    made = owner.post("git/commits", body).json()
    assert made["author"] == made["committer"] == {**ann, "date": "2015-12-03T04:13:30Z"}
    assert made["message"] == "Grün\n\nwith text"
    assert made["parents"] == []
    assert owner.get(f"git/commits/{made['sha']}").json() == made
    assert owner.get(f"git/commits/{base['tree']['sha']}").status == 404


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"committer": {}}, 'Invalid request.\n\n"email", "name" weren\'t supplied.'),
        ({"author": {"name": "A"}}, 'Invalid request.\n\n"email" wasn\'t supplied.'),
        ({"author": {"name": " ", "email": "a@b"}}, "Invalid request.\n\nauthor name is empty."),
        ({"author": {"name": "A", "email": "a@b", "date": "noon"}}, "Invalid request.\n\nFor"),
        (
            {"author": {"name": "A", "email": "a@b", "date": "1969-01-01T00:00:00Z"}},
            "Invalid request.\n\nFor",
        ),
        ({"tree": MISSING}, "Tree SHA does not exist"),
        ({"parents": [MISSING]}, "Parent SHA does not exist or is not a commit object"),
        ({"parents": "x"}, "Invalid request.\n\nFor 'properties/parents'"),
        ({"message": None}, "Invalid request.\n\nFor 'properties/message', nil is not a string."),
    ],
)
def test_a_wrong_commit_is_refused(owner: Api, changes: dict[str, Any], message: str) -> None:
    base = owner.get(f"git/commits/{head(owner)}").json()
    body = {"message": "m", "tree": base["tree"]["sha"], **changes}
    answer = owner.post("git/commits", body)
    assert answer.status == 422
    assert answer.message.startswith(message)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "git/ref/heads/main"),
        ("GET", "git/refs"),
        ("GET", "git/matching-refs/heads"),
        ("GET", "git/trees/main"),
        ("GET", f"git/commits/{MISSING}"),
        ("GET", "commits"),
        ("POST", "git/refs"),
        ("POST", "git/blobs"),
        ("POST", "git/trees"),
        ("POST", "git/commits"),
        ("PATCH", "git/refs/heads/main"),
    ],
)
def test_an_empty_repository_is_a_409(
    github: EmbeddedGitHub, owner: Api, method: str, path: str
) -> None:
    github.create_repository("owner/new")
    answer = owner.send(method, f"/repos/owner/new/{path}", {} if method != "GET" else None)
    assert (answer.status, answer.message) == (409, "Git Repository is empty.")


def test_a_reader_may_not_write(owner: Api) -> None:
    for path in ("git/refs", "git/blobs", "git/trees", "git/commits"):
        assert owner.as_("stranger").post(path, {}).status == 404
        assert owner.as_(None).post(path, {}).status == 401
    assert owner.as_("stranger").get("git/refs").status == 200


# history and branches ---------------------------------------------------------------------------


def test_commits_are_listed_newest_first_and_by_path(owner: Api) -> None:
    shas = [head(owner)]
    for name in ("a", "b/c", "a"):
        shas.append(commit_on(owner, shas[-1], file(name, f"{name}{len(shas)}"), message=name))
        owner.patch("git/refs/heads/main", {"sha": shas[-1]})

    def listed(answer: Answer) -> list[str]:
        assert answer.status == 200, answer.body
        return [commit["sha"] for commit in answer.json()]

    assert listed(owner.get("commits")) == shas[::-1]
    assert listed(owner.get(f"commits?sha={shas[1]}")) == shas[1::-1]
    assert listed(owner.get("commits?path=a")) == [shas[3], shas[1]]
    assert listed(owner.get("commits?path=b")) == [shas[2]]
    assert listed(owner.get("commits?path=nope")) == []
    assert listed(owner.get("commits?since=2100-01-01T00:00:00Z")) == []
    assert owner.get("commits?sha=nope").status == 404
    page = owner.get("commits?per_page=3")
    assert listed(owner.get(page.link("last") or "")) == [shas[0]]
    (newest, *_) = page.json()
    assert newest["commit"]["message"] == "a"
    assert newest["author"]["login"] == "owner"
    assert newest["parents"][0]["sha"] == shas[2]


def test_branches_are_listed_and_shown(owner: Api) -> None:
    first = head(owner)
    owner.post("git/refs", {"ref": "refs/heads/a/b", "sha": first})
    owner.post("git/refs", {"ref": "refs/tags/v1", "sha": first})
    assert [branch["name"] for branch in owner.get("branches").json()] == ["a/b", "main"]
    shown = owner.get("branches/a/b").json()
    assert (shown["name"], shown["commit"]["sha"]) == ("a/b", first)
    missing = owner.get("branches/nope")
    assert (missing.status, missing.message) == (404, "Branch not found")


# webhooks ---------------------------------------------------------------------------------------


class Received:
    """A web server that keeps what hooks send it."""

    def __init__(self) -> None:
        kept: list[tuple[str, dict[str, Any]]] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                kept.append((self.headers["X-GitHub-Event"], json.loads(data)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.kept = kept
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def pushes(owner: Api) -> Iterator[Received]:
    """What the repository's hook for pushes has received."""
    received = Received()
    config = {"url": received.url, "content_type": "json"}
    assert owner.post("hooks", {"config": config, "events": ["push"]}).status == 201
    assert owner.github.wait_for_hooks()
    received.kept.clear()
    yield received
    received.stop()


def told(owner: Api, received: Received) -> list[dict[str, Any]]:
    assert owner.github.wait_for_hooks()
    assert {event for event, _ in received.kept} <= {"push"}
    payloads = [payload for _, payload in received.kept]
    received.kept.clear()
    return payloads


def test_a_write_to_a_file_is_told_as_a_push(owner: Api, pushes: Received) -> None:
    before = head(owner)
    body = {"message": "One", "content": "aGk="}
    made = owner.put("contents/a/b.txt", body).json()
    (push,) = told(owner, pushes)
    assert (push["ref"], push["before"]) == ("refs/heads/main", before)
    assert push["after"] == made["commit"]["sha"] == push["head_commit"]["id"]
    (commit,) = push["commits"]
    assert (commit["added"], commit["modified"], commit["removed"]) == (["a/b.txt"], [], [])
    assert commit["author"]["username"] == "owner"
    assert (push["created"], push["deleted"], push["forced"]) == (False, False, False)
    assert push["pusher"]["name"] == push["sender"]["login"] == "owner"
    assert isinstance(push["repository"]["pushed_at"], int)


def test_a_push_fits_the_published_model(owner: Api, pushes: Received) -> None:
    owner.put("contents/a/b.txt", {"message": "One", "content": "aGk="})
    owner.post("git/refs", {"ref": "refs/tags/v1", "sha": head(owner)})
    owner.delete("git/refs/tags/v1")
    told_of = told(owner, pushes)
    assert [push["ref"] for push in told_of] == ["refs/heads/main", *["refs/tags/v1"] * 2]
    for push in told_of:
        TypeAdapter(models.WebhookPush).validate_python(push)


def test_every_change_of_a_ref_is_told_as_a_push(owner: Api, pushes: Received) -> None:
    first = head(owner)
    second = commit_on(owner, first, file("x"), message="second")
    third = commit_on(
        owner,
        second,
        {"path": "x", "mode": "100644", "sha": None},
        file("README.md", "new"),
        message="third",
    )
    assert told(owner, pushes) == []
    owner.post("git/refs", {"ref": "refs/heads/side", "sha": third})
    (made,) = told(owner, pushes)
    assert made["created"] is True
    assert made["before"] == "0" * 40
    assert [commit["message"] for commit in made["commits"]] == ["second", "third"]
    assert made["commits"][1]["removed"] == ["x"]
    assert made["commits"][1]["modified"] == ["README.md"]
    owner.patch("git/refs/heads/side", {"sha": first, "force": True})
    (back,) = told(owner, pushes)
    assert (back["forced"], back["commits"]) == (True, [])
    owner.patch("git/refs/heads/side", {"sha": first})
    owner.patch("git/refs/heads/side", {"sha": MISSING})
    assert told(owner, pushes) == []
    owner.delete("git/refs/heads/side")
    (gone,) = told(owner, pushes)
    assert (gone["deleted"], gone["after"], gone["head_commit"]) == (True, "0" * 40, None)


def test_the_winner_of_a_race_is_told_and_the_loser_is_not(owner: Api, pushes: Received) -> None:
    owner.github.faults.add("lost_race", count=1)
    assert owner.put("contents/x", {"message": "m", "content": ""}).status == 409
    (push,) = told(owner, pushes)
    assert push["pusher"]["name"] == "collaborator"
    assert push["commits"][0]["added"] == ["another-writer.txt"]
