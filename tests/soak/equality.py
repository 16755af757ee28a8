"""Whether a service's API says what stands on GitHub, by rules written down anew and plainly."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.github_person import Person
from tests.soak.clients import call
from tests.soak.server import Server

IMPACTS = {"incident-down": "DOWN", "incident-degraded": "DEGRADED"}


@dataclass(frozen=True)
class Truth:
    """All incidents that stand on GitHub, and their comments by people who may speak."""

    issues: dict[int, dict[str, Any]]
    comments: dict[int, list[dict[str, Any]]]


def truth(person: Person, *, speakers: Iterable[str]) -> Truth:
    trusted = set(speakers)
    issues = {
        issue["number"]: issue
        for issue in _all(person, "/issues?state=all")
        if issue["user"]["login"] in trusted and "incident" in _labels(issue)
    }
    comments: dict[int, list[dict[str, Any]]] = {number: [] for number in issues}
    for comment in _all(person, "/issues/comments?sort=created"):
        number = int(comment["issue_url"].rpartition("/")[2])
        if number in issues and comment["user"]["login"] in trusted:
            comments[number].append(comment)
    return Truth(issues, comments)


def differences(server: Server, there: Truth, tags: tuple[str, ...]) -> list[str]:
    """What the API says otherwise, each in words."""
    found = []
    shown = {number: _shown(issue, tags) for number, issue in there.issues.items()}
    for number, expected in shown.items():
        one = call(server, "GET", f"/api/incident/{number}")
        if (one.status, one.data) != (200, expected):
            found.append(f"{number}: {one.status} {one.data}, on GitHub {expected}")
        words = call(server, "GET", f"/api/incident/{number}/comment")
        texts = [(each["id"], _text(each["body"])) for each in there.comments[number]]
        if words.status != 200 or [(w["commentID"], w["body"]) for w in words.data] != texts:
            found.append(f"comments of {number}: {words.status} {words.data}, on GitHub {texts}")
    tests: dict[str, Callable[[dict[str, Any]], bool]] = {
        "state=open": lambda issue: issue["state"] == "open",
        "state=closed": lambda issue: issue["state"] == "closed",
        "tags=mars": lambda issue: issue["state"] == "open" and "mars" in _labels(issue),
        "title_like=storm": lambda issue: issue["state"] == "open" and "Storm" in issue["title"],
    }
    for search, matches in tests.items():
        matching = [each for each in there.issues.values() if matches(each)]
        matching.sort(key=lambda each: (each["created_at"], each["number"]), reverse=True)
        expected_list = [shown[each["number"]] for each in matching]
        listed = _searched(server, search)
        if listed != expected_list:
            found.append(f"{search}: {_apart(listed, expected_list)}")
    return found


def _searched(server: Server, search: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    page = 0
    while len(listed) == 100 * page:
        page += 1
        answer = call(server, "GET", f"/api/incident?{search}&per_page=100&page={page}")
        assert answer.status == 200, f"{search}: {answer.status} {answer.data}"
        listed += answer.data
    return listed


def _apart(listed: list[dict[str, Any]], expected: list[dict[str, Any]]) -> str:
    there = {each["incidentNumber"]: each for each in expected}
    shown = {each["incidentNumber"]: each for each in listed}
    others = [shown[n] for n in shown if n in there and shown[n] != there[n]]
    return (
        f"missing {sorted(there.keys() - shown.keys())}, too many"
        f" {sorted(shown.keys() - there.keys())}, others {others[:2]},"
        f" order {[*shown][:5]} for {[*there][:5]}"
    )


def _shown(issue: dict[str, Any], tags: tuple[str, ...]) -> dict[str, Any]:
    labels, body = _labels(issue), issue["body"] or ""
    return {
        "createdAt": _seconds(issue["created_at"]),
        "closedAt": _seconds(issue["closed_at"]),
        "title": issue["title"],
        "tags": [tag for tag in tags if tag in labels],
        "incidentNumber": issue["number"],
        "startDatetime": _marked(body, "start"),
        "endDatetime": _marked(body, "end"),
        "body": _text(re.sub(r"\[(start|end)_datetime:\d+\]", "", body)),
        "impact": next((IMPACTS[label] for label in IMPACTS if label in labels), None),
        "isMaintenance": "maintenance" in labels,
        "isIdentified": "identified" in labels,
        "isResolved": "resolved" in labels,
    }


def marks(texts: Iterable[str]) -> list[str]:
    """What keyed writes leave in the texts, invisibly."""
    return [mark for text in texts for mark in re.findall(r"<!--.*?\bkey ([0-9a-f]{64})", text)]


def _all(person: Person, path: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    page = 0
    while len(found) == 100 * page:
        page += 1
        found += person.do("GET", f"{path}&per_page=100&page={page}&by=hand")
    return found


def _labels(issue: dict[str, Any]) -> set[str]:
    return {label["name"] for label in issue["labels"]}


def _text(body: str) -> str:
    return re.sub(r"<!--.*?-->", "", body, flags=re.DOTALL).strip()


def _marked(body: str, name: str) -> int | None:
    found = re.search(rf"\[{name}_datetime:(\d+)\]", body)
    return int(found[1]) if found else None


def _seconds(iso: str | None) -> int | None:
    return None if iso is None else int(datetime.fromisoformat(iso).timestamp())
