"""What a start needs to know of GitHub, remembered for one that happens while GitHub is down.

One small JSON file per server and configured repository name, below ``starts`` in DATA_DIR,
written whole or not at all and readable by its owner alone. It holds no credential. A file that
cannot be read or is of something else is no memory; a disk that fails is said in the log.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

from github_store.folder_name import folder_name
from github_store.monitors_file import MonitorsText
from github_store.private_files import make_private_directory, write_private_file
from github_store.seal import digest

log = logging.getLogger(__name__)

DIRECTORY: Final = "starts"
VERSION: Final = 2
"""1 had no checksum."""


@dataclass(frozen=True, slots=True)
class Remembered:
    """What GitHub said at the last start that it answered."""

    repository_key: str
    """The repository's id, or its name on servers that give none."""
    repository_name: str
    """``owner/name`` as GitHub spelled it then."""
    own_login: str
    monitors_path: str
    """The setting MONITORS that the next two belong to."""
    monitors_text: str | None
    """The committed monitors.yaml; None where it was read from this machine's disk."""


class StartMemory:
    """Of one server and one repository as the settings name it."""

    def __init__(self, data_dir: Path, *, server: str, repository_name: str) -> None:
        self._of = {"server": server, "repository": repository_name.casefold()}
        # Names that differ in a sign alone have the same folder name, and not the same digest.
        digest = hashlib.sha256("\n".join(self._of.values()).encode()).hexdigest()[:8]
        name = f"{server}-{folder_name(repository_name)}-{digest}.json"
        self._path = data_dir / DIRECTORY / name

    def recall(self) -> Remembered | None:
        """What is remembered; None where nothing is."""
        try:
            data = json.loads(self._path.read_bytes())
            if data["version"] not in (1, VERSION) or data["of"] != self._of:
                return None
            if data["version"] != 1 and data.pop("checksum") != _checksum(data):
                raise ValueError("its checksum fails")  # noqa: TRY301
            found = Remembered(**{each.name: data[each.name] for each in fields(Remembered)})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("what the last start knew cannot be read (%s): %s", self._path.name, error)
            return None
        texts = (found.repository_key, found.repository_name, found.own_login, found.monitors_path)
        is_whole = all(isinstance(each, str) and each for each in texts)
        is_text = found.monitors_text is None or isinstance(found.monitors_text, str)
        return found if is_whole and is_text else None

    def keep_monitors(self, text: MonitorsText) -> None:
        """Remember another monitors.yaml than the last start read."""
        if (known := self.recall()) and text.is_committed:
            self.keep(replace(known, monitors_text=text.text))

    def keep(self, remembered: Remembered) -> None:
        """Remember this for the next start."""
        content = {"version": VERSION, "of": self._of, **asdict(remembered)}
        content["checksum"] = _checksum(content)
        try:
            make_private_directory(self._path.parent)
            write_private_file(self._path, json.dumps(content, indent=2).encode())
        except OSError as error:
            log.warning("a start while GitHub is down will not be possible: %s", error)


def _checksum(content: dict[str, object]) -> str:
    """The repository's key names the directory of the journal: another one would be opened."""
    return digest("start", json.dumps(content, sort_keys=True).encode())
