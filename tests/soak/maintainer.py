"""A maintainer who edits on GitHub by hand all day long, and what of it has to be there at its end.

They open incidents of their own, which nobody else touches, and do everything with these; on the
service's they put labels and comments. A stranger comments as well.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Any

from github_store.embedded import EmbeddedGitHub
from tests.github_person import Person
from tests.soak.clients import Answer, Cut, World, call
from tests.soak.server import Server
from tests.soak.sky import Sky

BY_HAND = "by=hand"
OWN_LABELS = ("earth", "mars", "identified", "resolved", "incident-down", "on-call")
VISIBLE_SECONDS = 1.0
"""After its delivery an edit shows in the API within this time."""


@dataclass
class Own:
    """An incident that the maintainer opened, as GitHub acknowledged it last."""

    title: str
    labels: set[str]
    state: str = "open"


@dataclass
class Maintainer:
    """For one thread. ``numbers`` are the service's incidents that they may touch."""

    github: EmbeddedGitHub
    repository: str
    elsewhere: str
    person: Person
    stranger: Person
    world: World
    chance: random.Random
    own: dict[int, Own] = field(default_factory=dict)
    put_on: dict[int, set[str]] = field(default_factory=dict)
    comments: dict[int, tuple[int, str]] = field(default_factory=dict)
    reopened: set[int] = field(default_factory=set)
    done: int = 0
    _count: int = 0

    def act(self) -> None:
        """One thing; what GitHub does not answer is left open."""
        deeds = [self.open, self.comment, self.put_label, self.strangers_comment, self.reopen]
        if self.own:
            deeds += [self.retitle, self.rewrite, self.label, self.unlabel, self.close_or_open]
        if self.comments:
            deeds += [self.edit_comment, self.delete_comment]
        if len(self.own) > 3 and self.chance.random() < 0.2:
            deeds = [self.delete, self.transfer]
        self.chance.choice(deeds)()

    def open(self) -> None:
        labels = {"incident", *self.chance.sample(OWN_LABELS, 2)}
        title = f"Storm by hand {self._next()}"
        body = {"title": title, "body": self._text(), "labels": sorted(labels)}
        if made := self._do("POST", "/issues", body):
            self.own[made["number"]] = Own(title, labels)
            self.world.numbers.append(made["number"])

    def retitle(self) -> None:
        number, title = self._number(), f"Storm by hand {self._next()}"
        if self._edit(number, title=title):
            self.own[number].title = title

    def rewrite(self) -> None:
        self._edit(self._number(), body=self._text())

    def label(self) -> None:
        number, label = self._number(), self.chance.choice(OWN_LABELS)
        if self._do("POST", f"/issues/{number}/labels", {"labels": [label]}, of=number):
            self.own[number].labels.add(label)

    def unlabel(self) -> None:
        number = self._number()
        removable = sorted(self.own[number].labels - {"incident"})
        if removable:
            label = self.chance.choice(removable)
            if self._do("DELETE", f"/issues/{number}/labels/{label}", of=number) is not None:
                self.own[number].labels.discard(label)

    def close_or_open(self) -> None:
        number = self._number()
        state = "closed" if self.own[number].state == "open" else "open"
        if self._edit(number, state=state):
            self.own[number].state = state

    def delete(self) -> None:
        """On the website, which does not ask the API."""
        self.github.delete_issue(self.repository, self._given_up())

    def transfer(self) -> None:
        """To a repository that is none of the service's; on the website too."""
        self.github.transfer_issue(self.repository, self._given_up(), to=self.elsewhere)

    def _given_up(self) -> int:
        number = self._number()
        self.world.deleted.add(number)
        del self.own[number]
        self.comments = {key: each for key, each in self.comments.items() if each[0] != number}
        self.done += 1
        return number

    def comment(self) -> None:
        number, text = self._any_number(), f"word by hand {self._next()}"
        if number and (made := self._do("POST", f"/issues/{number}/comments", {"body": text})):
            self.comments[made["id"]] = (number, text)

    def edit_comment(self) -> None:
        comment_id = self.chance.choice(list(self.comments))
        number, text = self.comments.pop(comment_id)[0], f"word by hand {self._next()}"
        if self._do("PATCH", f"/issues/comments/{comment_id}", {"body": text}):
            self.comments[comment_id] = (number, text)

    def delete_comment(self) -> None:
        comment_id = self.chance.choice(list(self.comments))
        del self.comments[comment_id]
        self._do("DELETE", f"/issues/comments/{comment_id}")

    def put_label(self) -> None:
        """One that is none of the service's, on an incident of the service."""
        number, label = self._any_number(), f"hand-{self.chance.randrange(5)}"
        if number is None or number in self.own:
            return
        if self._do("POST", f"/issues/{number}/labels", {"labels": [label]}):
            self.put_on.setdefault(number, set()).add(label)

    def reopen(self) -> None:
        """What the service closed at its end: a maintainer's reopening stands."""
        number = self._any_number()
        if number is None or number in self.own or number in self.reopened:
            return
        issue = self._do("GET", f"/issues/{number}")
        is_closed = issue and issue["state"] == "closed"
        if is_closed and self._do("PATCH", f"/issues/{number}", {"state": "open"}):
            self.reopened.add(number)

    def strangers_comment(self) -> None:
        if number := self._any_number():
            try:
                self.stranger.ask("POST", f"/issues/{number}/comments?{BY_HAND}", {"body": "spam"})
            except OSError:
                return

    def _edit(self, number: int, **changes: Any) -> Any:
        return self._do("PATCH", f"/issues/{number}", changes, of=number)

    def _do(self, method: str, path: str, body: Any = None, *, of: int = 0) -> Any:
        """The answer's JSON, an empty one as {}; None where there is none. Then an own incident
        is whatever it is."""
        try:
            answer = self.person.ask(method, f"{path}?{BY_HAND}", body)
        except OSError:
            self.own.pop(of, None)
            return None
        assert answer.ok, f"{method} {path}: {answer.status_code} {answer.text}"
        self.done += 1
        return answer.json() if answer.content else {}

    def _number(self) -> int:
        return self.chance.choice(list(self.own))

    def _any_number(self) -> int | None:
        numbers = [n for n in self.world.numbers[-60:] if n not in self.world.deleted]
        return self.chance.choice(numbers) if numbers else None

    def _next(self) -> int:
        self._count += 1
        return self._count

    def _text(self) -> str:
        return f"text {self._next()} [start_datetime:{1_700_000_000 + self._count}]"


@dataclass
class Beacon:
    """An incident whose title is changed by hand, and looked for right after its delivery.

    ``seen`` are the seconds that it took, ``late`` what was not seen in time.
    """

    github: EmbeddedGitHub
    person: Person
    server: Server
    sky: Sky
    number: int
    seen: list[float] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    _count: int = 0

    def flash(self) -> None:
        """Nothing is asked of a server that was killed meanwhile, or of GitHub in bad weather."""
        part, begun_at = self.sky.part, time.monotonic()
        if not part.startswith("calm"):
            return
        self._count += 1
        title = f"Beacon {self._count}"
        try:
            self.person.do("PATCH", f"/issues/{self.number}?{BY_HAND}", {"title": title})
        except OSError:
            return
        assert self.github.wait_for_hooks(30)
        delivered_at = time.monotonic()
        shown: dict[str, str] = {}
        while (asked_at := time.monotonic()) < delivered_at + VISIBLE_SECONDS:
            try:
                shown = self._shown()
            except Cut:
                return
            if set(shown.values()) == {title}:
                self.seen.append(asked_at - delivered_at)
                return
        if self.sky.part == part and not self.server.was_down(begun_at, time.monotonic()):
            self.late.append(f"{part}: {title} is {shown}")

    def _shown(self) -> dict[str, str]:
        one = call(self.server, "GET", f"/api/incident/{self.number}")
        found = call(self.server, "GET", "/api/incident?title_like=beacon&per_page=100")
        return {"one": _title(one), "search": _title(found)}


def _title(answer: Answer) -> str:
    if answer.status != 200:
        return f"{answer.status} {answer.data}"
    each = answer.data[0] if isinstance(answer.data, list) and answer.data else answer.data
    return str(each["title"]) if each else "nothing"
