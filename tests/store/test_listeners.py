"""One listener that raises keeps no other from hearing."""

from __future__ import annotations

import logging

import pytest

from github_store.listeners import tell_all


def test_everybody_hears_though_one_raises(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def fail(news: str) -> None:
        raise RuntimeError(news)

    tell_all([heard.append, fail, heard.append], "news")
    assert heard == ["news", "news"]
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
