"""A check-up of everything the service needs of GitHub, without writing anything.

A permission to write shows only when something is written. So the probes are writes that GitHub
has to refuse for their content (422): whoever may not write at all is refused before that (403 or
404). Source: REST docs, "Create a label", "Create a reference".
"""

from __future__ import annotations

import asyncio
import urllib.parse
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from github_store.api_address import address_remedy, is_github_itself
from github_store.authors import Authors
from github_store.current_labels import CurrentLabels
from github_store.errors import (
    AccessLost,
    BrokenDocument,
    ConfigurationError,
    GitHubTimeout,
    GitHubUnavailable,
    NotTheApi,
    RateLimited,
    StoreError,
)
from github_store.finding import (
    Finding,
    clock_findings,
    deliveries_finding,
    fail,
    hook_problem,
    is_our_hook,
    ok,
    quota_finding,
    rules_alone,
    warn,
)
from github_store.folder_name import server_folder_name
from github_store.freshness import Freshness
from github_store.gateway import (
    UNTOLD_LOGIN,
    Credential,
    Exchange,
    Gateway,
    Reply,
)
from github_store.held_answers import HeldAnswers
from github_store.held_board import MOST_BOARD_BYTES
from github_store.hook_setup import HOOK_PATH, shown_url
from github_store.issue_tracker import IssueTracker
from github_store.label_findings import label_findings
from github_store.label_memory import LabelMemory
from github_store.label_names import found_names
from github_store.monitor import Monitors
from github_store.monitors_file import load_monitors
from github_store.repository_access import Access, check_access
from github_store.status_board_format import BOARD_PATH, parse_board
from github_store.status_branch import StatusBranch
from github_store.time_findings import time_findings
from github_store.trust import Trust

SEEN_DELIVERIES: Final = 10

NO_COMMIT: Final = "0" * 40
_HARMLESS_RULES: Final = frozenset({"deletion", "non_fast_forward"})
"""Status is neither forced nor is its branch deleted."""


async def check_up(
    *,
    repository_name: str,
    credential: Credential,
    api_url: str,
    monitors_path: str,
    status_branch: str,
    trusted_authors: Collection[str] = (),
    data_dir: Path | None = None,
    server_name: str | None = None,
    clock: Callable[[], float],
    timeout_seconds: float = 12.0,
) -> list[Finding]:
    """Every finding, in the order to mend them in; ``clock`` gives seconds since 1970.

    Where GitHub does not answer, or no more, that is the last finding: nobody waits for it twice.
    ``trusted_authors``: whose issues are incidents without asking. ``data_dir`` and
    ``server_name``: as of open_store, to know which labels were renamed. ``timeout_seconds``: as of
    Gateway.
    """
    seen: list[tuple[Exchange, float]] = []
    gateway = Gateway(
        repository_name=repository_name,
        credential=credential,
        api_url=api_url,
        clock=clock,
        timeout_seconds=timeout_seconds,
        observe=lambda exchange: seen.append((exchange, clock())),
    )
    try:
        server = server_name or server_folder_name(api_url)
        folder = data_dir / server if data_dir else None
        checkup = _Checkup(gateway, monitors_path, status_branch, trusted_authors, folder, clock)
        return await checkup.findings(seen)
    finally:
        await gateway.close()


class _Checkup:
    def __init__(
        self,
        gateway: Gateway,
        monitors_path: str,
        branch: str,
        trusted_authors: Collection[str],
        folder: Path | None,
        clock: Callable[[], float],
    ) -> None:
        """``folder``: of this server's repositories, without the repository's key."""
        self._gateway = gateway
        self._monitors_path = monitors_path
        self._branch = branch
        self._trusted_authors = frozenset(trusted_authors)
        self._folder = folder
        self._clock = clock
        self._names = CurrentLabels()

    async def findings(self, seen: list[tuple[Exchange, float]]) -> list[Finding]:
        gateway = self._gateway
        try:
            access = await check_access(gateway)
        except ConfigurationError as error:
            setting, _, problem = str(error).partition(": ")
            return [*clock_findings(seen), fail("access", problem, f"set {setting} anew")]
        except StoreError as error:
            return [*clock_findings(seen), self._outage(error, ())]
        findings = [
            ok("repository", f"{gateway.repository_name} at {gateway.api_url}"),
            ok("token", f"{gateway.credential_name} works; this service is {_named(access)}"),
            *clock_findings(seen),
        ]
        steps: tuple[tuple[str, Callable[[], Awaitable[Iterable[Finding]]]], ...] = (
            ("quota", self._quota),
            ("issues", self._issues),
            ("contents", self._contents),
            ("monitors", lambda: self._monitors_and_labels(access)),
            ("times", lambda: self._times(access)),
            ("branch", self._branch_itself),
            ("rules", self._rules),
            ("webhook", self._webhook),
        )
        for number, (subject, step) in enumerate(steps):
            try:
                findings += await step()
            except StoreError as error:
                if isinstance(error, RateLimited) or seen[-1][0].status is None:
                    findings.append(self._outage(error, [name for name, _ in steps[number:]]))
                    break  # so it would be with all that follow, each as long as this one
                remedy = self._remedy(error)
                findings.append(fail(subject, f"cannot be told: {error}", remedy))
            except Exception as error:  # the other findings are worth having all the same
                remedy = "report this as a fault of this program's"
                findings.append(fail(subject, f"cannot be told: {error!r}", remedy))
        return findings

    def _outage(self, error: StoreError, untold: Iterable[str]) -> Finding:
        """That GitHub answers nothing now, and what therefore was not looked at."""
        found = ", ".join(untold)
        text = f"{error}; not looked at: {found}" if found else str(error)
        return fail("GitHub", text, self._remedy(error))

    def _remedy(self, error: StoreError) -> str:
        if isinstance(error, RateLimited):
            seconds = error.retry_after_seconds
            when = "later" if seconds is None else f"in {max(1, seconds)} s"
            return f"try again {when}, and see what else uses this token"
        if isinstance(error, AccessLost):
            return f"look at what {self._gateway.credential_name} is allowed to do"
        url = self._gateway.api_url
        if isinstance(error, NotTheApi):
            return address_remedy(url)
        if is_github_itself(url):
            return f"see whether {url} can be reached from here and what www.githubstatus.com says"
        return f"see whether {url} can be reached from here, and whether it is well"

    async def _quota(self) -> list[Finding]:
        reply = await self._gateway.request("GET", "/rate_limit")
        if not reply.ok:
            return [ok("quota", "this server counts no requests")]
        found = reply.data["resources"]
        return [
            quota_finding(name, found[name], now=self._clock())
            for name in ("core", "search")
            if name in found
        ]

    async def _issues(self) -> list[Finding]:
        reply = await self._refused("/labels", {"name": "incident", "color": "no colour"})
        return [self._permission("Issues", reply)]

    async def _contents(self) -> list[Finding]:
        body = {"ref": f"refs/heads/{self._branch}", "sha": NO_COMMIT}
        return [self._permission("Contents", await self._refused("/git/refs", body))]

    async def _refused(self, place: str, body: Mapping[str, str]) -> Reply:
        path = self._gateway.repository + place
        return await self._gateway.request("POST", path, body=body, accept={403})

    def _permission(self, name: str, reply: Reply) -> Finding:
        subject = name.lower()
        if reply.status in {409, 422}:  # 409: a repository without any commit
            return ok(subject, "may be written")
        return fail(
            subject,
            f"may not be written ({reply.status}: {reply.message})",
            f"give {self._gateway.credential_name} the permission {name}: read and write",
        )

    async def _monitors_and_labels(self, access: Access) -> list[Finding]:
        try:
            found = await load_monitors(self._gateway, self._monitors_path)
        except ConfigurationError as error:
            return [fail("monitors", str(error), "mend the file, or set MONITORS to another")]
        counted = f"{len(found.monitors)} in {self._monitors_path}"
        doubts = [warn("monitors", each, "mend the file") for each in found.warnings]
        return [ok("monitors", counted), *doubts, *await self._labels(found.monitors, access)]

    async def _labels(self, monitors: Monitors, access: Access) -> list[Finding]:
        folder, key = self._folder, access.repository_key
        memory = LabelMemory(folder and folder.with_name(f"{folder.name}-{key}"))
        remembered = await asyncio.to_thread(memory.recall)
        labels = await self._tracker().labels.all()
        names = found_names(labels, remembered.names)
        self._names.take(names)
        return label_findings(labels, names, dict(remembered.tag_ids), monitors)

    def _tracker(self) -> IssueTracker:
        held = HeldAnswers(self._gateway, freshness=Freshness(), clock=self._clock)
        return IssueTracker(self._gateway, held, clock=self._clock, names=self._names)

    async def _times(self, access: Access) -> list[Finding]:
        tracker = self._tracker()
        authors = Authors(
            tracker.collaborators,
            Trust(frozenset({access.own_login}), self._trusted_authors),
            clock=self._clock,
            is_own_known=access.own_login != UNTOLD_LOGIN,
        )
        return await time_findings(tracker, authors, now=self._clock())

    async def _branch_itself(self) -> list[Finding]:
        branch = StatusBranch(self._gateway, branch=self._branch, blobs=None, clock=self._clock)
        snapshot = await branch.snapshot()
        if snapshot is None:
            return [ok("branch", f"{self._branch} is not there; the first commit makes it")]
        try:
            content = await branch.read(snapshot, BOARD_PATH, most_bytes=MOST_BOARD_BYTES)
            if content is None:
                remedy = "none: the next commit puts it back"
                return [warn("branch", f"{self._branch} has no {BOARD_PATH}", remedy)]
            board = parse_board(content, name=f"{BOARD_PATH} on the branch {self._branch}")
        except BrokenDocument as error:
            return [fail("branch", str(error), "mend the file, or take back the edit")]
        return [ok("branch", f"{self._branch} holds {len(board.entries)} monitors")]

    async def _rules(self) -> list[Finding]:
        """Rules show to every reader, classic protection's details to administrators alone."""
        name = urllib.parse.quote(self._branch, safe="")
        found: set[str] = set()
        rules = await self._get(f"/rules/branches/{name}")
        if rules.ok and isinstance(rules.data, list):
            found = {str(rule.get("type")) for rule in rules.data} - _HARMLESS_RULES
        branch = await self._get(f"/branches/{name}")
        is_protected = branch.ok and bool(branch.data.get("protected"))
        if found:
            problem = f"a ruleset holds for {self._branch}: {', '.join(sorted(found))}"
        elif is_protected and not rules_alone(branch, rules):
            problem = f"{self._branch} is protected"
        else:
            return [ok("rules", f"nothing keeps commits from {self._branch}")]
        return [
            warn("rules", problem, "let the token's account bypass it, or leave the branch out")
        ]

    async def _webhook(self) -> list[Finding]:
        reply = await self._get("/hooks", per_page="100")
        if not reply.ok or not isinstance(reply.data, list):
            return [
                warn(
                    "webhook",
                    "this token may not see webhooks",
                    "look at the repository's Settings, Webhooks, or give it Webhooks: read",
                )
            ]
        ours = [hook for hook in reply.data if is_our_hook(hook)]
        if not ours:
            remedy = f"add one for https://<this service>{HOOK_PATH}; see the README"
            found = "there is none: edits on GitHub show only when they are asked for"
            return [warn("webhook", found, remedy)]
        return [await self._hook(hook) for hook in ours]

    async def _hook(self, hook: Mapping[str, Any]) -> Finding:
        if problem := hook_problem(hook):
            return warn("webhook", *problem)
        path, url = f"/hooks/{hook['id']}/deliveries", shown_url(str(hook["config"]["url"]))
        try:
            reply = await self._get(path, per_page=str(SEEN_DELIVERIES))
        except (GitHubTimeout, RateLimited):
            raise
        except GitHubUnavailable as error:  # the other hooks are worth looking at all the same
            found = f"the deliveries to {url} cannot be told: {error}"
            return warn("webhook", found, self._remedy(error))
        deliveries = reply.data if reply.ok and isinstance(reply.data, list) else []
        return deliveries_finding(url, deliveries)

    async def _get(self, place: str, **params: str) -> Reply:
        path = self._gateway.repository + place
        return await self._gateway.request("GET", path, params=params, accept={403})


def _named(access: Access) -> str:
    if access.own_login == UNTOLD_LOGIN:
        return "an App or a workflow, as which one shows when it writes"
    return access.own_login
