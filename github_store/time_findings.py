"""The doctor's look at incidents' times: which cannot be used, by number and field."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from github_store.authors import Authors
from github_store.finding import Finding, ok, warn
from github_store.incident import is_incident
from github_store.issue_tracker import IssueTracker
from github_store.labels import INCIDENT_LABEL
from github_store.records import Issue
from github_store.time_problems import time_problems, told

MOST_OPEN: Final = 1_000
MOST_CLOSED: Final = 100
"""Closed ones of the last days, one page."""
RECENT_SECONDS: Final = 14 * 86_400
MOST_NAMED: Final = 20


async def time_findings(tracker: IssueTracker, authors: Authors, *, now: float) -> list[Finding]:
    """A line for each incident; a stranger's issue is none. ``now`` is seconds since 1970."""
    seen, found = 0, []
    async for issue in _issues(tracker, since=max(0, int(now) - RECENT_SECONDS)):
        seen += 1
        problems = time_problems(issue) if is_incident(issue) else ()
        if problems and await _speaks(authors, issue):
            found.append((issue.number, told(problems)))
    if not found:
        return [ok("times", f"can be read, as far as {seen} incidents have any")]
    remedy = "edit the issue's text: 2026-11-24 18:30 UTC can be read"
    findings = [warn(f"incident {number}", text, remedy) for number, text in found[:MOST_NAMED]]
    if more := found[MOST_NAMED:]:
        numbers = ", ".join(str(number) for number, _ in more)
        findings.append(warn("times", f"of {len(more)} more cannot be used: {numbers}", remedy))
    return findings


async def _speaks(authors: Authors, issue: Issue) -> bool:
    is_own = authors.is_own(issue.author)
    return is_own or await authors.trusted(issue.author, issue.author_association)


async def _issues(tracker: IssueTracker, *, since: int) -> AsyncIterator[Issue]:
    numbers: set[int] = set()
    for state, updated_since, most in (("open", None, MOST_OPEN), ("closed", since, MOST_CLOSED)):
        listing = await tracker.listings.labelled(
            (INCIDENT_LABEL,), state=state, updated_since=updated_since
        )
        left = most
        async with aclosing(listing.issues) as issues:
            async for issue in issues:
                if issue.number not in numbers:
                    numbers.add(issue.number)
                    yield issue
                left -= 1
                if not left:
                    break
