"""What stands on the branch, read from the git repository itself, and what must hold of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from github_store.day_file import day_latencies
from github_store.day_file_format import day_at, hour_at, parse_day, parse_hour
from github_store.day_minutes import LEGEND, MINUTES_OF_DAY, DayMinutes
from github_store.past_days import KEPT_DAYS
from github_store.status_board import Board
from github_store.status_board_format import parse_board
from tests.soak.ledger import Place, Value

BRANCH = "status-data"


def git(repository: Path, *arguments: str) -> bytes:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def commits(repository: Path) -> list[str]:
    """The messages, the newest first."""
    return git(repository, "log", "--format=%s", BRANCH).decode().splitlines()


class Committed:
    """The branch's newest commit; ``samples`` holds every one of its samples."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        names = self.git("ls-tree", "-r", "--name-only", BRANCH).decode().splitlines()
        files = {name: self.git("show", f"{BRANCH}:{name}") for name in names}
        self.board: Board = parse_board(files.pop("status.json"))
        self.days = {
            day: parse_day(content, name=name)
            for name, content in files.items()
            if (day := day_at(name)) is not None
        }
        self.hours = {
            hour: parse_hour(content, name=name)
            for name, content in files.items()
            if (hour := hour_at(name)) is not None
        }
        self.samples: dict[Place, Value] = {}
        for day, file in self.days.items():
            for tag, record in file.records.items():
                self._add(day, tag, record.minutes, record.latencies)
        for tag, entry in self.board.entries.items():
            today = self.board.today
            self._add(today, tag, entry.minutes, day_latencies(self.hours, today, tag))

    def git(self, *arguments: str) -> bytes:
        return git(self._repository, *arguments)

    def require_soundness(self) -> None:
        """Nothing is there twice, every count is that of its minutes, and git has no complaint."""
        today = self.board.today
        assert today not in self.days, "today is on the board alone"
        assert {hour // 24 for hour in self.hours} <= {today}, "past hours are folded"
        for tag, entry in self.board.entries.items():
            for ago in range(1, KEPT_DAYS + 1):
                file = self.days.get(today - ago)
                counted = sum(
                    1 for minute in range(MINUTES_OF_DAY)
                    if Place(tag, (today - ago) * MINUTES_OF_DAY + minute) in self.samples
                )  # fmt: skip
                own = entry.days.before(ago)
                assert own.total == counted, (tag, ago)
                assert file is None or own == file.minutes(tag).counts, (tag, ago)
            own_minutes = [place.minute for place in self.samples if place.tag == tag]
            assert entry.known_since == min(own_minutes), tag
            newest = Place(tag, max(own_minutes))
            assert entry.latest.minute == newest.minute, tag
            assert (entry.latest.status, entry.latest.latency) == self.samples[newest], tag
        self.git("fsck", "--strict", "--no-dangling")
        merges = self.git("rev-list", "--merges", BRANCH)
        assert merges == b"", "history is linear"
        assert len(self.git("rev-list", "--max-parents=0", BRANCH).split()) == 1, "one beginning"

    def _add(
        self, day: int, tag: str, minutes: DayMinutes, latencies: tuple[float | None, ...]
    ) -> None:
        for minute, letter in enumerate(minutes.letters):
            if status := LEGEND.get(chr(letter)):
                place = Place(tag, day * MINUTES_OF_DAY + minute)
                assert place not in self.samples, place
                latency = latencies[minute] if minute < len(latencies) else None
                assert latency is not None, place
                self.samples[place] = Value(status.value, latency)
