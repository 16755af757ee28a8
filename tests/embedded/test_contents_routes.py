"""Files by path over HTTP."""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from github_store.embedded import EmbeddedGitHub

if TYPE_CHECKING:
    from .conftest import Answer, Api

NOREPLY = "@users.noreply.github.com"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def put(api: Api, path: str, data: bytes = b"hello", **fields: Any) -> Answer:
    body = {"message": f"Write {path}", "content": encoded(data), **fields}
    return api.put(f"contents/{path}", body)


def head(api: Api, branch: str = "main") -> str:
    sha: str = api.get(f"git/ref/heads/{branch}").json()["object"]["sha"]
    return sha


# reading ----------------------------------------------------------------------------------------


def test_a_file_is_shown_with_its_content_in_lines_of_sixty(owner: Api) -> None:
    data = bytes(range(256))
    made = put(owner, "a/b.bin", data).json()["content"]
    answer = owner.get("contents/a/b.bin")
    shown = answer.json()
    lines = shown["content"].split("\n")
    assert [len(line) for line in lines] == [60, 60, 60, 60, 60, 44, 0]
    assert base64.b64decode(shown["content"]) == data
    assert shown["encoding"] == "base64"
    assert shown["size"] == 256
    assert (shown["name"], shown["path"], shown["type"]) == ("b.bin", "a/b.bin", "file")
    assert shown["url"].endswith("/repos/owner/status/contents/a/b.bin?ref=main")
    assert {**shown, "content": None, "encoding": None} == {
        **made,
        "content": None,
        "encoding": None,
    }
    assert answer.headers["etag"] == f'W/"{shown["sha"]}"'
    assert "last-modified" in answer.headers


def test_an_unchanged_file_is_a_304_and_costs_nothing(owner: Api) -> None:
    tag = owner.get("contents/README.md").headers["etag"]
    put(owner, "other.txt")
    again = owner.get("contents/README.md", headers={"If-None-Match": tag})
    assert again.status == 304
    assert again.body == b""
    # Files' tags are git's ids: they outlive the token.
    stranger = owner.as_("stranger").get("contents/README.md", headers={"If-None-Match": tag})
    assert stranger.status == 304


def test_an_empty_file_has_empty_content(owner: Api) -> None:
    put(owner, "empty", b"")
    shown = owner.get("contents/empty").json()
    assert (shown["content"], shown["encoding"], shown["size"]) == ("", "base64", 0)


def test_a_directory_is_a_list_without_content(owner: Api) -> None:
    put(owner, "docs/a.md")
    put(owner, "docs/deep/b.md")
    answer = owner.get("contents/docs")
    assert [(item["path"], item["type"]) for item in answer.json()] == [
        ("docs/a.md", "file"),
        ("docs/deep", "dir"),
    ]
    assert all("content" not in item for item in answer.json())
    assert answer.json()[1]["download_url"] is None
    root = owner.get("contents")
    assert [item["name"] for item in root.json()] == ["README.md", "docs"]
    assert owner.get("contents/").json() == root.json()


def test_the_media_type_decides_the_form(owner: Api) -> None:
    put(owner, "docs/a.md", b"# A\n")
    raw = owner.get("contents/docs/a.md", headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.body == b"# A\n"
    assert raw.headers["content-type"].startswith("application/vnd.github.raw+json")
    assert raw.headers["x-github-media-type"] == "github.v3; param=raw"
    old = owner.get("contents/docs/a.md", headers={"Accept": "application/vnd.github.v3.raw"})
    assert old.body == b"# A\n"
    as_object = owner.get("contents/docs", headers={"Accept": "application/vnd.github.object+json"})
    assert as_object.json()["type"] == "dir"
    assert [item["name"] for item in as_object.json()["entries"]] == ["a.md"]
    file = owner.get("contents/docs/a.md", headers={"Accept": "application/vnd.github.object"})
    assert file.json()["encoding"] == "base64"


def test_above_one_megabyte_only_raw_and_the_blob_have_the_bytes(owner: Api) -> None:
    data = b"x" * (1024 * 1024 + 1)
    sha = put(owner, "big", data).json()["content"]["sha"]
    shown = owner.get("contents/big").json()
    assert (shown["content"], shown["encoding"], shown["size"]) == ("", "none", len(data))
    raw = owner.get("contents/big", headers={"Accept": "application/vnd.github.raw"})
    assert raw.body == data
    blob = owner.get(f"git/blobs/{sha}").json()
    assert base64.b64decode(blob["content"]) == data


def test_a_trailing_slash_is_redirected(owner: Api) -> None:
    put(owner, "docs/a%20b.md")
    answer = owner.send("GET", "/repos/owner/status/contents/docs/")
    assert answer.status == 302
    assert answer.body == b""
    place = answer.headers["location"]
    assert place.startswith(f"{owner.github.url}/repositories/")
    assert owner.get(place).json()[0]["name"] == "a b.md"


@pytest.mark.parametrize(
    "name", ["a b.txt", "a+b.txt", "#1.txt", "100%.txt", "ü.txt", "a?b.txt", '"q".txt', "🔥"]
)
def test_any_name_is_written_and_read_back(owner: Api, name: str) -> None:
    made = put(owner, f"dir/{quote(name, safe='')}")
    assert made.status == 201
    assert made.json()["content"]["path"] == f"dir/{name}"
    shown = owner.get(made.json()["content"]["url"])
    assert shown.json()["name"] == name
    assert owner.get(shown.json()["download_url"]).body == b"hello"


@pytest.mark.parametrize("path", ["nope", "README.md/x", "..", "a/../README.md", ".git/config"])
def test_what_is_not_there_is_a_404(owner: Api, path: str) -> None:
    answer = owner.get(f"contents/{path}")
    assert (answer.status, answer.message) == (404, "Not Found")
    assert answer.json()["documentation_url"].endswith("repos/contents#get-repository-content")


def test_a_ref_is_a_branch_a_tag_or_a_commit(owner: Api) -> None:
    first = head(owner)
    owner.post("git/refs", {"ref": "refs/heads/feature/x", "sha": first})
    owner.post("git/refs", {"ref": "refs/tags/v1", "sha": first})
    put(owner, "later.txt")
    for ref in ("feature/x", "v1", first, "refs/heads/feature/x"):
        assert owner.get(f"contents/README.md?ref={ref}").status == 200
        assert owner.get(f"contents/later.txt?ref={ref}").status == 404
    assert owner.get("contents/later.txt?ref=HEAD").status == 200
    missing = owner.get("contents/README.md?ref=nope")
    assert (missing.status, missing.message) == (404, "No commit found for the ref nope")
    linked = owner.get("contents/README.md?ref=feature/x").json()["download_url"]
    assert owner.get(linked).body == b"# Status\n"


def test_an_empty_repository_says_so_and_takes_a_first_file(
    github: EmbeddedGitHub, owner: Api
) -> None:
    github.create_repository("owner/new")
    there = "/repos/owner/new/contents/a.txt"
    empty = owner.get(there)
    assert (empty.status, empty.message) == (404, "This repository is empty.")
    body = {"message": "m", "content": ""}
    elsewhere = owner.put(there, {**body, "branch": "other"})
    assert (elsewhere.status, elsewhere.message) == (404, "Branch other not found")
    made = owner.put(there, body)
    assert made.status == 201
    assert made.json()["commit"]["parents"] == []
    assert owner.get(there).status == 200


# writing ----------------------------------------------------------------------------------------


def test_a_write_is_a_commit_by_the_caller(owner: Api) -> None:
    before = head(owner)
    answer = put(owner.as_("collaborator"), "new.txt")
    assert answer.status == 201
    commit = answer.json()["commit"]
    assert commit["message"] == "Write new.txt"
    assert [parent["sha"] for parent in commit["parents"]] == [before]
    assert commit["sha"] == head(owner)
    assert commit["author"]["name"] == commit["committer"]["name"] == "collaborator"
    assert commit["author"]["email"].endswith(NOREPLY)
    assert "content" not in answer.json()["content"]


def test_an_update_needs_the_files_present_id(owner: Api) -> None:
    first = put(owner, "f.txt", b"1").json()["content"]["sha"]
    without = put(owner, "f.txt", b"2")
    assert (without.status, without.message) == (422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    wrong = put(owner, "f.txt", b"2", sha="0" * 40)
    assert (wrong.status, wrong.message) == (409, f"f.txt does not match {'0' * 40}")
    right = put(owner, "f.txt", b"2", sha=first)
    assert right.status == 200
    again = put(owner, "f.txt", b"3", sha=first)
    assert again.status == 409
    assert owner.get("contents/f.txt").json()["sha"] == right.json()["content"]["sha"]


def test_an_id_for_a_new_path_is_ignored(owner: Api) -> None:
    assert put(owner, "f.txt", sha="0" * 40).status == 201


def test_author_and_committer_may_be_given(owner: Api) -> None:
    ann = {"name": "Ann", "email": "ann@example.org", "date": "2026-01-02T03:04:05+02:00"}
    bob = {"name": "Bob", "email": "bob@example.org"}
    commit = put(owner, "f.txt", committer=ann).json()["commit"]
    assert commit["author"] == commit["committer"] == {**ann, "date": "2026-01-02T01:04:05Z"}
    commit = put(owner, "g.txt", author=bob).json()["commit"]
    assert (commit["author"]["name"], commit["committer"]["name"]) == ("Bob", "owner")
    half = put(owner, "h.txt", committer={})
    assert half.message == 'Invalid request.\n\n"email", "name" weren\'t supplied.'


def test_a_branch_may_be_named(owner: Api) -> None:
    owner.post("git/refs", {"ref": "refs/heads/side", "sha": head(owner)})
    assert put(owner, "f.txt", branch="side").status == 201
    assert owner.get("contents/f.txt").status == 404
    assert owner.get("contents/f.txt?ref=side").status == 200
    missing = put(owner, "f.txt", branch="nope")
    assert (missing.status, missing.message) == (404, "Branch nope not found")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, 'Invalid request.\n\n"content", "message" weren\'t supplied.'),
        ({"message": "m"}, 'Invalid request.\n\n"content" wasn\'t supplied.'),
        ({"message": "m", "content": "%%%"}, "content is not valid Base64"),
        ({"message": "m", "content": "abc"}, "content is not valid Base64"),
        ({"message": 1, "content": ""}, "Invalid request.\n\nFor 'properties/message', 1 is not"),
    ],
    ids=["nothing", "no content", "no base64", "base64 cut short", "a number"],
)
def test_a_malformed_write_is_refused(owner: Api, body: dict[str, Any], message: str) -> None:
    before = head(owner)
    answer = owner.put("contents/f.txt", body)
    assert answer.status == 422
    assert answer.message.startswith(message)
    assert head(owner) == before


@pytest.mark.parametrize(
    "path",
    ["../x", "a/../x", "a/./x", "a//x", ".git/config", "a/.GIT/x", "git~1/x", "x%00y", ".git./x"],
)
def test_a_hostile_path_is_refused(owner: Api, path: str) -> None:
    answer = put(owner, path)
    assert answer.status == 422
    assert answer.message == "path contains a malformed path component"


def test_a_file_is_not_written_below_a_file_nor_over_a_directory(owner: Api) -> None:
    put(owner, "a/b")
    assert put(owner, "a/b/c").status == 422
    tree = next(item["sha"] for item in owner.get("contents").json() if item["name"] == "a")
    assert put(owner, "a").message == 'Invalid request.\n\n"sha" wasn\'t supplied.'
    assert put(owner, "a", sha=tree).status == 422


def test_a_file_is_removed_with_body_or_query_parameters(owner: Api) -> None:
    one = put(owner, "d/one").json()["content"]["sha"]
    two = put(owner, "d/two", b"2").json()["content"]["sha"]
    answer = owner.delete("contents/d/one", {"message": "Away", "sha": one})
    assert answer.status == 200
    assert answer.json()["content"] is None
    assert answer.json()["commit"]["message"] == "Away"
    assert owner.get("contents/d/one").status == 404
    assert owner.delete(f"contents/d/two?message=Away+too&sha={two}").status == 200
    assert owner.get("contents/d").status == 404


def test_a_removal_is_refused_like_an_update(owner: Api) -> None:
    put(owner, "f.txt")
    assert owner.delete("contents/f.txt", {"message": "m"}).status == 422
    assert owner.delete("contents/f.txt", {"message": "m", "sha": "0" * 40}).status == 409
    assert owner.delete("contents/nope", {"message": "m", "sha": "0" * 40}).status == 404


def test_the_last_file_may_go(owner: Api) -> None:
    sha = owner.get("contents/README.md").json()["sha"]
    assert owner.delete("contents/README.md", {"message": "m", "sha": sha}).status == 200
    assert owner.get("contents").json() == []


def test_a_reader_may_not_write(owner: Api) -> None:
    assert put(owner.as_("stranger"), "f.txt").status == 404
    assert put(owner.as_(None), "f.txt").status == 401


# races ------------------------------------------------------------------------------------------


def test_a_lost_race_is_a_409_and_keeps_what_the_winner_wrote(owner: Api) -> None:
    before = head(owner)
    owner.github.faults.add("lost_race", match="PUT /repos/owner/status/contents", count=1)
    lost = put(owner, "f.txt")
    now = head(owner)
    assert lost.status == 409
    assert lost.message == f"refs/heads/main is at {now} but expected {before}"
    assert lost.json()["documentation_url"].endswith("#create-or-update-file-contents")
    assert owner.get("contents/f.txt").status == 404
    assert owner.get("contents/another-writer.txt").status == 200
    assert put(owner, "f.txt").status == 201
    assert owner.get("contents/another-writer.txt").status == 200


def test_a_first_file_may_lose_its_race_too(github: EmbeddedGitHub, owner: Api) -> None:
    github.create_repository("owner/new")
    github.faults.add("lost_race", count=1)
    body = {"message": "m", "content": ""}
    assert owner.put("/repos/owner/new/contents/a.txt", body).status == 409
    assert owner.put("/repos/owner/new/contents/a.txt", body).status == 201


def test_writers_at_the_same_time_lose_nothing(github: EmbeddedGitHub, owner: Api) -> None:
    from .conftest import Api

    def write(name: str) -> None:
        api = Api(github, "owner")
        for number in range(5):
            assert put(api, f"{name}/{number}").status == 201
        api.close()

    threads = [threading.Thread(target=write, args=(f"w{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tree = owner.get("git/trees/main?recursive=1").json()["tree"]
    assert sum(1 for entry in tree if entry["type"] == "blob") == 1 + 4 * 5


# a person with git ------------------------------------------------------------------------------


def git(*words: str | Path, at: Path) -> str:
    """Git's own answer; it fails the test when git fails."""
    who = {"NAME": "Bob", "EMAIL": "bob@example.org"}
    people = {f"GIT_{role}_{part}": who[part] for role in ("AUTHOR", "COMMITTER") for part in who}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(at),
        "GIT_CONFIG_NOSYSTEM": "1",
        **people,
    }
    done = subprocess.run(
        ["git", *map(str, words)], cwd=at, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_person_clones_and_pushes_while_the_server_runs(
    github: EmbeddedGitHub, owner: Api, tmp_path: Path
) -> None:
    tag = owner.get("contents/README.md").headers["etag"]
    put(owner, "from-api.txt")
    git("clone", "-q", github.git_path("owner/status"), "copy", at=tmp_path)
    copy = tmp_path / "copy"
    assert (copy / "from-api.txt").read_bytes() == b"hello"
    (copy / "README.md").write_text("# Changed by hand\n")
    git("commit", "-qam", "By hand", at=copy)
    git("push", "-q", "origin", "HEAD:main", at=copy)
    changed = owner.get("contents/README.md", headers={"If-None-Match": tag})
    assert changed.status == 200
    assert base64.b64decode(changed.json()["content"]) == b"# Changed by hand\n"
    assert owner.get("commits").json()[0]["commit"]["author"]["name"] == "Bob"
    assert owner.get("commits").json()[0]["author"] is None
    git("gc", "-q", "--prune=now", at=github.git_path("owner/status"))
    made = put(owner, "README.md", b"again", sha=changed.json()["sha"])
    assert made.status == 200
    git("pull", "-q", "origin", "main", at=copy)
    assert git("rev-parse", "HEAD", at=copy) == made.json()["commit"]["sha"]
