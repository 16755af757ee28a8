"""What the journal's file holds, as sealed texts that are legible and found in a ruin; pure.

A sample is ``kj2:52:[17,"earth",28333333,"UP",12.5,1700000000.5]`` and its checksum: number in the
order of acknowledgement, tag, minute, status, latency as the client gave it, and when it was
acknowledged. Its key is the journal's id, so that no other journal's sample opens.

The head is ``kj2head:…:["id",2,16]`` and its checksum: the journal's id, the layout, and up to
which number everything is on GitHub.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Final

from github_store.monitor import Status
from github_store.sample import Sample
from github_store.seal import found_in, sealed, unsealed

LAYOUT: Final = 2
SAMPLE: Final = "kj2"
HEAD: Final = "kj2head"


@dataclass(frozen=True, slots=True)
class Sequenced:
    """A sample and its place in the order of acknowledgement; the time is seconds since 1970."""

    seq: int
    sample: Sample
    acknowledged_at: float


@dataclass(frozen=True, slots=True)
class Head:
    """``committed``: everything up to this number is on GitHub."""

    journal_id: str
    committed: int
    layout: int = LAYOUT


def encoded(entry: Sequenced, *, journal_id: str) -> bytes:
    """Raises ValueError where it is no sample: a tag without bytes in UTF-8, a latency of NaN."""
    sample = entry.sample
    if type(sample.latency) not in (int, float) or not isfinite(sample.latency):
        raise ValueError("no sample: its latency is no number")
    body = (
        f'[{entry.seq},{_quoted(sample.tag)},{sample.minute},"{sample.status.value}",'
        f"{sample.latency!r},{entry.acknowledged_at!r}]"
    )
    return sealed(SAMPLE, body.encode(), key=journal_id)


def decoded(text: object, *, journal_id: str) -> Sequenced | None:
    """None where it is not what ``encoded`` made for this journal."""
    body = unsealed(SAMPLE, text, key=journal_id)
    return None if body is None else _entry(body)


def entries_in(raw: bytes, *, journal_id: str) -> Iterator[Sequenced]:
    """Every whole one in the bytes of a file, whatever state that is in; older ones may be among
    them."""
    return map(_entry, found_in(SAMPLE, raw, key=journal_id))


def encoded_head(head: Head) -> bytes:
    return sealed(HEAD, json.dumps([head.journal_id, head.layout, head.committed]).encode())


def decoded_head(text: object) -> Head | None:
    body = unsealed(HEAD, text)
    return None if body is None else _head(body)


def heads_in(raw: bytes) -> Iterator[Head]:
    """Every whole one in the bytes of a file."""
    return map(_head, found_in(HEAD, raw))


@lru_cache(maxsize=1_024)
def _quoted(tag: str) -> str:
    """As JSON has it. The rest of a sample is numbers, which Python writes as JSON does."""
    return json.dumps(tag, ensure_ascii=False)


def _entry(body: bytes) -> Sequenced:
    seq, tag, minute, status, latency, at = json.loads(body)
    return Sequenced(seq, Sample(tag, minute, Status(status), latency), at)


def _head(body: bytes) -> Head:
    journal_id, layout, committed = json.loads(body)
    return Head(journal_id, committed, layout)
