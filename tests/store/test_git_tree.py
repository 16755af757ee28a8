"""Blobs and trees as GitHub's API tells and takes them."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from github_store.git_tree import blob_sha, files_in, tree_change

OLD, NEW = b"old\n", b"new\n"
BASE = {"a.json": blob_sha(OLD), "history/b.json": blob_sha(b"b\n")}
PATHS = st.sampled_from(["a", "b", "c/d", "c/e"])
CONTENTS = st.sampled_from([b"", b"1", b"2\n", "ü".encode(), b'"' * 40])


def entries(
    changes: dict[str, bytes | None], *, base: dict[str, str] = BASE, inline_bytes: int = 1_000
) -> dict[str, str | None]:
    """What is sent about each path: its content, or its sha (None removes)."""
    change = tree_change(base, changes, inline_bytes=inline_bytes)
    for entry in change.entries:
        assert (entry["mode"], entry["type"]) == ("100644", "blob")
    return {entry["path"]: entry.get("content", entry.get("sha")) for entry in change.entries}


@pytest.mark.parametrize(
    ("content", "sha"),
    [
        pytest.param(b"", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", id="nothing"),
        pytest.param(b"hello\n", "ce013625030ba8dba906f756967f9e9ca394464a", id="a line"),
    ],
)
def test_a_content_has_the_name_that_git_gives_it(content: bytes, sha: str) -> None:
    assert blob_sha(content) == sha


@pytest.mark.skipif(shutil.which("git") is None, reason="compares with git itself")
def test_git_itself_agrees() -> None:
    content = '{\n"earth ü": 1\n}\n'.encode()
    told = subprocess.run(
        ["git", "hash-object", "--stdin"], input=content, capture_output=True, check=True
    )
    assert told.stdout.decode().strip() == blob_sha(content)


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"a.json": OLD}, {}, id="what is there already"),
        pytest.param({"gone.json": None}, {}, id="removing what is not there"),
        pytest.param({"a.json": NEW}, {"a.json": "new\n"}, id="another content"),
        pytest.param({"new.json": NEW}, {"new.json": "new\n"}, id="a new file"),
        pytest.param({"empty": b""}, {"empty": ""}, id="an empty file"),
        pytest.param({"a.json": None}, {"a.json": None}, id="removing"),
        pytest.param({"copy": OLD}, {"copy": blob_sha(OLD)}, id="a copy goes by its name"),
        pytest.param(
            {"z": NEW, "a.json": None, "b": b"1"},
            {"a.json": None, "b": "1", "z": "new\n"},
            id="several, by path",
        ),
    ],
)
def test_only_what_changes_something_is_sent(
    changes: dict[str, bytes | None], sent: dict[str, str | None]
) -> None:
    found = entries(changes)
    assert found == sent
    assert list(found) == list(sent)


def test_what_does_not_fit_travels_before_the_tree_the_largest_first() -> None:
    changes: dict[str, bytes | None] = {"big": b"B" * 60, "mid": b"M" * 30, "small": b"S"}
    change = tree_change({}, changes, inline_bytes=40)
    assert change.uploads == {blob_sha(b"B" * 60): b"B" * 60}
    sent = entries(changes, base={}, inline_bytes=40)
    assert sent == {"big": blob_sha(b"B" * 60), "mid": "M" * 30, "small": "S"}


def test_the_bound_is_on_what_json_makes_of_a_content() -> None:
    quotes = b'"' * 30
    assert not tree_change({}, {"q": b"x" * 30}, inline_bytes=40).uploads
    assert tree_change({}, {"q": quotes}, inline_bytes=40).uploads


def test_a_content_that_is_no_text_travels_by_itself() -> None:
    change = tree_change({}, {"a": b"\xff", "b": b"b"}, inline_bytes=40)
    assert change.uploads == {blob_sha(b"\xff"): b"\xff"}


@given(
    st.dictionaries(PATHS, CONTENTS),
    st.dictionaries(PATHS, st.none() | CONTENTS),
    st.integers(0, 100),
)
def test_the_files_after_it_are_those_before_with_the_changes(
    before: dict[str, bytes], changes: dict[str, bytes | None], inline_bytes: int
) -> None:
    base = {path: blob_sha(content) for path, content in before.items()}
    change = tree_change(base, changes, inline_bytes=inline_bytes)
    after = {
        path: content for path, content in {**before, **changes}.items() if content is not None
    }
    assert change.files == {path: blob_sha(content) for path, content in after.items()}
    assert bool(change.entries) == (after != before)
    inlined = [json.dumps(entry["content"]) for entry in change.entries if "content" in entry]
    assert sum(map(len, inlined)) <= inline_bytes
    known = {*base.values(), *change.uploads}
    assert all(entry["sha"] in {None, *known} for entry in change.entries if "sha" in entry)


def test_a_listing_gives_ordinary_files_and_nothing_else() -> None:
    listing = {
        "tree": [
            {"path": "a", "mode": "100644", "type": "blob", "sha": "1"},
            {"path": "run", "mode": "100755", "type": "blob", "sha": "2"},
            {"path": "link", "mode": "120000", "type": "blob", "sha": "3"},
            {"path": "module", "mode": "160000", "type": "commit", "sha": "4"},
            {"path": "folder", "mode": "040000", "type": "tree", "sha": "5"},
        ]
    }
    assert dict(files_in(listing, "x/")) == {"x/a": "1", "x/run": "2"}
