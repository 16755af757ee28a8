"""Bare repositories on disk, with git itself as the other program that reads and writes them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from github_store.embedded.git_names import is_sound_path, is_sound_ref
from github_store.embedded.git_objects import Person
from github_store.embedded.git_repository import GitRepository
from github_store.embedded.git_store import GitStore
from github_store.embedded.git_trees import FILE, Change
from github_store.embedded.rows import Repository

REPOSITORY = Repository(1, "owner", "status", False, True, 0, 0, 0)
MAIN = "refs/heads/main"
ANN = Person("Ann", "ann@example.org", 1_777_600_000)


def git(*words: str | Path, at: Path) -> str:
    """Git's own answer; it fails the test when git fails."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(at),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Bob",
        "GIT_AUTHOR_EMAIL": "bob@example.org",
        "GIT_COMMITTER_NAME": "Bob",
        "GIT_COMMITTER_EMAIL": "bob@example.org",
    }
    done = subprocess.run(
        ["git", *map(str, words)], cwd=at, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[GitStore]:
    store = GitStore(tmp_path / "git")
    store.create(REPOSITORY)
    yield store
    store.close()


@pytest.fixture
def repository(store: GitStore) -> GitRepository:
    return store.open(REPOSITORY)


def test_a_creation_that_was_cut_off_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    half_made = tmp_path / "git" / "owner" / "status.draft"
    (half_made / "objects" / "pack").mkdir(parents=True)
    store = GitStore(tmp_path / "git")
    store.create(REPOSITORY)
    assert not half_made.exists()
    assert git("rev-parse", "--is-bare-repository", at=store.path(REPOSITORY)) == "true"
    store.close()


def commit(repository: GitRepository, files: dict[str, bytes | None], *, ref: str = MAIN) -> str:
    """Files set, or removed for None, in one commit on a branch."""
    before = repository.ref(ref)
    changes = {
        path: None if data is None else (FILE, repository.add_blob(data))
        for path, data in files.items()
    }
    tree = repository.with_changes(repository.tree_id(before) if before else None, changes)
    made = repository.add_commit(tree, [before] if before else [], "Change", ANN, ANN)
    assert repository.move(ref, before, made)
    return made


def paths(repository: GitRepository, sha: str) -> list[str]:
    tree = repository.tree_id(sha)
    assert tree is not None
    return [entry.path for entry in repository.all_entries(tree) if entry.kind == "blob"]


# git reads what we write ------------------------------------------------------------------------


def test_anybody_can_clone_what_was_committed(
    store: GitStore, repository: GitRepository, tmp_path: Path
) -> None:
    commit(repository, {"README.md": b"hello\n", "data/\u00fc \U0001f525.json": b"{}"})
    head = commit(repository, {"README.md": b"hello again\n"})
    git("clone", "-q", store.path(REPOSITORY), "copy", at=tmp_path)
    copy = tmp_path / "copy"
    assert git("rev-parse", "HEAD", at=copy) == head
    assert (copy / "README.md").read_bytes() == b"hello again\n"
    assert (copy / "data/\u00fc \U0001f525.json").read_bytes() == b"{}"
    assert git("log", "--format=%an <%ae> %at", "-1", at=copy) == (
        "Ann <ann@example.org> 1777600000"
    )


def test_git_finds_nothing_wrong_with_what_was_written(
    store: GitStore, repository: GitRepository, tmp_path: Path
) -> None:
    names = {f"{name}/{name}.{kind}": b"x" for name in ("a", "a.b", "a-b") for kind in "xy"}
    commit(repository, {**names, "a0": b"", "empty": b""})
    commit(repository, {"a0": None, "a/a.x": None})
    bare = store.path(REPOSITORY)
    checked = git("fsck", "--strict", "--full", at=bare)
    assert "error" not in checked
    modes = {line.split()[0] for line in git("ls-tree", "-r", "-t", "main", at=bare).splitlines()}
    assert modes == {"040000", "100644"}


# we read what git writes ------------------------------------------------------------------------


def test_a_push_from_outside_is_seen_at_once(
    store: GitStore, repository: GitRepository, tmp_path: Path
) -> None:
    mine = commit(repository, {"README.md": b"1"})
    git("clone", "-q", store.path(REPOSITORY), "copy", at=tmp_path)
    copy = tmp_path / "copy"
    (copy / "theirs").write_text("2")
    git("add", ".", at=copy)
    git("commit", "-qm", "Theirs", at=copy)
    git("push", "-q", "origin", "HEAD:main", "HEAD:refs/heads/side", at=copy)
    theirs = git("rev-parse", "HEAD", at=copy)
    assert repository.ref(MAIN) == theirs
    assert repository.refs() == {MAIN: theirs, "refs/heads/side": theirs}
    assert paths(repository, theirs) == ["README.md", "theirs"]
    assert repository.history.contains(theirs, mine)
    late = repository.add_commit(repository.tree_id(mine) or "", [mine], "Late", ANN, ANN)
    assert not repository.move(MAIN, mine, late)
    assert repository.ref(MAIN) == theirs
    last = commit(repository, {"ours": b"3"})
    git("pull", "-q", "origin", "main", at=copy)
    assert git("rev-parse", "HEAD", at=copy) == last


def test_every_move_of_a_ref_is_dated_also_one_from_outside(
    store: GitStore, repository: GitRepository
) -> None:
    bare = store.path(REPOSITORY)
    first = commit(repository, {"a": b"1"})

    def long_ago() -> int:
        for place in (bare, *bare.rglob("*")):
            os.utime(place, (1000, 1000))
        return repository.changed_at()

    assert long_ago() == 1000
    git("update-ref", "refs/heads/side", first, at=bare)
    assert repository.changed_at() > 1000
    assert long_ago() == 1000
    git("update-ref", "-d", "refs/heads/side", at=bare)
    assert repository.changed_at() > 1000
    assert long_ago() == 1000
    commit(repository, {"a": b"2"})
    assert repository.changed_at() > 1000


def test_packed_refs_are_read_moved_and_removed(store: GitStore, repository: GitRepository) -> None:
    first = commit(repository, {"a": b"1"})
    assert repository.move("refs/heads/side", None, first)
    bare = store.path(REPOSITORY)
    git("pack-refs", "--all", at=bare)
    assert not (bare / MAIN).exists()
    assert repository.refs() == {MAIN: first, "refs/heads/side": first}
    assert not repository.move("refs/heads/side", None, first)
    second = commit(repository, {"a": b"2"})
    assert repository.ref(MAIN) == second
    assert not repository.delete_ref("refs/heads/side", second)
    assert repository.delete_ref("refs/heads/side", first)
    assert repository.ref("refs/heads/side") is None
    git("pack-refs", "--all", at=bare)
    assert repository.refs() == {MAIN: second}


def test_gc_from_outside_breaks_neither_reading_nor_writing(
    store: GitStore, repository: GitRepository
) -> None:
    bare = store.path(REPOSITORY)
    shas = [commit(repository, {"a": f"{number}".encode()}) for number in range(5)]
    for round_number in range(3):
        git("gc", "-q", "--prune=now", at=bare)
        assert not list((bare / "objects").glob("[0-9a-f][0-9a-f]/*"))
        assert repository.ref(MAIN) == shas[-1]
        assert all(repository.commit(sha) is not None for sha in shas)
        entry = repository.find(repository.tree_id(shas[-1]) or "", "a")
        assert entry is not None
        assert repository.blob(entry.sha) is not None
        shas.append(commit(repository, {"a": f"after {round_number}".encode()}))
    assert git("rev-list", "--count", "main", at=bare) == str(len(shas))
    git("fsck", "--strict", at=bare)


def test_gc_while_others_read_loses_no_object(store: GitStore, repository: GitRepository) -> None:
    bare = store.path(REPOSITORY)
    shas = [commit(repository, {"a": f"{number}".encode()}) for number in range(30)]
    running = subprocess.Popen(["git", "gc", "-q", "--prune=now"], cwd=bare)
    try:
        reads = 0
        while running.poll() is None or reads < 60:
            assert repository.commit(shas[reads % 30]) is not None
            assert repository.ref(MAIN) == shas[-1]
            reads += 1
    finally:
        running.wait()


def test_an_annotated_tag_stands_for_its_commit(store: GitStore, repository: GitRepository) -> None:
    head = commit(repository, {"a": b"1"})
    git("tag", "-a", "-m", "One", "v1", "main", at=store.path(REPOSITORY))
    tag = repository.ref("refs/tags/v1")
    assert tag is not None
    assert repository.kind(tag) == "tag"
    assert repository.commit_named("v1") == head
    assert repository.tree_id(tag) == repository.tree_id(head)


# what a killed process leaves -------------------------------------------------------------------


def test_a_dead_lock_on_a_ref_is_broken_and_a_living_one_respected(
    store: GitStore, repository: GitRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("github_store.embedded.git_repository.LOCK_PATIENCE_SECONDS", 0.02)
    first = commit(repository, {"a": b"1"})
    lock = store.path(REPOSITORY) / f"{MAIN}.lock"
    lock.touch()
    tree = repository.tree_id(first) or ""
    second = repository.add_commit(tree, [first], "Second", ANN, ANN)
    assert not repository.move(MAIN, first, second)
    assert lock.exists()
    long_ago = time.time() - 60
    os.utime(lock, (long_ago, long_ago))
    assert repository.move(MAIN, first, second)
    assert repository.ref(MAIN) == second
    assert not lock.exists()


def test_a_lock_left_on_an_object_does_not_stop_its_next_writer(
    store: GitStore, repository: GitRepository
) -> None:
    sha = repository.add_blob(b"once")
    path = store.path(REPOSITORY) / "objects" / sha[:2] / sha[2:]
    path.unlink()
    path.with_name(f"{path.name}.lock").touch()
    assert repository.add_blob(b"once") == sha
    assert repository.blob(sha) == b"once"


def test_objects_are_synced_before_the_ref_that_needs_them(
    repository: GitRepository, store: GitStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, bool]] = []
    bare = store.path(REPOSITORY)

    def sync(path: Path) -> None:
        seen.append((str(path.relative_to(bare)), (bare / MAIN).exists()))

    monkeypatch.setattr("github_store.embedded.git_objects._sync", sync)
    head = commit(repository, {"a": b"1"})
    wanted = {head, repository.tree_id(head) or ""}
    assert {f"objects/{sha[:2]}/{sha[2:]}" for sha in wanted} <= {path for path, _ in seen}
    assert ("objects", False) in seen
    assert not any(ref_was_there for _, ref_was_there in seen)


# trees ------------------------------------------------------------------------------------------


def test_changes_between_trees_name_every_file_that_differs(repository: GitRepository) -> None:
    first = commit(repository, {"a/b": b"1", "a/c": b"2", "d": b"3", "e": b"same"})
    second = commit(repository, {"a/b": b"new", "a/c": None, "d": None, "d/x": b"4"})
    before, after = repository.tree_id(first), repository.tree_id(second)
    changes = list(repository.changes(before, after))
    assert [(change.path, change.before is None, change.after is None) for change in changes] == [
        ("a/b", False, False),
        ("a/c", False, True),
        ("d", False, True),
        ("d/x", True, False),
    ]
    assert list(repository.changes(after, after)) == []
    back = {(change.path, change.after, change.before) for change in changes}
    assert {
        (change.path, change.before, change.after) for change in repository.changes(after, before)
    } == back
    assert all(isinstance(change, Change) for change in changes)


def test_what_is_not_there_cannot_be_removed(repository: GitRepository) -> None:
    head = commit(repository, {"a/b": b"1"})
    tree = repository.tree_id(head)
    for path in ("x", "a/x", "x/y", "a/b/c"):
        with pytest.raises(KeyError):
            repository.with_changes(tree, {path: None})


NAMES = st.sampled_from(["a", "b", "a.b", "a-", "0"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=4), max_size=6).filter(
    lambda files: not any(other.startswith(f"{path}/") for path in files for other in files)
)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(before=FILES, after=FILES)
def test_a_tree_holds_just_the_files_that_were_set_and_not_removed(
    repository: GitRepository, before: dict[str, bytes], after: dict[str, bytes]
) -> None:
    def put(tree: str | None, files: dict[str, bytes | None]) -> str:
        return repository.with_changes(
            tree,
            {
                path: None if data is None else (FILE, repository.add_blob(data))
                for path, data in files.items()
            },
        )

    first = put(None, dict(before))
    gone: dict[str, bytes | None] = dict.fromkeys(before.keys() - after.keys())
    # Removed first: a file may become a directory, and the other way round.
    second = put(put(first, gone), dict(after))
    assert second == put(None, dict(after))
    read = {
        entry.path: repository.blob(entry.sha)
        for entry in repository.all_entries(second)
        if entry.kind == "blob"
    }
    assert read == after


# history ----------------------------------------------------------------------------------------


def test_a_merge_brings_the_commits_of_both_sides(repository: GitRepository) -> None:
    root = commit(repository, {"a": b"1"})
    left = commit(repository, {"left": b"1"})
    assert repository.move("refs/heads/side", None, root)
    right = commit(repository, {"right": b"1"}, ref="refs/heads/side")
    tree = repository.tree_id(left) or ""
    merge = repository.add_commit(tree, [left, right], "Merge", ANN, ANN)
    history = repository.history
    assert history.contains(merge, right)
    assert not history.contains(left, right)
    assert history.ancestors(merge) == {root, left, right, merge}
    assert set(history.between([left], merge, at_most=9)) == {right, merge}
    assert history.between([left], merge, at_most=9)[-1] == merge
    assert history.between([root], left, at_most=9) == [left]
    assert len(history.between([], merge, at_most=2)) == 2
    assert [sha for sha, _ in history.newest_first(merge)][-1] == root


# the store --------------------------------------------------------------------------------------


def test_a_repository_is_kept_over_a_restart_a_rename_and_until_it_is_removed(
    tmp_path: Path,
) -> None:
    renamed = Repository(1, "owner", "new-name", False, True, 0, 0, 0)
    store = GitStore(tmp_path / "git")
    store.create(REPOSITORY)
    head = commit(store.open(REPOSITORY), {"a": b"1"})
    store.close()
    again = GitStore(tmp_path / "git")
    again.create(REPOSITORY)
    assert again.open(REPOSITORY).ref(MAIN) == head
    again.rename(REPOSITORY, renamed)
    assert again.open(renamed).ref(MAIN) == head
    assert not again.path(REPOSITORY).exists()
    again.remove(renamed)
    assert not again.path(renamed).exists()
    again.close()


# names ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "a/../b",
        "./a",
        ".git",
        ".GIT/config",
        "a/.git/b",
        ".git./x",
        ".git /x",
        "GIT~1/x",
        ".git::$INDEX_ALLOCATION/x",
        ".g\u200cit/x",
        "a\0b",
        "x" * 5000,
    ],
)
def test_a_path_that_could_harm_is_unsound(path: str) -> None:
    assert not is_sound_path(path)


@pytest.mark.parametrize(
    "path", ["a", "a/b", ".gitignore", ".github/workflows/x.yml", "a b", "...", "\u00fc", "git~12"]
)
def test_other_paths_are_sound(path: str) -> None:
    assert is_sound_path(path)


@given(
    st.text(alphabet="ab./\\ ~^:?*[@{}-\x01\x7f\u00fc", max_size=12)
    | st.sampled_from(["heads/x.lock", "heads/.x", "heads/a@{b", "heads/a..b", "heads/a."])
)
@settings(max_examples=60, deadline=None)
def test_a_sound_ref_is_what_git_takes_for_one(name: str) -> None:
    full = f"refs/{name}"
    done = subprocess.run(["git", "check-ref-format", full], check=False)
    # GitHub wants two slashes where git is content with one.
    assert is_sound_ref(full) == (done.returncode == 0 and full.count("/") >= 2)
