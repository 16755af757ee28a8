"""All routes of the API, in the order they are tried: fixed words before ``{names}``."""

from __future__ import annotations

import importlib.util
from importlib import import_module

from . import (
    account_routes,
    comment_routes,
    hook_routes,
    issue_label_routes,
    issue_routes,
    label_routes,
    repository_routes,
)
from .routing import Route

ROUTES: tuple[Route, ...] = (
    *account_routes.ROUTES,
    *comment_routes.ROUTES,
    *issue_label_routes.ROUTES,
    *issue_routes.ROUTES,
    *label_routes.ROUTES,
    *hook_routes.ROUTES,
    *repository_routes.ROUTES,
)
for _name in ("search_routes", "contents_routes", "git_routes"):
    if importlib.util.find_spec(f"{__package__}.{_name}") is not None:
        ROUTES += import_module(f"{__package__}.{_name}").ROUTES
