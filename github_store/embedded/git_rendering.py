"""Commits, trees, blobs, refs and files as GitHub's JSON; keys and order follow recordings."""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import quote

from dulwich.objects import Commit

from .git_repository import GitRepository
from .git_trees import SUBMODULE, Entry
from .hub import Hub
from .rendering import Json, api_url, html_url, iso, node_id
from .rows import Repository, User

SYMLINK: Final = 0o120000
LARGEST_IN_JSON: Final = 1024 * 1024
NOREPLY: Final = "users.noreply.github.com"
_NOREPLY_ADDRESS: Final = re.compile(rf"(?:\d+\+)?([^@]+)@{re.escape(NOREPLY)}")
UNSIGNED: Final = {
    "verified": False,
    "reason": "unsigned",
    "signature": None,
    "payload": None,
    "verified_at": None,
}
_PERSON: Final = re.compile(rb"(?P<name>[^<]*)<(?P<email>[^>]*)>")


def email_of(user: User) -> str:
    return f"{user.id}+{user.login}@{NOREPLY}"


def wrapped_base64(data: bytes) -> str:
    """As GitHub wraps it: lines of 60 characters, each with a line feed at its end."""
    text = base64.b64encode(data).decode()
    return "".join(f"{text[start : start + 60]}\n" for start in range(0, len(text), 60))


def quoted(path: str) -> str:
    return quote(path, safe="/")


def _decoded(text: bytes) -> str:
    return text.decode(errors="replace")


def person_json(line: bytes, at: int) -> Json:
    found = _PERSON.match(line)
    name, email = (found["name"], found["email"]) if found else (line, b"")
    return {"name": _decoded(name).strip(), "email": _decoded(email), "date": iso(at)}


class GitRendering:
    """For the files of one repository."""

    def __init__(self, hub: Hub, repository: Repository) -> None:
        self._hub = hub
        self._repository = repository
        self._home = api_url(hub.base_url, repository)
        self._page = html_url(hub.base_url, repository)

    # git data -------------------------------------------------------------------------------

    def git_url(self, kind: str, sha: str) -> str:
        return f"{self._home}/git/{kind}s/{sha}"

    def git_commit(self, sha: str, commit: Commit) -> Json:
        return {
            "sha": sha,
            "node_id": node_id("C", self._repository.id, sha),
            "url": self.git_url("commit", sha),
            "html_url": f"{self._page}/commit/{sha}",
            "author": person_json(commit.author, commit.author_time),
            "committer": person_json(commit.committer, commit.commit_time),
            "tree": {
                "sha": commit.tree.decode(),
                "url": self.git_url("tree", commit.tree.decode()),
            },
            "message": _decoded(commit.message),
            "parents": [
                {
                    "sha": parent.decode(),
                    "url": self.git_url("commit", parent.decode()),
                    "html_url": f"{self._page}/commit/{parent.decode()}",
                }
                for parent in commit.parents
            ],
            "verification": UNSIGNED,
        }

    def commit(self, sha: str, commit: Commit) -> Json:
        """As the commit list and a branch show it."""
        url = f"{self._home}/commits/{sha}"
        bare = self.git_commit(sha, commit)
        return {
            "sha": sha,
            "node_id": bare["node_id"],
            "commit": {
                "author": bare["author"],
                "committer": bare["committer"],
                "message": bare["message"],
                "tree": bare["tree"],
                "url": bare["url"],
                "comment_count": 0,
                "verification": UNSIGNED,
            },
            "url": url,
            "html_url": bare["html_url"],
            "comments_url": f"{url}/comments",
            "author": self.account(bare["author"]),
            "committer": self.account(bare["committer"]),
            "parents": [
                {**parent, "url": f"{self._home}/commits/{parent['sha']}"}
                for parent in bare["parents"]
            ],
        }

    def account(self, person: Json) -> Json | None:
        """The user whose address a commit bears."""
        login = self.login(person)
        return self._hub.user(login) if login else None

    def login(self, person: Json) -> str | None:
        found = _NOREPLY_ADDRESS.fullmatch(person["email"])
        user = self._hub.accounts.find(found[1]) if found else None
        return user.login if user else None

    def ref(self, name: str, sha: str, kind: str) -> Json:
        return {
            "ref": name,
            "node_id": node_id("REF", self._repository.id, name),
            "url": f"{self._home}/git/{quoted(name)}",
            "object": {"sha": sha, "type": kind, "url": self.git_url(kind, sha)},
        }

    def tree(self, sha: str, entries: list[Entry], *, truncated: bool = False) -> Json:
        return {
            "sha": sha,
            "url": self.git_url("tree", sha),
            "tree": [self._tree_entry(entry) for entry in entries],
            "truncated": truncated,
        }

    def _tree_entry(self, entry: Entry) -> Json:
        shown: Json = {
            "path": entry.path,
            "mode": f"{entry.mode:06o}",
            "type": entry.kind,
            "sha": entry.sha,
        }
        if entry.size is not None:
            shown["size"] = entry.size
        if entry.kind != "commit":
            shown["url"] = self.git_url(entry.kind, entry.sha)
        return shown

    def blob(self, sha: str, data: bytes) -> Json:
        return {
            "sha": sha,
            "node_id": node_id("B", self._repository.id, sha),
            "size": len(data),
            "url": self.git_url("blob", sha),
            "content": wrapped_base64(data),
            "encoding": "base64",
        }

    # contents -------------------------------------------------------------------------------

    def contents(self, entry: Entry, ref: str) -> Json:
        """A file or directory without what is in it, as listings and writes show it."""
        kind = _contents_kind(entry)
        url = f"{self._home}/contents/{quoted(entry.path)}?ref={quote(ref, safe='/')}"
        page = "tree" if entry.kind == "tree" else "blob"
        place = f"{quote(ref, safe='/')}/{quoted(entry.path)}"
        html = f"{self._page}/{page}/{place}".rstrip("/")
        git = None if kind == "submodule" else self.git_url(entry.kind, entry.sha)
        has_bytes = entry.kind == "blob"
        download = f"{self._hub.base_url}/raw/{self._repository.full_name}/{place}"
        return {
            "name": entry.name,
            "path": entry.path,
            "sha": entry.sha,
            "size": entry.size or 0,
            "url": url,
            "html_url": html,
            "git_url": git,
            "download_url": download if has_bytes else None,
            "type": kind,
            "_links": {"self": url, "git": git, "html": html},
        }

    def file(self, store: GitRepository, entry: Entry, ref: str) -> Json:
        """A file with its content: in base64 up to 1 MB, without above."""
        shown = self.contents(entry, ref)
        links = shown.pop("_links")
        data = store.blob(entry.sha) or b""
        if shown["type"] == "symlink":
            return {**shown, "target": _decoded(data), "_links": links}
        if shown["type"] == "submodule":
            return {**shown, "submodule_git_url": None, "_links": links}
        small = len(data) <= LARGEST_IN_JSON
        return {
            **shown,
            "content": wrapped_base64(data) if small else "",
            "encoding": "base64" if small else "none",
            "_links": links,
        }


def _contents_kind(entry: Entry) -> str:
    if entry.kind == "tree":
        return "dir"
    if entry.mode == SUBMODULE:
        return "submodule"
    return "symlink" if entry.mode == SYMLINK else "file"
