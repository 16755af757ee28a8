"""What a check-up finds of labels: missing, renamed, made a second time."""

from __future__ import annotations

from collections.abc import Sequence

from github_store.finding import Finding, ok, warn
from github_store.incident import label_styles
from github_store.label_names import (
    LabelNames,
    RepositoryLabel,
    foreign_names,
    present_keys,
)
from github_store.labels import label_key
from github_store.monitor import Monitors
from github_store.tag_labels import told_tag, told_tags

MOST_SHOWN = 5


def label_findings(
    labels: Sequence[RepositoryLabel],
    names: LabelNames,
    tag_ids: dict[str, int],
    monitors: Monitors,
) -> list[Finding]:
    """``names`` are those found among the repository's ``labels``; ``tag_ids`` as remembered."""
    wanted = [style.name for style in label_styles(monitors)]
    there = present_keys(labels, names)
    missing = [name for name in wanted if label_key(name) not in there]
    findings = []
    if missing:
        shown = ", ".join(missing[:MOST_SHOWN]) + (", …" if len(missing) > MOST_SHOWN else "")
        found = f"{len(missing)} of {len(wanted)} are missing: {shown}"
        findings.append(warn("labels", found, "none: they are created when the service starts"))
    for own, name in names.renamed().items():
        found = f"{own} is called {name} on GitHub, and followed"
        findings.append(warn("labels", found, f"none, if that is meant; else rename {name} back"))
    for name in foreign_names(labels, names):
        own = next(each for each in names.known if label_key(each) == label_key(name))
        found = f"there is another {name}, made after that one was renamed to {names.of(own)}"
        findings.append(warn("labels", found, "delete one of the two"))
    aliases = {each.tag: each.aliases for each in monitors}
    _, renamed = told_tags(labels, aliases, tag_ids)
    findings += [warn("labels", *told_tag(each)) for each in renamed]
    return findings or [ok("labels", f"all {len(wanted)} are there")]
