"""Which paths and ref names git can keep without harm. Pure.

Source: ``git check-ref-format`` for refs; for paths what git refuses to put into an index, so that
nobody who clones gets a file outside the work tree or inside ``.git``.
"""

from __future__ import annotations

from typing import Final

LONGEST_PATH: Final = 4096
_NOT_IN_REFS: Final = frozenset(" ~^:?*[\\\x7f")


def is_sound_path(path: str) -> bool:
    """Whether a path of names with ``/`` between them can be a file's."""
    if not path or "\0" in path or len(path.encode()) > LONGEST_PATH:
        return False
    return all(_is_sound_name(name) for name in path.split("/"))


def _is_sound_name(name: str) -> bool:
    # Windows drops trailing dots and spaces and knows .git as git~1; macOS ignores some characters.
    plain = "".join(char for char in name if char not in _IGNORED_ON_MACOS)
    bare = plain.casefold().partition(":")[0].rstrip(". ")
    return name not in ("", ".", "..") and bare not in (".git", "git~1")


_IGNORED_ON_MACOS: Final = frozenset(
    map(chr, (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF))
)


def is_sound_ref(name: str) -> bool:
    """Whether a full name (``refs/heads/main``) can be a ref's; it has at least two slashes."""
    parts = name.split("/")
    return (
        len(parts) >= 3
        and parts[0] == "refs"
        and len(name.encode()) <= 255
        and all(part and part[0] != "." and not part.endswith(".lock") for part in parts)
        and not name.endswith(".")
        and ".." not in name
        and "@{" not in name
        and all(char >= " " and char not in _NOT_IN_REFS for char in name)
    )


def is_object_id(text: str) -> bool:
    return len(text) == 40 and all(char in "0123456789abcdef" for char in text)
