"""Single issues: read through what is held, and written one change at a time."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from github_store.current_labels import CurrentLabels
from github_store.errors import GitHubUnavailable, OutcomeUnknown
from github_store.held_repository import HeldRepository
from github_store.issue_numbers import IssueNumbers
from github_store.label_names import LabelNames
from github_store.labels import INCIDENT_LABEL, label_keys
from github_store.records import Issue, issue_from
from github_store.told_state import ToldState


class Issues:
    """One GitHub call per method. Knows titles, labels and states, not incidents. Labels of ours
    have their own names here, whatever they are called on GitHub."""

    def __init__(
        self,
        repository: HeldRepository,
        told: ToldState,
        numbers: IssueNumbers,
        labels: CurrentLabels,
    ) -> None:
        self._repository = repository
        self._told = told
        self._numbers = numbers
        self._labels = labels

    async def get(self, number: int, *, renew: bool = False) -> Issue | None:
        """The issue, or None where it does not exist, was deleted or transferred away."""
        path, held = self._path(number), self._repository.held
        is_news = held.peek(path) is None and not held.is_asked_for(path)
        if is_news and await self._numbers.rules_out(number):
            return None
        reply = await held.get(path, renew=renew)
        if not reply.ok:
            await self._repository.believe_missing(reply)
            self._numbers.note_absent(number)
            if self._told.is_told_gone(path):
                self._told.bury(path)
            if reply.status != 404:  # it was there once
                self._numbers.note(number)
            elif self._numbers.lies_above(number):  # then that is all there is to remember
                self.forget(number)
            return None
        self._numbers.note(number)
        issue = issue_of(reply.data, self._labels.now)
        return issue if is_of(self._repository.name, issue) else None

    def is_at_hand(self, number: int) -> bool:
        """Whether an issue is held and may be given without asking GitHub."""
        return self._repository.held.is_fresh(self._path(number))

    async def create(self, *, title: str, body: str, labels: Iterable[str]) -> Issue:
        """Open an issue. Raises OutcomeUnknown where it may or may not have been opened."""
        wanted = {"title": title, "body": body, "labels": self._called(labels)}
        reply = await self._repository.write("POST", self._repository.path("/issues"), wanted)
        try:
            issue = issue_of(reply.data, self._labels.now)
        except GitHubUnavailable as error:
            raise OutcomeUnknown(str(error)) from None
        path = self._path(issue.number)
        self._told.answered(path, reply, before=None)
        if self._numbers.is_told(issue.number):  # perhaps of an edit that is later than the answer
            self._repository.held.distrust(path)
        self._numbers.note(issue.number)
        return issue

    async def edit(self, number: int, changes: Mapping[str, Any]) -> Issue:
        """Change title, body or state, and nothing else."""
        path = self._path(number)
        before = self._repository.held.peek(path)
        try:
            reply = await self._repository.write("PATCH", path, dict(changes))
        except BaseException:
            self._repository.held.distrust(path)
            raise
        self._told.answered(path, reply, before=before)
        return issue_of(reply.data, self._labels.now)

    async def add_labels(self, number: int, labels: Iterable[str]) -> None:
        """Put labels on an issue beside those that are there."""
        path = f"{self._path(number)}/labels"
        with self._distrusted(number):
            await self._repository.write("POST", path, {"labels": self._called(labels)})

    async def remove_label(self, number: int, label: str) -> None:
        """Take one label off; somebody else having taken it off already is as good."""
        with self._distrusted(number):
            for name in self._labels.now.all_of(label):
                path = f"{self._path(number)}/labels/{urllib.parse.quote(name, safe='')}"
                await self._repository.write("DELETE", path, accept={404})

    def take(self, number: int, data: Mapping[str, Any], *, is_read_now: bool = False) -> None:
        """Hold an issue as somebody else was told it is; see told_state.py. Raises KeyError,
        TypeError or ValueError for what is none: held, it could not be read."""
        issue_from(data)
        self._told.take(self._path(number), data, is_read_now=is_read_now)
        self._numbers.note(number)

    def is_news(self, number: int) -> bool:
        """Whether nothing is known of such a number yet."""
        return self._numbers.lies_above(number)

    def is_in_question(self, number: int) -> bool:
        """Whether the next read asks GitHub anyway, since what is known was doubted."""
        held = self._repository.held.peek(self._path(number))
        return held.is_distrusted if held else self._numbers.is_told(number)

    def note_gone(self, number: int) -> None:
        """Somebody says that the issue is gone."""
        self._told.note_gone(self._path(number))

    def distrust(self, number: int) -> None:
        """Let the next read ask GitHub; what is held is given only while it is out."""
        self._numbers.note_told(number)
        self._repository.held.distrust(self._path(number))

    def forget(self, number: int) -> None:
        """Let the next read ask GitHub."""
        self._repository.held.forget(self._path(number))

    def held_numbers(self) -> frozenset[int]:
        """The numbers of the incidents that are held."""
        held, prefix = self._repository.held, self._repository.path("/issues/")
        found = (held.peek(path) for path in held.paths() if path.startswith(prefix))
        return frozenset(
            int(each.reply.data["number"])
            for each in found
            if each and each.reply.ok and _is_labelled(each.reply.data, self._labels.now)
        )

    @contextmanager
    def _distrusted(self, number: int) -> Iterator[None]:
        """While an issue is written and after: what was held of it may be what it was before."""
        try:
            yield
        finally:
            self._repository.held.distrust(self._path(number))

    def _called(self, labels: Iterable[str]) -> list[str]:
        return [self._labels.now.of(each) for each in labels]

    def _path(self, number: int) -> str:
        return self._repository.path(f"/issues/{number}")


def issue_of(data: Any, names: LabelNames) -> Issue:
    """GitHub's JSON of an issue, ``names`` of its labels our own. Raises GitHubUnavailable where it
    is none."""
    try:
        issue = issue_from(data)
        labels = names.meant_by(data.get("labels") or ())
        return issue if labels == issue.labels else replace(issue, labels=labels)
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
        raise GitHubUnavailable("GitHub's answer is no issue") from None


def is_of(repository_name: str, issue: Issue) -> bool:
    """Whether an issue is of this repository: a transferred one answers from another."""
    own = f"/repos/{repository_name}".casefold()
    return issue.repository_url.casefold().endswith(own) or not issue.repository_url


def _is_labelled(data: Any, names: LabelNames) -> bool:
    """Whether held data is that of an issue labelled as an incident."""
    if not isinstance(data, dict) or "number" not in data:
        return False
    return INCIDENT_LABEL in label_keys(names.meant_by(data.get("labels") or ()))
