"""As whom this service wrote to the repository, remembered across restarts.

A token of an App's installation, or of a workflow, may not ask GitHub whose it is. It shows with
the first write, and would be forgotten with the process. So it is kept in ``own-logins.json`` in
the data directory, with a fingerprint of the credential: an HMAC made with the secret of this
directory (``key-secret``), from which nobody can tell the credential.

Whom GitHub named as the author of what it had just taken from this service goes in here, and nobody
else: no text that somebody else can write is a reason. A file that cannot be read is no memory; a
disk that fails is said in the log.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from pathlib import Path
from typing import Final

from github_store.private_files import write_private_file
from github_store.seal import digest

log = logging.getLogger(__name__)

FILE: Final = "own-logins.json"
VERSION: Final = 2
"""1 had no checksum."""
MOST: Final = 20
"""So many are remembered, the latest. An installation's tokens are new every hour, its login
stays."""


class OwnLogins:
    """Of one repository and one credential; ``secret`` is the directory's own."""

    def __init__(self, directory: Path, *, secret: bytes, credential: str) -> None:
        self._path = directory / FILE
        self._secret = secret.hex()
        self._credential = hmac.new(secret, credential.encode(), hashlib.sha256).hexdigest()
        self._by_login = self._read()

    @property
    def own(self) -> str | None:
        """The login of this very credential, None while it is not known."""
        logins = [login for login, mark in self._by_login.items() if mark == self._credential]
        return logins[-1] if logins else None

    @property
    def ever(self) -> frozenset[str]:
        """As whom this service has written here, with whatever credential."""
        return frozenset(self._by_login)

    def learn(self, login: str) -> None:
        """This credential writes as ``login``; kept on disk on return, if the disk allows."""
        if self.own == login:
            return
        self._by_login.pop(login, None)
        self._by_login[login] = self._credential
        while len(self._by_login) > MOST:
            del self._by_login[next(iter(self._by_login))]
        noted = {
            "version": VERSION,
            "credentials": self._by_login,
            "checksum": self._checksum(self._by_login),
        }
        try:
            write_private_file(self._path, json.dumps(noted, indent=2).encode())
        except OSError as error:
            log.warning("as whom this service writes is not remembered: %s", error)

    def _checksum(self, credentials: dict[str, str]) -> str:
        """A login that changed by a bit would be a stranger's, and be believed."""
        return digest("own-logins", json.dumps(credentials).encode(), key=self._secret)

    def _read(self) -> dict[str, str]:
        try:
            data = json.loads(self._path.read_bytes())
            found = data["credentials"]
            if data["version"] != 1 and data["checksum"] != self._checksum(found):
                raise ValueError("its checksum fails")  # noqa: TRY301
            return {str(login): str(mark) for login, mark in found.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("as whom this service wrote before cannot be read: %s", error)
            return {}
