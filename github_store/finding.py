"""What a check-up finds, and how answers of GitHub's are judged for it: without asking anybody."""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

from github_store.gateway import Exchange, Reply
from github_store.hook_setup import EVENTS, HOOK_PATH

SKEW_WARN_SECONDS: Final = 5.0
SKEW_FAIL_SECONDS: Final = 60.0
"""GitHub refuses an App's signature that is dated further off."""
QUOTA_LOW: Final = 0.1


class Grade(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was found, and what a person can do about it."""

    grade: Grade
    subject: str
    found: str
    remedy: str = ""


def ok(subject: str, found: str) -> Finding:
    return Finding(Grade.OK, subject, found)


def warn(subject: str, found: str, remedy: str) -> Finding:
    return Finding(Grade.WARN, subject, found, remedy)


def fail(subject: str, found: str, remedy: str) -> Finding:
    return Finding(Grade.FAIL, subject, found, remedy)


def clock_findings(seen: Iterable[tuple[Exchange, float]]) -> list[Finding]:
    """How far this machine's clock is from GitHub's, by the first answer with a Date.

    Each exchange comes with the time when its answer was there. Date is cut to whole seconds.
    """
    for exchange, answered_at in seen:
        try:
            theirs = parsedate_to_datetime(exchange.headers.get("date", "")).timestamp() + 0.5
        except ValueError:
            continue
        skew = answered_at - exchange.seconds / 2 - theirs
        word = "ahead of" if skew > 0 else "behind"
        found = f"{abs(skew):.0f} s {word} GitHub's"
        if abs(skew) < SKEW_WARN_SECONDS:
            return [ok("clock", "agrees with GitHub's")]
        judged = fail if abs(skew) >= SKEW_FAIL_SECONDS else warn
        return [judged("clock", found, "set this machine's clock, best by NTP")]
    return []


def quota_finding(name: str, found: Mapping[str, Any], *, now: float) -> Finding:
    """``found`` is one resource of GET /rate_limit."""
    left, limit = int(found.get("remaining", 0)), int(found.get("limit", 0))
    minutes = max(0, int(found.get("reset", 0)) - int(now)) // 60 + 1
    text = f"{left} of {limit} requests left"
    if left > QUOTA_LOW * limit:
        return ok(f"quota {name}", text)
    remedy = f"whole again in {minutes} min; see what else uses this token"
    return (fail if left == 0 else warn)(f"quota {name}", text, remedy)


def rules_alone(branch: Reply, rules: Reply) -> bool:
    """Whether a branch counts as protected for harmless rules, and not for classic protection."""
    classic = (branch.data.get("protection") or {}).get("enabled")
    return bool(rules.ok and rules.data and classic is False)


def is_our_hook(hook: Mapping[str, Any]) -> bool:
    url = urllib.parse.urlsplit(str((hook.get("config") or {}).get("url", "")))
    return url.path.endswith(HOOK_PATH)


def hook_problem(hook: Mapping[str, Any]) -> tuple[str, str] | None:
    """What is wrong with how it is set up, and what to do."""
    config, events = hook["config"], set(hook.get("events") or ())
    missing = [] if "*" in events else [each for each in EVENTS if each not in events]
    if not hook.get("active", True):
        return "it is switched off", "tick Active"
    if config.get("content_type") != "json":
        return "it sends no JSON", "set its content type to application/json"
    if not config.get("secret"):
        return "it signs nothing", "give it a secret, and set GITHUB_WEBHOOK_SECRET to the same"
    if missing:
        return f"it leaves out {', '.join(missing)}", "tick these events"
    return None


def deliveries_finding(url: str, deliveries: Sequence[Any]) -> Finding:
    """``deliveries``: newest first, as GitHub lists them."""
    if not deliveries:
        return warn("webhook", f"nothing was delivered to {url} lately", "send it a ping")
    codes = [int(each.get("status_code") or 0) for each in deliveries]
    failed = [code for code in codes if not 200 <= code < 300]
    if not failed:
        counted = "delivery" if len(codes) == 1 else f"{len(codes)} deliveries"
        return ok("webhook", f"the last {counted} arrived at {url}")
    if failed[0] in {401, 403} and codes[0] == failed[0]:
        remedy = "set GITHUB_WEBHOOK_SECRET to the hook's secret"
        return fail("webhook", f"this service refuses its deliveries ({failed[0]})", remedy)
    found = f"{len(failed)} of the last {len(codes)} deliveries failed (last: {codes[0] or 'none'})"
    return warn("webhook", found, f"see that GitHub can reach {url}, and redeliver them")
