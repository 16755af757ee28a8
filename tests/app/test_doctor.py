"""What the doctor finds, and what it says to do; it writes nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from app.doctor import examine, exit_code, local_findings, report
from app.settings import read_settings
from github_store import (
    ConfigurationError,
    Damage,
    Exchange,
    Finding,
    Grade,
    TokenCredential,
    check_up,
    checkup,
)
from github_store.embedded import EmbeddedGitHub
from github_store.embedded.faults import Kind
from github_store.finding import clock_findings
from github_store.labels import OWN_LABELS
from github_store.time_findings import MOST_NAMED
from tests.github_person import Person
from tests.store.scripted_http import Answer, scripted

REPOSITORY = "owner/status"
MONITORS = b"[{name: Earth, tag: earth}, {name: Mars, tag: mars}]"
EVENTS = ["issues", "issue_comment", "label", "member", "push", "repository"]

Found = dict[str, Finding]


@pytest.fixture
def github(tmp_path: Path) -> Iterator[EmbeddedGitHub]:
    with EmbeddedGitHub(tmp_path / "github") as github:
        github.create_repository(REPOSITORY, files={"monitors.yaml": MONITORS})
        yield github


@pytest.fixture
def owner(github: EmbeddedGitHub) -> Person:
    return Person(github.url, github.tokens["owner"])


def findings_of(tmp_path: Path, url: str, token: str, **given: str) -> list[Finding]:
    environment = {
        "GITHUB_API_URL": url,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GH_TOKEN": token,
        "API_TOKEN": "a-token-that-is-long",
        "GITHUB_WEBHOOK_SECRET": "hook-secret",
        "DATA_DIR": str(tmp_path / "data"),
        "MONITORS": "monitors-for-the-doctor.yaml",
        **given,
    }
    return examine(read_settings(environment))


def examined(tmp_path: Path, url: str, token: str, **given: str) -> Found:
    """The findings by subject, each there once."""
    findings = findings_of(tmp_path, url, token, **given)
    found = {finding.subject: finding for finding in findings}
    assert len(found) == len(findings)
    return found


def of(github: EmbeddedGitHub, tmp_path: Path, login: str = "owner", **given: str) -> Found:
    given = {"MONITORS": "monitors.yaml", **given}
    return examined(tmp_path, github.url, github.tokens[login], **given)


def hook(owner: Person, url: str, **more: Any) -> Any:
    config = {"url": url, "content_type": "json", "secret": "x", **more.pop("config", {})}
    body = {"name": "web", "active": True, "events": EVENTS, "config": config, **more}
    return owner.do("POST", "/hooks", body)


# a repository as it should be


def test_what_is_right_is_ok_line_by_line(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    for style in OWN_LABELS:
        owner.do("POST", "/labels", {"name": style.name, "color": style.color})
    for tag in ("earth", "mars"):
        owner.do("POST", "/labels", {"name": tag.upper(), "color": "ffffff"})
    with scripted(*[Answer(200)] * 5) as service:
        hook(owner, f"{service.url}/webhooks/github")
        assert github.wait_for_hooks()
        found = of(github, tmp_path)
    assert {finding.grade for finding in found.values()} == {Grade.OK}
    assert list(found) == [
        "DATA_DIR", "repository", "token", "clock", "quota core", "quota search", "issues",
        "contents", "monitors", "labels", "times", "branch", "rules", "webhook",
    ]  # fmt: skip
    assert found["token"].found.endswith("this service is owner")
    assert found["monitors"].found.startswith("2 in ")
    assert exit_code(list(found.values())) == 0


def test_times_that_cannot_be_used_are_told_by_number_and_field(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    stranger = Person(github.url, github.tokens["stranger"])
    backwards = "[start_datetime:1795545000] [end_datetime:2026-11-24 18:00]"
    bad = owner.open_issue(body="### End time (UTC)\n\n24/11/2026\u202e")
    closed, dismissed = owner.open_issue(body=backwards), owner.open_issue(body=backwards)
    owner.open_issue(body="[start_datetime:5]")
    owner.open_issue(body="[start_datetime:x]", labels=["bug"])
    theirs = stranger.open_issue(body="[start_datetime:x]")
    owner.do("POST", f"/issues/{theirs}/labels", {"labels": ["incident", "earth"]})
    owner.do("PATCH", f"/issues/{closed}", {"state": "closed"})
    owner.do("PATCH", f"/issues/{dismissed}", {"state": "closed", "state_reason": "not_planned"})
    found = of(github, tmp_path)
    told = {subject: each.found for subject, each in found.items() if "incident" in subject}
    assert told == {
        f"incident {bad}": 'endDatetime: "24/11/2026\\u202e" cannot be read as a time',
        f"incident {closed}": (
            "endDatetime: 2026-11-24 18:00 UTC is not after the start, 2026-11-24 18:30 UTC"
        ),
    }
    trusted = of(github, tmp_path, TRUSTED_AUTHORS="stranger")
    assert trusted[f"incident {theirs}"].grade is Grade.WARN


def test_of_many_incidents_some_are_named_and_the_rest_listed(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    for _ in range(MOST_NAMED + 2):
        owner.open_issue(body="[start_datetime:x]")
    found = of(github, tmp_path)
    assert len([subject for subject in found if "incident" in subject]) == MOST_NAMED
    assert found["times"].found == "of 2 more cannot be used: 2, 1"


def test_nothing_is_written(github: EmbeddedGitHub, owner: Person, tmp_path: Path) -> None:
    before = [owner.do("GET", place) for place in ("", "/labels", "/git/refs", "/issues?state=all")]
    of(github, tmp_path)
    after = [owner.do("GET", place) for place in ("", "/labels", "/git/refs", "/issues?state=all")]
    assert after == before
    assert not (tmp_path / "data").exists()


# what is wrong


def test_a_wrong_token_fails_and_says_which_setting(github: EmbeddedGitHub, tmp_path: Path) -> None:
    found = examined(tmp_path, github.url, "wrong-token")
    assert found["access"].grade is Grade.FAIL
    assert "401" in found["access"].found
    assert found["access"].remedy == "set GH_TOKEN anew"
    assert "issues" not in found
    assert "wrong-token" not in report(list(found.values()))


def test_a_missing_repository_fails(github: EmbeddedGitHub, tmp_path: Path) -> None:
    found = of(github, tmp_path, GITHUB_REPOSITORY="owner/none")
    assert found["access"].grade is Grade.FAIL
    assert "owner/none does not exist" in found["access"].found


def test_an_account_that_may_not_write_fails(github: EmbeddedGitHub, tmp_path: Path) -> None:
    found = of(github, tmp_path, "stranger")
    assert "no write access" in found["access"].found


def test_a_github_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    with scripted() as gone:
        url = gone.url
    found = examined(tmp_path, url, "token")
    assert found["GitHub"].grade is Grade.FAIL
    assert exit_code(list(found.values())) == 1


def test_labels_that_are_missing_are_named(github: EmbeddedGitHub, tmp_path: Path) -> None:
    labels = of(github, tmp_path)["labels"]
    assert labels.grade is Grade.WARN
    assert labels.found.startswith("10 of 10 are missing: incident, ")
    assert "created when the service starts" in labels.remedy


def test_a_wrong_monitors_file_fails_with_its_place(github: EmbeddedGitHub, tmp_path: Path) -> None:
    github.create_repository("owner/broken", files={"monitors.yaml": b"- name: A\n  tag: a,b\n"})
    monitors = of(github, tmp_path, GITHUB_REPOSITORY="owner/broken")["monitors"]
    assert monitors.grade is Grade.FAIL
    assert "monitors.yaml, line 2" in monitors.found


def test_a_board_that_a_person_broke_fails_with_its_place(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    head = owner.do("GET", "/git/ref/heads/main")["object"]["sha"]
    owner.do("POST", "/git/refs", {"ref": "refs/heads/status-data", "sha": head})
    no_board = of(github, tmp_path)["branch"]
    content = {"message": "x", "branch": "status-data", "content": "e30sfQ=="}
    owner.do("PUT", "/contents/status.json", content)
    broken = of(github, tmp_path)["branch"]
    assert (no_board.grade, broken.grade) == (Grade.WARN, Grade.FAIL)
    assert "status.json on the branch status-data, line 1" in broken.found


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"active": False}, "switched off"),
        ({"config": {"content_type": "form"}}, "no JSON"),
        ({"config": {"secret": ""}}, "signs nothing"),
        ({"events": ["push"]}, "leaves out issues, issue_comment, label, member, repository"),
    ],
    ids=["switched off", "a form", "without a secret", "few events"],
)
def test_a_hook_that_is_set_up_wrong_is_warned_of(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, more: dict[str, Any], words: str
) -> None:
    hook(owner, "http://127.0.0.1:9/webhooks/github", **more)
    found = of(github, tmp_path)["webhook"]
    assert found.grade is Grade.WARN
    assert words in found.found
    assert found.remedy


@pytest.mark.parametrize(
    ("status", "grade", "words"),
    [(403, Grade.FAIL, "refuses its deliveries"), (502, Grade.WARN, "deliveries failed")],
)
def test_deliveries_that_fail_are_told(
    github: EmbeddedGitHub,
    owner: Person,
    tmp_path: Path,
    status: int,
    grade: Grade,
    words: str,
) -> None:
    with scripted(*[Answer(status)] * 5) as service:
        hook(owner, f"{service.url}/webhooks/github")
        assert github.wait_for_hooks()
    found = of(github, tmp_path)["webhook"]
    assert found.grade is grade
    assert words in found.found


def test_one_hook_whose_deliveries_fail_keeps_no_other_from_being_told_of(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    with scripted(*[Answer(200)] * 20) as service:
        for number in range(2):
            hook(owner, f"{service.url}/{number}/webhooks/github")
        assert github.wait_for_hooks()
    first = owner.do("GET", "/hooks")[0]["id"]
    github.faults.add("error", match=f"/hooks/{first}/deliveries", status=500)
    all_found = findings_of(tmp_path, github.url, github.tokens["owner"], MONITORS="monitors.yaml")
    findings = [each.found for each in all_found if each.subject == "webhook"]
    assert ["/0/webhooks" in each for each in findings] == [True, False]
    assert ["cannot be told" in each for each in findings] == [True, False]
    assert "/1/webhooks" in findings[1]


def test_a_fault_of_ours_in_one_step_leaves_the_others_their_findings(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Finding:
        raise KeyError("resources")

    monkeypatch.setattr(checkup, "quota_finding", fail)
    found = of(github, tmp_path)
    assert found["quota"].grade is Grade.FAIL
    assert "KeyError" in found["quota"].found
    assert found["branch"].grade is Grade.OK


def test_a_hook_for_another_program_is_none(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    hook(owner, "http://127.0.0.1:9/somewhere/else")
    found = of(github, tmp_path)["webhook"]
    assert (found.grade, found.found.startswith("there is none")) == (Grade.WARN, True)


def test_a_token_that_may_not_see_hooks_is_told_where_to_look(
    github: EmbeddedGitHub, tmp_path: Path
) -> None:
    found = of(github, tmp_path, "collaborator")
    assert found["webhook"].grade is Grade.WARN
    assert "Settings, Webhooks" in found["webhook"].remedy
    assert exit_code(list(found.values())) == 0


# what the embedded GitHub cannot be made to say

REFUSED = Answer(403, {"message": "Resource not accessible by personal access token"})


def answers(**changes: Answer) -> list[Answer]:
    """Of a repository that is well, in the order asked; changed by name."""
    usual = {
        "repository": Answer(200, {"full_name": REPOSITORY, "id": 7}),
        "user": Answer(200, {"login": "octocat"}),
        "limits": Answer(200, {"resources": {}}),
        "label": Answer(422),
        "ref": Answer(422),
        "monitors": Answer(200, {"type": "file", "content": "W3tuYW1lOiBBLCB0YWc6IGF9XQ=="}),
        "labels": Answer(200, []),
        "open incidents": Answer(200, []),
        "closed incidents": Answer(200, []),
        "branch": Answer(404),
        "still there": Answer(200),
        "rules": Answer(200, []),
        "protection": Answer(404),
        "hooks": Answer(404),
    }
    return list({**usual, **changes}.values())


def test_permissions_that_are_missing_fail_by_their_names(tmp_path: Path) -> None:
    with scripted(*answers(label=REFUSED, ref=REFUSED)) as server:
        found = examined(tmp_path, server.url, "token")
    for subject, name in (("issues", "Issues"), ("contents", "Contents")):
        assert found[subject].grade is Grade.FAIL
        assert found[subject].remedy == f"give GH_TOKEN the permission {name}: read and write"


@pytest.mark.parametrize(
    ("rules", "protection", "words"),
    [
        ([{"type": "pull_request"}, {"type": "deletion"}], {"protected": True}, "pull_request"),
        ([], {"protected": True, "protection": {"enabled": True}}, "is protected"),
        ([], {"protected": True}, "is protected"),
        ([{"type": "deletion"}], {"protected": True, "protection": {"enabled": False}}, None),
        ([], {"protected": False}, None),
    ],
    ids=["a ruleset", "classic protection", "no details", "a harmless ruleset", "nothing"],
)
def test_a_branch_that_is_kept_from_the_service_is_warned_of(
    tmp_path: Path, rules: Any, protection: Any, words: str | None
) -> None:
    changes = {"rules": Answer(200, rules), "protection": Answer(200, protection)}
    with scripted(*answers(**changes)) as server:
        found = examined(tmp_path, server.url, "token")["rules"]
    assert found.grade is (Grade.WARN if words else Grade.OK)
    assert not words or words in found.found


@pytest.mark.parametrize(
    ("remaining", "grade"), [(5000, Grade.OK), (400, Grade.WARN), (0, Grade.FAIL)]
)
def test_a_quota_that_is_nearly_used_up_is_told(
    tmp_path: Path, remaining: int, grade: Grade
) -> None:
    core = {"limit": 5000, "remaining": remaining, "reset": 0}
    with scripted(*answers(limits=Answer(200, {"resources": {"core": core}}))) as server:
        found = examined(tmp_path, server.url, "token")["quota core"]
    assert found.grade is grade
    assert f"{remaining} of 5000" in found.found


@pytest.mark.parametrize(
    ("ahead", "grade"),
    [(0, Grade.OK), (4, Grade.OK), (20, Grade.WARN), (-20, Grade.WARN), (90, Grade.FAIL)],
)
def test_a_clock_that_is_off_is_told(ahead: int, grade: Grade) -> None:
    headers = {"date": formatdate(1_800_000_000, usegmt=True)}
    answered_at = 1_800_000_000.6 + ahead
    [found] = clock_findings([(Exchange("GET", "/", 200, 0.2, headers), answered_at)])
    assert found.grade is grade


@pytest.mark.parametrize("headers", [{}, {"date": "soon"}], ids=["none", "nonsense"])
def test_a_server_that_tells_no_time_says_nothing_of_the_clock(headers: dict[str, str]) -> None:
    assert clock_findings([(Exchange("GET", "/", 200, 0.2, headers), 0.0)]) == []


def test_a_step_that_fails_leaves_the_others_their_findings(tmp_path: Path) -> None:
    outage = Answer(502)
    with scripted(*answers(label=outage)) as server:
        found = examined(tmp_path, server.url, "token")
    assert found["issues"].grade is Grade.FAIL
    assert "cannot be told" in found["issues"].found
    assert found["contents"].grade is Grade.OK


LATER = ["quota", "issues", "contents", "monitors", "times", "branch", "rules", "webhook"]


def checked_up(github: EmbeddedGitHub) -> list[Finding]:
    """With less patience than the doctor has."""
    return asyncio.run(
        check_up(
            repository_name=REPOSITORY,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            monitors_path="monitors.yaml",
            status_branch="status-data",
            clock=time.time,
            timeout_seconds=0.2,
        )
    )


@pytest.mark.parametrize(
    ("match", "untold"),
    [
        pytest.param("", [], id="from the beginning"),
        *(
            pytest.param(place, LATER[number:], id=LATER[number])
            for number, place in enumerate(
                [
                    *("/rate_limit", "POST .*/labels", "POST .*/refs", "/contents"),
                    *("labels=incident", "status-data"),
                ]
            )
        ),
    ],
)
@pytest.mark.parametrize("fault", ["hang", "outage"])
def test_a_github_that_does_not_answer_is_waited_for_once_and_told_in_one_line(
    github: EmbeddedGitHub, fault: Kind, match: str, untold: list[str]
) -> None:
    github.faults.add(fault, match=match)
    began = time.monotonic()
    findings = checked_up(github)
    assert time.monotonic() - began < 2
    [failed] = [finding for finding in findings if finding.grade is Grade.FAIL]
    assert failed is findings[-1]
    assert failed.subject == "GitHub"
    assert failed.remedy == (
        f"see whether {github.url} can be reached from here, and whether it is well"
    )
    assert failed.found.partition("; not looked at: ")[2] == ", ".join(untold)


@pytest.mark.parametrize(
    ("match", "untold"), [("", False), ("POST ", True)], ids=["at once", "on the way"]
)
def test_a_rate_limit_is_told_once_and_when_to_come_again(
    github: EmbeddedGitHub, tmp_path: Path, match: str, untold: bool
) -> None:
    github.faults.add("secondary_limit", match=match, retry_after=30)
    found = of(github, tmp_path)
    assert [name for name, each in found.items() if each.grade is Grade.FAIL] == ["GitHub"]
    assert "rate limit" in found["GitHub"].found
    assert ("not looked at: issues, " in found["GitHub"].found) is untold
    assert found["GitHub"].remedy == "try again in 30 s, and see what else uses this token"


def test_a_refusal_on_the_way_says_to_look_at_the_token(
    github: EmbeddedGitHub, tmp_path: Path
) -> None:
    github.faults.add("forbidden", match="/git/ref/")
    found = of(github, tmp_path)["branch"]
    assert found.grade is Grade.FAIL
    assert found.remedy == "look at what GH_TOKEN is allowed to do"


# settings and this machine


def test_settings_that_are_weak_are_warned_of(github: EmbeddedGitHub, tmp_path: Path) -> None:
    found = of(github, tmp_path, API_TOKEN="short", GITHUB_WEBHOOK_SECRET="")
    assert found["API_TOKEN"].grade is Grade.WARN
    assert found["GITHUB_WEBHOOK_SECRET"].grade is Grade.WARN


def test_a_token_that_travels_unencrypted_is_warned_of(tmp_path: Path) -> None:
    found = examined(tmp_path, "http://github.invalid", "token")
    assert found["GITHUB_API_URL"].grade is Grade.WARN


def test_a_data_directory_that_is_none_fails(github: EmbeddedGitHub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = of(github, tmp_path, DATA_DIR=str(tmp_path / "file"))["DATA_DIR"]
    assert found.grade is Grade.FAIL


def test_a_setting_that_is_missing_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="GITHUB_REPOSITORY is missing"):
        examine(read_settings({"GH_TOKEN": "x"}))


def test_an_embedded_github_that_has_not_run_is_no_fault(tmp_path: Path) -> None:
    findings = examine(read_settings({"DATA_DIR": str(tmp_path / "none")}))
    assert exit_code(findings) == 0
    assert "has not run yet" in findings[-1].found
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("is_running", [True, False], ids=["of a running service", "at rest"])
def test_the_embedded_github_is_examined(tmp_path: Path, is_running: bool) -> None:
    data_dir = tmp_path / "data"
    with EmbeddedGitHub(data_dir) as github:
        github.create_repository(REPOSITORY, files={"monitors.yaml": MONITORS})
        if is_running:
            findings = examine(read_settings({"DATA_DIR": str(data_dir)}))
    if not is_running:
        findings = examine(read_settings({"DATA_DIR": str(data_dir)}))
    assert exit_code(findings) == 0
    tokens = json.loads((data_dir / "embedded.json").read_text())["tokens"]
    assert not [token for token in tokens.values() if token in report(findings)]


# the report


def test_a_report_has_one_line_for_each_finding() -> None:
    findings = [
        Finding(Grade.OK, "token", "works"),
        Finding(Grade.FAIL, "clock", "90 s\nahead of GitHub's", "set it"),
    ]
    assert report(findings) == "ok    token  works\nfail  clock  90 s ahead of GitHub's: set it"
    assert exit_code(findings) == 1
    assert exit_code([Finding(Grade.WARN, "x", "y", "z")]) == 0


def test_damage_to_the_journal_fails_until_its_note_is_removed(tmp_path: Path) -> None:
    journal = tmp_path / "127.0.0.1-1"
    journal.mkdir()
    note = journal / "journal-damage-20261129T120000.000Z.json"
    damage = Damage(
        noticed_at=1_795_953_600.0, problem="journal.sqlite is damaged", missing=27, after=None,
        before=None, saved=13,
    )  # fmt: skip
    note.write_text(json.dumps(asdict(damage)))
    settings = read_settings({"DATA_DIR": str(tmp_path)})
    (found,) = (each for each in local_findings(settings) if each.subject == "journal")
    assert found.grade is Grade.FAIL
    assert "27 acknowledged samples are missing" in found.found
    assert f"remove {note.name}" in found.found
    note.unlink()
    assert not [each for each in local_findings(settings) if each.subject == "journal"]


def test_an_incident_that_ended_and_that_nobody_closed_is_named(
    github: EmbeddedGitHub, owner: Person, tmp_path: Path
) -> None:
    now = time.time()
    ended, later = (f"[end_datetime:{int(now) + seconds}]" for seconds in (100, 5_000))
    numbers = [owner.open_issue(body=body) for body in (ended, later, "without an end")]
    touched = owner.open_issue(body=f"[end_datetime:{int(now) - 100}]")
    assert "closing" not in of(github, tmp_path)

    async def later_on() -> list[Finding]:
        return await check_up(
            repository_name=REPOSITORY,
            credential=TokenCredential(github.tokens["owner"]),
            api_url=github.url,
            monitors_path="monitors.yaml",
            status_branch="status-data",
            clock=lambda: now + 1_000,
        )

    [found] = [each for each in asyncio.run(later_on()) if each.subject == "closing"]
    assert found.grade is Grade.WARN
    assert found.found == f"ended, and still open: {numbers[0]}"
    assert touched
