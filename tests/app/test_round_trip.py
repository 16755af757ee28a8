"""What GET answers is taken by PATCH and changes nothing, whatever stands on GitHub."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.refusal import Refused
from app.validation import incident_fields
from github_store.incident import incident_from
from github_store.incident_changes import checked, replaced
from github_store.monitor import Monitors
from github_store.monitors_yaml import parse_monitors
from github_store.records import Issue
from tests.store.test_markers import bodies, forms

MONITORS: Monitors = parse_monitors(
    "[{name: Earth, tag: earth, aliases: [old-earth]}, {name: Mars, tag: mars}]", source="m.yaml"
)
LABELS = (
    "Earth", "old-earth", "mars", "incident-down", "INCIDENT-degraded", "maintenance", "resolved",
    "identified", "manual", "auto", "bug",
)  # fmt: skip
ISSUE = Issue(
    number=7,
    title="Outage",
    body="",
    state="open",
    labels=("incident", "earth"),
    created_at=1_790_000_000,
    updated_at=1_790_000_000,
    closed_at=None,
    author="owner",
    author_association="OWNER",
    is_pull_request=False,
    repository_url="",
)


@settings(deadline=None, max_examples=300)
@given(
    title=st.text(min_size=1, max_size=20) | st.sampled_from(["  Outage ", " ", "x" * 256]),
    body=forms | bodies,
    labels=st.lists(st.sampled_from(LABELS), unique=True),
    is_open=st.booleans(),
)
@example(title="t", body="### End time (UTC)\n\n24.11.2026", labels=["mars"], is_open=True)
@example(title="t", body="[start_datetime:9] [end_datetime:5]", labels=["mars"], is_open=False)
def test_what_get_answers_is_taken_by_patch_or_the_field_is_named(
    title: str, body: str, labels: list[str], is_open: bool
) -> None:
    state: dict[str, Any] = {} if is_open else {"state": "closed", "closed_at": 1_790_000_100}
    issue = replace(ISSUE, title=title, body=body, labels=("incident", *labels), **state)
    before = incident_from(issue, MONITORS)
    answered = before.to_json()
    wrong = {
        "title": not title.strip() or "\0" in title,
        "tags": not before.tags,
        "body": "\0" in body,
        "endDatetime": is_backwards(answered),
    }
    if any(wrong.values()):
        with pytest.raises(Refused) as refused:
            incident_fields(answered, MONITORS)
        assert wrong[refused.value.detail.partition(":")[0]], refused.value.detail
        return
    fields = checked(incident_fields(answered, MONITORS))
    changes = replaced(issue, fields, MONITORS, now=1_790_000_200)
    assert "state" not in changes.edits or (answered["endDatetime"] or 0) > 1_790_000_200
    standing = [each for each in issue.labels if each not in changes.labels.remove]
    after = replace(
        issue,
        labels=(*standing, *changes.labels.add),
        **{name: value for name, value in changes.edits.items() if name != "state"},
    )
    assert incident_from(after, MONITORS) == before


def is_backwards(answered: dict[str, Any]) -> bool:
    start, end = answered["startDatetime"], answered["endDatetime"]
    return start is not None and end is not None and end <= start
