"""The spans of all incidents that may cover a minute of the window, derived from GitHub and held.

Deriving them reads two listings (open ones, and closed ones updated within the window), nearly
always answered by a free 304, and the events of an incident only where they tell when it was
resolved. What was derived is given at once; once it is not fresh any more it is derived anew behind
the answer, from nothing that is stale itself; once it is not even stale it is waited for, as long
as a reader's patience lasts (freshness.py), and where it is from before news of incidents until it
is there.

A closed incident nobody touched for 90 days is left out: to cover a minute of the window it would
have to end in what was the future when it was touched last.

What was derived last is on the shelf too: the listings it comes from are called otherwise every
day, and a service that starts during an outage has to answer on the day after as well.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace

from cachetools import LRUCache

from github_store.coverage import IncidentSpan, needs_resolved_time, span_of
from github_store.current_monitors import CurrentMonitors
from github_store.errors import GitHubUnavailable
from github_store.failing_items import FailingItems, Walk
from github_store.freshness import Freshness, Verdict
from github_store.gateway import Reply
from github_store.held_answers import Shelf
from github_store.held_reads import Held, recorded_reads
from github_store.incident import Incident
from github_store.incident_store import IncidentStore
from github_store.monitor import Monitors, Status
from github_store.read_trace import Outcome, ReadTrace, note_read, patient_until
from github_store.recurring_lines import RecurringLines

lines = RecurringLines(logging.getLogger(__name__))

DAY_SECONDS = 86_400
WINDOW_SECONDS = 91 * DAY_SECONDS
AT_ONCE = 500
"""So many incidents are gone through without letting others have their turn."""
SHELVE_SECONDS = 60.0
"""What was derived is put by that often at the most: it is of use after days, not seconds."""
SHELF_MARK = "incident coverage"
"""What the spans are called on the shelf: no path, so that no answer has this name."""


@dataclass(frozen=True, slots=True)
class _Derived:
    """``revision``: of the incidents that it was derived from."""

    spans: tuple[IncidentSpan, ...]
    at: float
    revision: Hashable
    outcome: Outcome = Outcome.HIT
    """How what it was derived from came about, and when the oldest part was confirmed."""
    confirmed_at: float = math.inf


@dataclass(frozen=True, slots=True)
class _Known:
    """What an incident covers, None where nothing, as of an update."""

    incident: Incident
    updated_at: int
    span: IncidentSpan | None


class IncidentCoverage:
    """Made for one event loop. Times are seconds; ``stretch`` is asked how much longer than usual
    what was derived counts as fresh and stale."""

    def __init__(
        self,
        incidents: IncidentStore,
        *,
        monitors: CurrentMonitors,
        clock: Callable[[], float],
        freshness: Freshness | None = None,
        shelf: Shelf | None = None,
        stretch: Callable[[], float] = lambda: 1.0,
    ) -> None:
        self._incidents = incidents
        self._monitors = monitors
        self._shelf = shelf
        self._clock = clock
        self._freshness = freshness or Freshness()
        self._stretch = stretch
        self._derived: _Derived | None = None
        self._deriving: asyncio.Task[_Derived] | None = None
        self._deriving_since = 0.0  # in the loop's time
        self._mapped: tuple[_Derived, Monitors, tuple[IncidentSpan, ...]] | None = None
        self._known: Mapping[int, _Known] = {}
        self._shelved_at = -math.inf
        self._resolved_at: LRUCache[tuple[int, int], int] = LRUCache(10_000)
        self.failing: FailingItems[int] = FailingItems(
            "events", "asking when it was resolved: incident", clock=clock
        )
        """By number: incidents whose events GitHub does not give."""

    async def spans(self) -> tuple[IncidentSpan, ...]:
        """Spans as of now. Raises GitHubUnavailable only where none were ever derived."""
        if self._derived is None:
            self._derived = self._recalled()
        derived = self._derived
        is_current = derived is not None and derived.revision == self._incidents.revision
        if derived and is_current:
            verdict = self._freshness.judge(derived.at, now=self._clock(), stretch=self._stretch())
            if verdict is Verdict.STALE:
                self._start(patient_until=math.inf)
            if verdict in {Verdict.FRESH, Verdict.STALE}:
                if derived.outcome is Outcome.OUTAGE:
                    note_read(Outcome.OUTAGE, derived.confirmed_at)
                return derived.spans
        try:
            if not is_current and self._deriving:  # it may have begun before the write
                await asyncio.wait([self._deriving])
            found = await self._derived_anew(in_time=is_current)
        except GitHubUnavailable:
            if derived is None:
                raise
            found = None
        if found is None:
            assert derived is not None
            note_read(Outcome.OUTAGE, min(derived.at, derived.confirmed_at))
            return self._under_present_tags(derived)
        note_read(found.outcome, found.confirmed_at)
        return found.spans

    def _under_present_tags(self, derived: _Derived) -> tuple[IncidentSpan, ...]:
        """What was derived under other monitors, perhaps in an earlier process."""
        monitors = self._monitors.now
        if self._mapped is None or self._mapped[:2] != (derived, monitors):
            spans = (
                replace(span, tags=frozenset(monitors.tags_of(span.tags))) for span in derived.spans
            )
            self._mapped = derived, monitors, tuple(spans)
        return self._mapped[2]

    async def _derived_anew(self, *, in_time: bool) -> _Derived | None:
        """What is derived now; None where that takes longer than the reader's patience, which
        begins with the deriving, if it is to come in time."""
        time, patience_seconds = asyncio.get_running_loop().time, self._freshness.patience_seconds
        until = patient_until(time(), patience_seconds=patience_seconds)
        deriving = self._start(patient_until=until)
        if not in_time:
            return await asyncio.shield(deriving)
        until = patient_until(
            time(), patience_seconds=patience_seconds, begun_at=self._deriving_since
        )
        await asyncio.wait([deriving], timeout=until - time())
        return deriving.result() if deriving.done() and not deriving.cancelled() else None

    async def close(self) -> None:
        """Stop deriving, and put by what was derived last."""
        if self._deriving:
            self._deriving.cancel()
            await asyncio.wait([self._deriving])
        self._put_by()

    def _start(self, *, patient_until: float) -> asyncio.Task[_Derived]:
        if self._deriving is None:
            self._deriving = asyncio.create_task(self._derive(patient_until))
            self._deriving_since = asyncio.get_running_loop().time()
            self._deriving.add_done_callback(self._ended)
        return self._deriving

    def _ended(self, task: asyncio.Task[_Derived]) -> None:
        self._deriving = None
        if not task.cancelled() and (error := task.exception()):
            lines.warning(
                "read", "incidents could not be read, the last known ones stay: %s", error
            )

    async def _derive(self, patient_until: float) -> _Derived:
        begun_at, revision = self._clock(), self._incidents.revision
        since = int(begun_at) // DAY_SECONDS * DAY_SECONDS - WINDOW_SECONDS
        with ReadTrace(takes_stale=False, patient_until=patient_until) as trace:
            standing = await self._incidents.standing(updated_since=max(0, since))
            self.failing.keep({incident.number for incident, _ in standing})
            spans = await self._spans_of(standing)
        confirmed_at = begun_at if trace.confirmed_at is None else trace.confirmed_at
        derived = self._derived = _Derived(spans, begun_at, revision, trace.outcome, confirmed_at)
        if begun_at - self._shelved_at >= SHELVE_SECONDS or begun_at < self._shelved_at:
            self._put_by()
        return derived

    async def _spans_of(self, standing: Iterable[tuple[Incident, int]]) -> tuple[IncidentSpan, ...]:
        """The spans of these incidents, and when each was updated last. Those of incidents that are
        as they were are taken over."""
        before, kept, spans = self._known, dict[int, _Known](), list[IncidentSpan]()
        with self.failing.walk() as walk:
            for count, (incident, at) in enumerate(standing):
                if count % AT_ONCE == AT_ONCE - 1:
                    await asyncio.sleep(0)  # thousands of them shall not stop the others
                known = before.get(incident.number)
                if known is None or known.incident is not incident or known.updated_at != at:
                    resolved_at = await self._when_resolved(incident, at, walk)
                    known = _Known(incident, at, span_of(incident, resolved_at=resolved_at))
                if not needs_resolved_time(incident) or self._is_told(incident, at):
                    kept[incident.number] = known
                if known.span:
                    spans.append(known.span)
        self._known = kept
        return tuple(spans)

    def _is_told(self, incident: Incident, updated_at: int) -> bool:
        """Whether GitHub itself told, as of this update, when an incident was resolved."""
        return (incident.number, updated_at) in self._resolved_at

    def _put_by(self) -> None:
        """Let the next process have what was derived last, should it find GitHub down."""
        derived = self._derived
        if self._shelf is None or derived is None or derived.outcome is Outcome.OUTAGE:
            return
        self._shelved_at = derived.at
        data = [
            [sorted(span.tags), span.status.value, span.first, span.last] for span in derived.spans
        ]
        self._shelf.save(SHELF_MARK, Held(Reply(200, {}, data), derived.at))

    def _recalled(self) -> _Derived | None:
        """What an earlier process derived last; it counts as from before a write of ours."""
        held = self._shelf.load(SHELF_MARK) if self._shelf else None
        if held is None:
            return None
        try:
            spans = tuple(
                IncidentSpan(frozenset(tags), Status(status), first, last)
                for tags, status, first, last in held.reply.data
            )
        except (TypeError, ValueError):  # another version's
            return None
        return _Derived(spans, held.at, revision=None)

    async def _when_resolved(
        self, incident: Incident, updated_at: int, walk: Walk[int]
    ) -> int | None:
        """Asked once for every update of an incident: its events only change with it.

        Where they do not tell (a server without events, or one that fails for this incident), the
        last update is the latest it was. What an outage left to older events is not remembered.
        """
        if not needs_resolved_time(incident):
            return None
        key = (incident.number, updated_at)
        if (known := self._resolved_at.get(key)) is not None:
            return known
        at = updated_at
        if not self.failing.is_due(incident.number):
            return at
        with walk.attempt(incident.number), recorded_reads() as record:
            told = await self._incidents.resolved_at(incident)
            at = updated_at if told is None else told
            if record.is_whole:
                self._resolved_at[key] = at
        return at
