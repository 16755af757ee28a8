"""Which labels were ours, across restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from github_store.label_memory import FILE, LabelMemory
from github_store.label_names import KnownLabel, LabelNames

KNOWN = KnownLabel("outage", 7, ("incident",))


def test_what_is_kept_is_recalled_by_the_next_process(tmp_path: Path) -> None:
    LabelMemory(tmp_path).keep(LabelNames({"incident": KNOWN}), {"earth": 9})
    found = LabelMemory(tmp_path).recall()
    assert found.names.known["incident"] == KNOWN
    assert found.names.known["resolved"] == KnownLabel("resolved")
    assert found.tag_ids == {"earth": 9}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        "{}",
        '{"version": 2, "labels": {}, "tags": {}}',
        '{"version": 1, "labels": {"incident": 5}, "tags": {}}',
        '{"version": 1, "labels": {"incident": {"name": "", "id": 1, "former": []}}, "tags": {}}',
        '{"version": 1, "labels": {"incident": {"name": "x", "id": true}}, "tags": {}}',
        '{"version": 1, "labels": {"incident": {"name": "x", "id": 1, "former": [5]}}, "tags": {}}',
        '{"version": 1, "labels": {}, "tags": {"earth": "9"}}',
        "\xff",
    ],
)
def test_what_cannot_be_read_is_no_memory(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, "latin-1")
    found = LabelMemory(tmp_path).recall()
    assert found.names.known == LabelNames().known
    assert found.tag_ids == {}


def test_without_a_directory_nothing_is_remembered(tmp_path: Path) -> None:
    LabelMemory(None).keep(LabelNames({"incident": KNOWN}), {})
    assert LabelMemory(None).recall().names.known == LabelNames().known


def test_a_disk_that_fails_is_said_and_no_more(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    LabelMemory(tmp_path / "missing").keep(LabelNames(), {})
    assert "is not remembered" in caplog.text
