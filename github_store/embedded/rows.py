"""What the embedded GitHub stores, as values. Times are whole epoch seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    id: int
    login: str
    type: str  # "User", "Bot" or "Organization"
    created_at: int


@dataclass(frozen=True, slots=True)
class Repository:
    id: int
    owner: str
    name: str
    private: bool
    has_issues: bool
    created_at: int
    updated_at: int
    pushed_at: int

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True, slots=True)
class Issue:
    """``gone`` is "" for an issue that is there, else "deleted" or "transferred"."""

    id: int
    repository_id: int
    number: int
    title: str
    body: str | None
    state: str
    state_reason: str | None
    author: str
    created_at: int
    updated_at: int
    closed_at: int | None
    closed_by: str | None
    locked: bool
    is_pull_request: bool
    assignees: tuple[str, ...]
    labels: tuple[int, ...]  # label ids in the order of attachment
    comments: int
    gone: str
    moved_to: str


@dataclass(frozen=True, slots=True)
class Label:
    id: int
    repository_id: int
    name: str
    color: str
    description: str | None
    is_default: bool
    updated_at: int


@dataclass(frozen=True, slots=True)
class Comment:
    id: int
    repository_id: int
    issue_id: int
    issue_number: int
    author: str
    body: str
    created_at: int
    updated_at: int
