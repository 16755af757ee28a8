"""A first start that is under way, noted on disk: one that was cut off is completed by the next."""

from __future__ import annotations

import json
from pathlib import Path

from github_store import ConfigurationError, write_private_file

FILE_NAME = "first-start.json"


class FirstStart:
    """Whether the samples of an embedded repository are still to be written.

    ``begin`` before the repository is made, ``end`` when every sample stands in it. Raises
    ConfigurationError where the directory cannot be used.
    """

    def __init__(self, data_dir: Path, repository: str) -> None:
        self._path = data_dir / FILE_NAME
        self._repository = repository

    def begin(self, *, now: int) -> None:
        """``now`` is seconds since 1970: all samples tell the story of this moment."""
        noted = json.dumps({"repository": self._repository, "began_at": now})
        try:
            write_private_file(self._path, noted.encode())
        except OSError as error:
            raise self._unusable(error) from None

    @property
    def began_at(self) -> int | None:
        """When it began, None when it is over or was another repository's."""
        try:
            noted = json.loads(self._path.read_text())
        except (FileNotFoundError, ValueError):
            return None
        except OSError as error:
            raise self._unusable(error) from None
        match noted:
            case {"repository": self._repository, "began_at": int(began_at)}:
                return began_at
        return None

    def end(self) -> None:
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"DATA_DIR: {self._path} cannot be used: {error.strerror}")
