"""Rows as the JSON objects of GitHub's REST API.

Keys and their order follow recordings of 2025 and 2026. Every URL is on the embedded server's own
address, pages for people included: nothing leads a client away from it. The ``archived_at`` and
``archived_by`` of labels in the description of October 2026 are left out, as in all recordings.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .rows import Comment, Issue, Label, Repository, User

Json = dict[str, Any]
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")


def iso(seconds: int | float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_or_none(seconds: int | None) -> str | None:
    return None if seconds is None else iso(seconds)


def node_id(prefix: str, *parts: int | str) -> str:
    """Opaque, stable and unlike any other object's: all that clients may rely on."""
    text = ":".join(str(part) for part in parts).encode()
    return f"{prefix}_{base64.urlsafe_b64encode(text).decode().rstrip('=')}"


def api_url(base: str, repository: Repository) -> str:
    return f"{base}/repos/{repository.full_name}"


def html_url(base: str, repository: Repository) -> str:
    return f"{base}/{repository.full_name}"


def user_json(base: str, user: User) -> Json:
    url = f"{base}/users/{quote(user.login)}"
    return {
        "login": user.login,
        "id": user.id,
        "node_id": node_id("U", user.id),
        "avatar_url": f"{base}/avatars/u/{user.id}?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{base}/{quote(user.login)}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": user.type,
        "user_view_type": "public",
        "site_admin": False,
    }


def label_json(base: str, repository: Repository, label: Label) -> Json:
    return {
        "id": label.id,
        "node_id": node_id("LA", label.id),
        "url": f"{api_url(base, repository)}/labels/{quote(label.name, safe=':')}",
        "name": label.name,
        "color": label.color,
        "default": label.is_default,
        "description": label.description,
    }


def reactions_json(url: str) -> Json:
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)}


def issue_json(
    base: str,
    repository: Repository,
    issue: Issue,
    *,
    author: Json,
    association: str,
    labels: list[Json],
    assignees: list[Json],
    closed_by: Json | None,
    single: bool = False,
) -> Json:
    """``single``: as GET, POST and PATCH of one issue give it, with the keys lists leave out."""
    home = api_url(base, repository)
    url = f"{home}/issues/{issue.number}"
    page = "pull" if issue.is_pull_request else "issues"
    shown: Json = {
        "url": url,
        "repository_url": home,
        "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments",
        "events_url": f"{url}/events",
        "html_url": f"{html_url(base, repository)}/{page}/{issue.number}",
        "id": issue.id,
        "node_id": node_id("PR" if issue.is_pull_request else "I", issue.id),
        "number": issue.number,
        "title": issue.title,
        "user": author,
        "labels": labels,
        "state": issue.state,
        "locked": issue.locked,
        "assignees": assignees,
        "milestone": None,
        "comments": issue.comments,
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso_or_none(issue.closed_at),
        "assignee": assignees[0] if assignees else None,
        "author_association": association,
        "active_lock_reason": None,
        **_kind_json(base, repository, issue),
        "body": issue.body,
        "closed_by": closed_by,
        "reactions": reactions_json(url),
        "timeline_url": f"{url}/timeline",
        "performed_via_github_app": None,
        "state_reason": issue.state_reason,
    }
    if single:
        shown["pinned_comment"] = None
    return shown


def _kind_json(base: str, repository: Repository, issue: Issue) -> Json:
    """Pull requests alone have ``draft`` and ``pull_request``; issues alone the summaries."""
    if not issue.is_pull_request:
        return {
            "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0},
            "issue_dependencies_summary": {
                "blocked_by": 0,
                "total_blocked_by": 0,
                "blocking": 0,
                "total_blocking": 0,
            },
        }
    page = f"{html_url(base, repository)}/pull/{issue.number}"
    return {
        "draft": False,
        "pull_request": {
            "url": f"{api_url(base, repository)}/pulls/{issue.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": None,
        },
    }


def comment_json(
    base: str, repository: Repository, comment: Comment, *, author: Json, association: str
) -> Json:
    home = api_url(base, repository)
    url = f"{home}/issues/comments/{comment.id}"
    page = f"{html_url(base, repository)}/issues/{comment.issue_number}"
    return {
        "url": url,
        "html_url": f"{page}#issuecomment-{comment.id}",
        "issue_url": f"{home}/issues/{comment.issue_number}",
        "id": comment.id,
        "node_id": node_id("IC", comment.id),
        "user": author,
        "created_at": iso(comment.created_at),
        "updated_at": iso(comment.updated_at),
        "author_association": association,
        "body": comment.body,
        "reactions": reactions_json(url),
        "performed_via_github_app": None,
    }
