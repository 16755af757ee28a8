"""Telling everybody who listens: one that raises keeps no other from hearing, nor its teller from
going on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T")


def tell_all(listeners: Iterable[Callable[[T], object]], news: T) -> None:
    """Call each with the news; what one raises is a fault of ours, and logged."""
    for listener in listeners:
        try:
            listener(news)
        except Exception:
            log.exception("a listener met a fault of its own")
