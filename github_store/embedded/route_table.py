"""All routes of the API, in the order they are tried: fixed words before ``{names}``."""

from __future__ import annotations

from typing import Final

from . import (
    account_routes,
    comment_routes,
    contents_routes,
    delivery_routes,
    git_routes,
    hook_routes,
    issue_label_routes,
    issue_routes,
    label_routes,
    repository_routes,
    search_routes,
)
from .routing import Route

ROUTES: Final[tuple[Route, ...]] = (
    *account_routes.ROUTES,
    *comment_routes.ROUTES,
    *issue_label_routes.ROUTES,
    *issue_routes.ROUTES,
    *label_routes.ROUTES,
    *hook_routes.ROUTES,
    *delivery_routes.ROUTES,
    *search_routes.ROUTES,
    *contents_routes.ROUTES,
    *git_routes.ROUTES,
    *repository_routes.ROUTES,
)
