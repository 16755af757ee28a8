"""The files of a status branch, and how a server changes them: loads what is needed, no more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from github_store.coverage import IncidentSpan
from github_store.day_file import DayFile
from github_store.day_file_format import day_at, day_path, hour_at, parse_day, parse_hour
from github_store.day_minutes import DayMinutes
from github_store.monitor import Monitor, Monitors
from github_store.sample import WINDOW_MINUTES, Sample
from github_store.status_board import Board
from github_store.status_board_format import BOARD_PATH, parse_board
from github_store.status_changes import applied, files_needed
from github_store.status_files import StatusFiles, changed_files, day_under_present_tags
from github_store.tag_aliases import AliasMap
from github_store.window_status import DaysNeeded, MonitorStatus, window_status

NO_ALIASES = Monitors([]).aliases


class StatusTree:
    """Content by path. ``loaded`` are the paths that were ever read."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        self.files = dict(files or {})
        self.loaded: set[str] = set()

    def board(self, today: int = 0) -> Board:
        content = self.files.get(BOARD_PATH)
        return Board(today) if content is None else parse_board(content)

    def day(self, day: int) -> DayFile:
        path = day_path(day)
        self.loaded.add(path)
        content = self.files.get(path)
        return DayFile(day) if content is None else parse_day(content, name=path)

    def flush(
        self, samples: Iterable[Sample], *, today: int, tags: AliasMap = NO_ALIASES
    ) -> dict[str, bytes | None]:
        """Make one commit of these samples; return what it changed."""
        samples = list(samples)
        board = self.board(today)
        needed = files_needed(board, samples, today=today, present=self.files, tags=tags)
        self.loaded |= needed
        before = StatusFiles(
            board,
            {day: self.day(day) for path in needed if (day := day_at(path)) is not None},
            {
                hour: parse_hour(self.files[path], name=path)
                for path in needed
                if (hour := hour_at(path)) is not None
            },
        )
        changes = changed_files(before, applied(before, samples, today=today, tags=tags))
        for path, content in changes.items():
            if content is None:
                del self.files[path]
            else:
                self.files[path] = content
        return changes

    def answer(
        self,
        monitor: Monitor,
        *,
        now: int,
        since: int = WINDOW_MINUTES,
        spans: Sequence[IncidentSpan] = (),
        pending: Sequence[Sample] = (),
        tags: AliasMap = NO_ALIASES,
    ) -> MonitorStatus:
        """What GET answers, the days it asks for read as it asks for them."""
        past: dict[int, DayMinutes] = {}
        while True:
            found = window_status(
                self.board(now // 1_440), monitor, now=now, since_minutes=since, spans=spans,
                pending=pending, past=past,
            )  # fmt: skip
            if not isinstance(found, DaysNeeded):
                return found
            assert not found.days & past.keys()
            for day in found.days:
                past[day] = day_under_present_tags(self.day(day), tags).minutes(monitor.tag)
