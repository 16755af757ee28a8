"""What our labels are called now, for all who need it: the one place where that is replaced."""

from __future__ import annotations

from dataclasses import dataclass, field

from github_store.label_names import LabelNames


@dataclass(slots=True)
class CurrentLabels:
    """``now`` is a value that never changes; see CurrentMonitors."""

    now: LabelNames = field(default_factory=LabelNames)

    def take(self, others: LabelNames) -> bool:
        """Let these count; False where they say the same, and all that is derived stays."""
        if others.known == self.now.known:
            return False
        self.now = others
        return True
