"""Which labels of the repository were ours, remembered across restarts by their ids.

``labels.json`` in the repository's directory below DATA_DIR. A file that cannot be read is no
memory; a disk that fails is said in the log, and renamings are then not known after a restart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from github_store.label_names import KnownLabel, LabelNames
from github_store.private_files import write_private_file

log = logging.getLogger(__name__)

FILE: Final = "labels.json"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class RememberedLabels:
    """``tag_ids``: of the labels of tags, by their keys (``label_key``)."""

    names: LabelNames = field(default_factory=LabelNames)
    tag_ids: Mapping[str, int] = field(default_factory=dict)


class LabelMemory:
    """Of one repository; None as its directory remembers nothing."""

    def __init__(self, directory: Path | None) -> None:
        self._path = directory / FILE if directory else None

    def recall(self) -> RememberedLabels:
        """What is remembered; nothing where nothing is."""
        if self._path is None:
            return RememberedLabels()
        try:
            data = json.loads(self._path.read_bytes())
            if data["version"] != VERSION:
                return RememberedLabels()
            known = {own: _known(each) for own, each in data["labels"].items()}
            ids = {str(key): _id(each) for key, each in data["tags"].items()}
            return RememberedLabels(LabelNames(known), ids)
        except FileNotFoundError:
            return RememberedLabels()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("which labels were ours cannot be read (%s): %s", FILE, error)
            return RememberedLabels()

    def keep(self, names: LabelNames, tag_ids: Mapping[str, int]) -> None:
        """On the disk on return, if the disk allows."""
        if self._path is None:
            return
        labels = {own: asdict(each) for own, each in names.known.items()}
        content = {"version": VERSION, "labels": labels, "tags": dict(tag_ids)}
        try:
            write_private_file(self._path, json.dumps(content, indent=2).encode())
        except OSError as error:
            log.warning("which labels are ours is not remembered: %s", error)


def _known(data: Mapping[str, Any]) -> KnownLabel:
    name, former = data["name"], data["former"]
    if not isinstance(name, str) or not name or not all(isinstance(each, str) for each in former):
        raise TypeError("a label's name is a text")
    return KnownLabel(name, None if data["id"] is None else _id(data["id"]), tuple(former))


def _id(value: object) -> int:
    if type(value) is not int:
        raise TypeError("an id is a whole number")
    return value
