"""Who there is and what each may do: users, tokens, roles.

``embedded.json`` in the data directory holds the API's address and one token for each of the
three built-in users; it is readable by its owner alone. Roles: the owner administrates every
repository, the collaborator writes, anybody else reads what is public; ``set_role`` overrides.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path

from ..private_files import write_private_file
from .rows import Repository, User
from .storage import Storage

BUILT_IN = {"owner": "admin", "collaborator": "write", "stranger": "read"}
ROLES = ("none", "read", "triage", "write", "maintain", "admin")
# GitHub's five roles in the three words that the permission endpoint knows.
COARSE = {"triage": "read", "maintain": "write"}


class Accounts:
    def __init__(self, storage: Storage, data_dir: Path, *, now: int) -> None:
        self._storage = storage
        self._file = data_dir / "embedded.json"
        held = json.loads(self._file.read_text()) if self._file.exists() else {}
        known = held.get("tokens", {})
        self.tokens: Mapping[str, str] = {
            login: known.get(login) or f"embedded_{login}_{secrets.token_hex(20)}"
            for login in BUILT_IN
        }
        self._further: dict[str, str] = {}
        for login in BUILT_IN:
            self.ensure(login, now=now)
        self.record_address(held.get("api_url", ""))

    def record_address(self, api_url: str) -> None:
        """Write ``embedded.json`` anew; whole, or not at all."""
        document = {"api_url": api_url, "tokens": dict(self.tokens)}
        write_private_file(self._file, f"{json.dumps(document, indent=2)}\n".encode())

    def ensure(self, login: str, *, now: int) -> User:
        """The user of that login, made when there is none."""
        found = self.find(login)
        if found is not None:
            return found
        kind = "Bot" if login.endswith("[bot]") else "User"
        self._storage.insert("users", login=login, type=kind, created_at=now)
        made = self.find(login)
        assert made is not None
        return made

    def find(self, login: str) -> User | None:
        row = self._storage.row("SELECT * FROM users WHERE login = ?", login)
        return User(row["id"], row["login"], row["type"], row["created_at"]) if row else None

    def add_token(self, login: str) -> str:
        """A new token for a user there is; it works until this process ends."""
        token = f"embedded_{secrets.token_hex(20)}"
        self._further = {**self._further, token: login}
        return token

    def by_token(self, token: str) -> User | None:
        for login, secret in self.tokens.items():
            if hmac.compare_digest(secret.encode(), token.encode()):
                return self.find(login)
        further = self._further.get(token)
        return self.find(further) if further is not None else None

    def set_role(self, repository: Repository, login: str, role: str) -> None:
        if role not in ROLES:
            raise ValueError(f"{role!r} is none of GitHub's roles: {', '.join(ROLES)}")
        self._storage.execute(
            "INSERT OR REPLACE INTO permissions VALUES (?, ?, ?)", repository.id, login, role
        )

    def fine_role(self, repository: Repository, login: str | None) -> str:
        """One of ROLES; "none" also for a private repository and no right to it."""
        public = "none" if repository.private else "read"
        if login is None:
            return public
        row = self._storage.row(
            "SELECT role FROM permissions WHERE repository_id = ? AND login = ?",
            repository.id,
            login,
        )
        role = str(row["role"]) if row else BUILT_IN.get(login.lower(), "read")
        return public if role in ("none", "read") and not row else role

    def role(self, repository: Repository, login: str | None) -> str:
        """admin, write, read or none."""
        fine = self.fine_role(repository, login)
        return COARSE.get(fine, fine)

    def association(self, repository: Repository, login: str) -> str:
        """``author_association``: what GitHub shows beside a name."""
        fine = self.fine_role(repository, login)
        if fine == "admin":
            return "OWNER"
        return "COLLABORATOR" if fine in ("write", "maintain", "triage") else "NONE"
