"""Elements of GitHub's lists read one by one: what cannot be read is left out, and named.

One element of another shape must not make a whole list unreadable. Where a page has some and
none of them can be read, it is the page that is not what it should be: an outage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, TypeVar

from github_store.errors import GitHubUnavailable
from github_store.failing_items import NO_PAUSE, FailingItems

T = TypeVar("T")
_ODD: Final = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)


class ElementReader(Generic[T]):
    """``read`` makes a value of an element's JSON, or raises one of _ODD or GitHubUnavailable.

    ``what`` is what an element is called; ``clock`` gives seconds.
    """

    def __init__(self, what: str, read: Callable[[Any], T], *, clock: Callable[[], float]) -> None:
        self._what = what
        self._read = read
        self.failing: FailingItems[str] = FailingItems(
            "element", f"reading {what}", clock=clock, backoff=lambda _error: NO_PAUSE
        )
        """By number, id or name: elements that cannot be read."""

    def all_of(self, elements: Any) -> list[T]:
        """The values of a page's elements. Raises GitHubUnavailable where none can be read."""
        if not isinstance(elements, list):
            raise GitHubUnavailable(f"GitHub's answer lists no {self._what}s")
        found, unread = list[T](), dict[str, Exception]()
        for element in elements:
            try:
                found.append(self._read(element))
            except (*_ODD, GitHubUnavailable) as error:
                unread[_name(element)] = error
            else:
                if len(self.failing):
                    self.failing.succeeded(_name(element))
        if unread and not found:
            raise GitHubUnavailable(f"GitHub's answer lists no {self._what}s that can be read")
        for name, problem in unread.items():
            kind = type(problem).__name__
            reason = f"it is left out, GitHub's answer is no {self._what} ({kind})"
            self.failing.failed(name, GitHubUnavailable(reason))
        return found


def _name(element: Any) -> str:
    """What a person finds it by."""
    if isinstance(element, Mapping):
        for key in ("number", "id", "name", "node_id"):
            if isinstance(value := element.get(key), int | str):
                return str(value)[:100]
    return "without a number"
