"""Git's blobs and trees as GitHub's API tells and takes them. Pure.

Source: git's object format; REST docs, "Git trees".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

FILE_MODE: Final = "100644"
_FILE_MODES: Final = frozenset({FILE_MODE, "100755"})


@dataclass(frozen=True, slots=True)
class TreeChange:
    """What makes one tree of another.

    ``entries`` are those to send; ``uploads`` are contents by sha that have to be blobs before, as
    they would make that request too large; ``files`` is every file of the new tree, by path.
    """

    entries: tuple[Mapping[str, Any], ...]
    uploads: Mapping[str, bytes]
    files: Mapping[str, str]


def blob_sha(content: bytes) -> str:
    """The name git gives a content: SHA-1 of ``blob <length>``, a zero byte, and the content."""
    head = b"blob %d\0" % len(content)
    return hashlib.sha1(head + content, usedforsecurity=False).hexdigest()


def tree_change(
    base: Mapping[str, str], changes: Mapping[str, bytes | None], *, inline_bytes: int
) -> TreeChange:
    """The changes (None removes) to the files ``base`` (shas by path) that change something.

    At most ``inline_bytes`` of contents, as JSON writes them, are within the entries, and none that
    is no UTF-8.
    """
    files = dict(base)
    new: dict[str, bytes] = {}
    entries: dict[str, dict[str, Any]] = {}
    known = set(base.values())
    for path, content in sorted(changes.items()):
        if content is None:
            if files.pop(path, None) is not None:
                entries[path] = _entry(path, sha=None)
            continue
        sha = blob_sha(content)
        if base.get(path) == sha:
            continue
        files[path] = sha
        entries[path] = _entry(path, sha=sha)
        if sha not in known:
            new[path] = content
    inlined = _smallest(new, inline_bytes)
    for path, text in inlined.items():
        del entries[path]["sha"]
        entries[path]["content"] = text
    uploads = {files[path]: content for path, content in new.items() if path not in inlined}
    return TreeChange(tuple(entries.values()), uploads, MappingProxyType(files))


def files_in(listing: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Path and blob's sha of the ordinary files in a tree's listing; no links, no submodules."""
    for entry in listing["tree"]:
        if entry["type"] == "blob" and entry["mode"] in _FILE_MODES:
            yield f"{prefix}{entry['path']}", entry["sha"]


def sizes_in(listing: Mapping[str, Any], *, above: int) -> Iterator[tuple[str, int]]:
    """Sha and bytes of the files that have more, as far as the listing tells."""
    for entry in listing["tree"]:
        size = entry.get("size")
        if entry["type"] == "blob" and isinstance(size, int) and size > above:
            yield entry["sha"], size


def _entry(path: str, *, sha: str | None) -> dict[str, Any]:
    return {"path": path, "mode": FILE_MODE, "type": "blob", "sha": sha}


def _smallest(contents: Mapping[str, bytes], limit: int) -> dict[str, str]:
    """As many of the contents, smallest first, as JSON writes in ``limit`` bytes altogether."""
    texts = {path: text for path, each in contents.items() if (text := _text(each)) is not None}
    sizes = {path: len(json.dumps(text)) for path, text in texts.items()}
    chosen = {}
    total = 0
    for path in sorted(texts, key=lambda each: (sizes[each], each)):
        total += sizes[path]
        if total > limit:
            break
        chosen[path] = texts[path]
    return chosen


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
