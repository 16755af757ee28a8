"""What a terminal or a log shows of other people's texts hides nothing and forges nothing."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.banner import banner
from app.doctor import report
from app.visible_text import visible_lines, visible_text
from github_store import Finding, Grade
from tests.app.test_banner import EMBEDDED

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
NASTY = "a\x1b[2J\r\x00\x85\u2028b\u2029\u202ec\u2066\u200b\u200d\ufeff\u00ad\U000e0041\ud800"
TEXTS = st.text(st.characters(codec=None)) | st.text(
    st.characters(categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Lu"])
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Outage in Mumbai", "Outage in Mumbai"),
        ("Ausfall: Größe, 東京, مرحبا, 🙂", "Ausfall: Größe, 東京, مرحبا, 🙂"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("invoice\u202egnp.exe", r"invoice\u202egnp.exe"),
        ("\u2066left\u2069 \u200fright", r"\u2066left\u2069 \u200fright"),
        ("one\u2028two\u2029three\x85four", r"one\u2028two\u2029three\x85four"),
        ("ad\u200bmin \u2060x\ufeff", r"ad\u200bmin \u2060x\ufeff"),
        ("nothing\u3164here\u2800", r"nothing\u3164here\u2800"),
        ("tag\U000e0061", r"tag\U000e0061"),
        ("half \ud83d", r"half \ud83d"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_escaped_and_all_else_is_as_it_was(text: str, shown: str) -> None:
    assert visible_text(text) == shown


@given(TEXTS)
def test_whatever_is_given_is_one_line_without_anything_unseen(text: str) -> None:
    shown = visible_text(text)
    assert not {unicodedata.category(each) for each in shown} & UNSEEN
    assert len(shown.splitlines()) <= 1
    shown.encode()
    assert visible_text(shown) == shown


@given(TEXTS)
def test_of_several_lines_there_are_as_many_as_were_meant(text: str) -> None:
    shown = visible_lines(text)
    assert shown.split("\n") == [visible_text(line) for line in text.split("\n")]


def test_a_report_of_the_doctors_hides_nothing() -> None:
    text = report([Finding(Grade.WARN, "labels", NASTY, NASTY), Finding(Grade.OK, "clock", "x")])
    assert len(text.splitlines()) == 2
    assert not {unicodedata.category(each) for each in text.replace("\n", "")} & UNSEEN


def test_a_banner_hides_nothing() -> None:
    start = replace(EMBEDDED, repository=NASTY, tag=NASTY.replace("\ud800", ""), data_dir=NASTY)
    text = banner(start)
    assert len(text.splitlines()) == len(banner(EMBEDDED).splitlines())
    assert not {unicodedata.category(each) for each in text.replace("\n", "")} & UNSEEN
