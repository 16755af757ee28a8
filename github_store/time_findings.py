"""The doctor's look at incidents' times: which cannot be used, by number and field, and which of
them should be closed by now."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from github_store.authors import Authors
from github_store.errors import GitHubOut, GitHubTimeout, GitHubUnavailable, RateLimited
from github_store.finding import Finding, ok, warn
from github_store.incident import is_incident
from github_store.issue_tracker import IssueTracker
from github_store.labels import INCIDENT_LABEL
from github_store.markers import read_markup
from github_store.records import Issue
from github_store.time_problems import time_problems, told

MOST_OPEN: Final = 1_000
MOST_CLOSED: Final = 100
"""Closed ones of the last days, one page."""
RECENT_SECONDS: Final = 14 * 86_400
MOST_NAMED: Final = 20
CLOSED_SECONDS: Final = 600
"""So long after its end an incident should be closed."""


async def time_findings(tracker: IssueTracker, authors: Authors, *, now: float) -> list[Finding]:
    """A line for each incident; a stranger's issue is none. ``now`` is seconds since 1970."""
    seen, found, left_open = 0, list[tuple[int, str]](), list[int]()
    async for issue in _issues(tracker, since=max(0, int(now) - RECENT_SECONDS)):
        seen += 1
        if not is_incident(issue):
            continue
        problems = time_problems(issue)
        if problems and await _speaks(authors, issue):
            found.append((issue.number, told(problems)))
        elif is_left_open(issue, now=now) and await _speaks(authors, issue):
            left_open.append(issue.number)
    return [*_unreadable(seen, found), *_left_open(left_open)]


def is_left_open(issue: Issue, *, now: float) -> bool:
    """Whether it ended a while ago, and is open though nobody touched it since."""
    end = read_markup(issue.body).end
    return issue.is_open and end is not None and issue.updated_at < end < now - CLOSED_SECONDS


def _left_open(numbers: list[int]) -> list[Finding]:
    if not numbers:
        return []
    shown = ", ".join(map(str, numbers[:MOST_NAMED])) + (", …" if numbers[MOST_NAMED:] else "")
    remedy = 'start the service, which closes them; if it runs, see its log for "closing incident"'
    return [warn("closing", f"ended, and still open: {shown}", remedy)]


def _unreadable(seen: int, found: list[tuple[int, str]]) -> list[Finding]:
    if not found:
        return [ok("times", f"can be read, as far as {seen} incidents have any")]
    remedy = "edit the issue's text: 2026-11-24 18:30 UTC can be read"
    findings = [warn(f"incident {number}", text, remedy) for number, text in found[:MOST_NAMED]]
    if more := found[MOST_NAMED:]:
        numbers = ", ".join(str(number) for number, _ in more)
        findings.append(warn("times", f"of {len(more)} more cannot be used: {numbers}", remedy))
    return findings


async def _speaks(authors: Authors, issue: Issue) -> bool:
    if authors.is_own(issue.author):
        return True
    try:
        return await authors.trusted(issue.author, issue.author_association)
    except (GitHubOut, RateLimited, GitHubTimeout):
        raise
    except GitHubUnavailable:  # of this author alone: the others' times are worth telling
        return False


async def _issues(tracker: IssueTracker, *, since: int) -> AsyncIterator[Issue]:
    numbers: set[int] = set()
    for state, updated_since, most in (("open", None, MOST_OPEN), ("closed", since, MOST_CLOSED)):
        listing = await tracker.listings.labelled(
            (INCIDENT_LABEL,), state=state, updated_since=updated_since
        )
        left = most
        async with aclosing(listing.pages) as pages:
            async for page in pages:
                for issue in page.issues[:left]:
                    if issue.number not in numbers:
                        numbers.add(issue.number)
                        yield issue
                left -= len(page.issues[:left])
                if not left:
                    break
