"""Which handler answers which request: a table of method and path template.

A handler is a plain function of the hub and the request. It returns a Response or raises a
Refusal; it runs alone, inside one storage transaction. Each ``*_routes`` module exports its part
of the table as ``ROUTES``, and the server puts them together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Final

from .exchange import Request, Response
from .hub import Hub

Handler = Callable[[Hub, Request], Response]

REPOSITORY: Final = "/repos/{owner}/{repo}"
# The ``resource`` of a route that costs no quota.
FREE: Final = ""
_PARAMETER: Final = re.compile(r"\{(\w+)(:path)?\}")


class Needs(Enum):
    """What a caller must be for a handler to run at all."""

    NOTHING = "anybody, and a repository below the path must be visible"
    USER = "a token: else 401"
    PUSH = "write access to the repository: else 403 or 404"
    ADMIN = "administration of the repository: else 403 or 404"


@dataclass(frozen=True)
class Route:
    """``template`` has ``{name}`` for one segment and ``{name:path}`` for the rest of the path.

    ``docs`` is the documentation_url of its errors, below docs.github.com/rest.
    """

    method: str
    template: str
    handler: Handler
    needs: Needs = Needs.NOTHING
    resource: str = "core"
    docs: str = ""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches the percent-encoded path: an encoded slash stays inside its segment."""
        parts, done = [], 0
        for found in _PARAMETER.finditer(self.template):
            parts.append(re.escape(self.template[done : found.start()]))
            parts.append(f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})")
            done = found.end()
        parts.append(re.escape(self.template[done:]))
        return re.compile("".join(parts))


class RouteTable:
    """All routes, in the order they are tried."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    def find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The first route that fits and its still percent-encoded arguments."""
        for route in self._routes:
            if route.method == method and (match := route.pattern.fullmatch(path)):
                return route, match.groupdict()
        return None
