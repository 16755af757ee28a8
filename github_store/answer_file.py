"""The SQLite file of kept answers: its layout, and what one transaction of it does.

``answers.sqlite`` in the data directory (``user_version`` 2)::

    answers     path        what was asked, below the API's URL, with its query
                status, headers (those of HEADERS, as JSON), size: of the Reply
                body        its data as JSON, compressed (zlib)
                at          when GitHub last confirmed it, seconds since 1970
                is_search   1 for a search: these go first
                used        the higher the later it was used
                weight      what it counts against the bound, in bytes
                checksum    of path, status, headers, size, body and at

Nothing is synced, and a file that is damaged or has another layout is of no use: DamagedFile.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from github_store.disk_trouble import is_disk_trouble, one_line
from github_store.gateway import Reply
from github_store.held_reads import Held
from github_store.private_files import make_private_directory, make_private_file
from github_store.seal import digest

FILE_NAME: Final = "answers.sqlite"
LAYOUT: Final = 2
LEAST_WEIGHT: Final = 512
"""Every answer weighs at least this many bytes: its path and headers."""
BUSY_SECONDS: Final = 0.2
LOG_BYTES: Final = 4 * 1024 * 1024
HEADERS: Final = frozenset({"etag", "link", "last-modified", "location", "x-moved-to"})

_API: Final = "{api}"
"""Stands for the API's URL in what is kept."""
_SECRET: Final = "temp_clone_token"  # noqa: S105 - the name of a member that GitHub gives
_LAYOUT_SQL: Final = f"""
BEGIN;
CREATE TABLE answers (
    path TEXT PRIMARY KEY,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    size INTEGER NOT NULL,
    at REAL NOT NULL,
    is_search INTEGER NOT NULL,
    used INTEGER NOT NULL,
    weight INTEGER NOT NULL,
    checksum TEXT NOT NULL
);
CREATE INDEX by_use ON answers (is_search DESC, used, weight, path);
PRAGMA user_version = {LAYOUT};
COMMIT;
"""


class DamagedFile(Exception):
    """The file holds nothing that can be used."""


class AnswerFile:
    """Opens (or makes) the file in ``directory``; one thread writes, one at a time reads.

    Every method raises DamagedFile, or OSError or sqlite3.Error where the disk fails.
    """

    def __init__(self, directory: Path, *, api_url: str, max_bytes: int, max_entries: int) -> None:
        self._path = directory / FILE_NAME
        self._api_url = api_url.rstrip("/")
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        make_private_directory(directory)
        make_private_file(self._path)  # its log takes its rights
        self._writer = self._connected()
        self._reader: sqlite3.Connection | None = None
        try:
            self._reader = self._connected()
            self._prepare()
        except BaseException as error:
            self.close()
            raise self._as_damage(error) from error

    @staticmethod
    def delete(directory: Path) -> None:
        """Remove the file and its log. Raises OSError."""
        for suffix in ("", "-wal", "-shm"):
            (directory / f"{FILE_NAME}{suffix}").unlink(missing_ok=True)

    def read(self, path: str) -> Held | None:
        """The answer of a path, None where there is none."""
        assert self._reader is not None
        try:
            row = self._reader.execute(
                "SELECT status, headers, body, size, at, checksum FROM answers WHERE path = ?",
                (self._key(path),),
            ).fetchone()
        except Exception as error:
            raise self._as_damage(error) from error
        if row is None:
            return None
        status, headers, body, size, at, checksum = row
        try:
            if checksum != _checksum(self._key(path), status, headers, body, size, at):
                raise DamagedFile(f"the answer of {path} is damaged")
            data = json.loads(zlib.decompress(body))
            named = {
                name: value.replace(_API, self._api_url)
                for name, value in json.loads(headers).items()
            }
            return Held(Reply(status, named, data, size), at)
        except (AttributeError, TypeError, ValueError, zlib.error) as error:
            raise DamagedFile(f"the answer of {path} is damaged") from error

    def newest(self, pattern: str, *, most: int) -> list[str]:
        """The paths that match a GLOB pattern; what was confirmed last comes first."""
        assert self._reader is not None
        try:
            rows = self._reader.execute(
                "SELECT path FROM answers WHERE path GLOB ? ORDER BY at DESC LIMIT ?",
                (pattern, most),
            ).fetchall()
        except Exception as error:
            raise self._as_damage(error) from error
        return [path for (path,) in rows]

    def write(self, answers: Mapping[str, Held | None], *, used: Collection[str]) -> None:
        """Put answers (None: remove) and note which others were used, all or nothing."""
        db = self._writer
        try:
            db.execute("BEGIN IMMEDIATE")
            self._turn += 1
            for path in used:
                db.execute(
                    "UPDATE answers SET used = ? WHERE path = ?", (self._turn, self._key(path))
                )
            for path, held in answers.items():
                if held is None:
                    self._delete(self._key(path))
                elif not self._renewed(self._key(path), held):
                    self._put(self._key(path), held)
            self._shrink()
            db.execute("COMMIT")
        except BaseException as error:
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise self._as_damage(error) from error

    def close(self) -> None:
        for db in (self._reader, self._writer):
            if db:
                with suppress(sqlite3.Error):
                    db.close()

    def _as_damage(self, error: BaseException) -> BaseException:
        """DamagedFile for what another try would not mend."""
        if isinstance(error, sqlite3.Error) and is_disk_trouble(error, self._path):
            return error
        if isinstance(error, sqlite3.Error | UnicodeDecodeError | MemoryError):
            return DamagedFile(one_line(error))
        return error

    def _connected(self) -> sqlite3.Connection:
        db = sqlite3.connect(
            self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        db.create_function("checksum", 6, _checksum, deterministic=True)
        return db

    def _prepare(self) -> None:
        db = self._writer
        if not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            db.execute("PRAGMA auto_vacuum = FULL")
            db.execute("PRAGMA journal_mode = WAL").fetchone()
            db.executescript(_LAYOUT_SQL)
        layout = db.execute("PRAGMA user_version").fetchone()[0]
        if layout != LAYOUT:
            raise DamagedFile(f"its layout is {layout}, not {LAYOUT}")
        db.execute("PRAGMA synchronous = OFF")
        db.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}").fetchone()
        found = db.execute("SELECT ifnull(max(used), 0) FROM answers").fetchone()
        self._turn = int(found[0])

    def _renewed(self, path: str, held: Held) -> bool:
        """Whether this very answer is there, whole and confirmed by a 304: then only its times
        change."""
        reply = held.reply
        if reply.etag is None:
            return False
        cursor = self._writer.execute(
            "UPDATE answers SET at = ?1, used = ?2,"
            " checksum = checksum(path, status, headers, body, size, ?1)"
            " WHERE path = ?3 AND status = ?4 AND size = ?5 AND headers = ?6"
            " AND checksum = checksum(path, status, headers, body, size, at)",
            (float(held.at), self._turn, path, reply.status, reply.size, self._headers(reply)),
        )
        return cursor.rowcount == 1

    def _put(self, path: str, held: Held) -> None:
        reply = held.reply
        body = zlib.compress(_json(reply.data).encode("utf-8", "surrogatepass"), 1)
        weight = max(LEAST_WEIGHT, len(body))
        if weight > self._max_bytes:
            self._delete(path)
            return
        is_search = path.startswith("/search/")
        row = (path, reply.status, self._headers(reply), body, reply.size, float(held.at))
        self._writer.execute(
            "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, is_search, self._turn, weight, _checksum(*row)),
        )

    def _key(self, path: str) -> str:
        """The address of a next page is given whole, and a server may come back on another."""
        return path.removeprefix(self._api_url)

    def _headers(self, reply: Reply) -> str:
        known = {
            name: value.replace(self._api_url, _API)
            for name, value in reply.headers.items()
            if name in HEADERS
        }
        return json.dumps(known, sort_keys=True)

    def _delete(self, path: str) -> None:
        self._writer.execute("DELETE FROM answers WHERE path = ?", (path,))

    def _shrink(self) -> None:
        db = self._writer
        count, weight = db.execute(
            "SELECT count(*), ifnull(sum(weight), 0) FROM answers"
        ).fetchone()
        if count <= self._max_entries and weight <= self._max_bytes:
            return
        order = db.execute("SELECT path, weight FROM answers ORDER BY is_search DESC, used")
        for path, size in order.fetchall():
            self._delete(path)
            count, weight = count - 1, weight - size
            if count <= self._max_entries and weight <= self._max_bytes:
                return


def _checksum(path: object, status: object, headers: object, body: object, *rest: object) -> str:
    """``rest``: size and at. Of a damaged file they may be anything."""
    content = body if isinstance(body, bytes) else repr(body).encode("utf-8", "backslashreplace")
    named = repr((path, status, headers, *rest)).encode("utf-8", "backslashreplace")
    return digest("answer", b"%b %b" % (named, content))


def _json(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return json.dumps(_without_secret(data)) if _SECRET in text else text


def _without_secret(data: Any) -> Any:
    """GitHub's description of a private repository holds a token to clone it."""
    if isinstance(data, dict):
        return {name: _without_secret(each) for name, each in data.items() if name != _SECRET}
    return [_without_secret(each) for each in data] if isinstance(data, list) else data
