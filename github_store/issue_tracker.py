"""GitHub's issue tracker of one repository: its parts, each of one kind, on the same holds."""

from __future__ import annotations

from collections.abc import Callable

from github_store.collaborators import Collaborators
from github_store.current_labels import CurrentLabels
from github_store.gateway import Gateway
from github_store.held_answers import HeldAnswers
from github_store.held_repository import HeldRepository
from github_store.issue_comments import IssueComments
from github_store.issue_events import IssueEvents
from github_store.issue_listings import IssueListings
from github_store.issue_numbers import IssueNumbers
from github_store.issues import Issues
from github_store.label_list import LabelList
from github_store.told_state import ToldState


class IssueTracker:
    """Knows issues, labels and comments, not incidents. Made for one event loop.

    ``clock`` gives seconds since 1970. All parts raise GitHubUnavailable where GitHub is out.
    """

    def __init__(
        self,
        gateway: Gateway,
        held: HeldAnswers,
        *,
        clock: Callable[[], float],
        names: CurrentLabels | None = None,
    ) -> None:
        """``names``: what our labels are called; their own names without."""
        self.names = names or CurrentLabels()
        self.repository = HeldRepository(gateway, held)
        self.told = ToldState(held, clock=clock)
        self.numbers = IssueNumbers(self.repository, clock=clock)
        self.issues = Issues(self.repository, self.told, self.numbers, self.names)
        self.listings = IssueListings(self.repository, self.numbers, self.names, clock=clock)
        self.comments = IssueComments(self.repository, self.told, clock=clock)
        self.events = IssueEvents(self.repository, self.names)
        self.labels = LabelList(self.repository, clock=clock)
        self.collaborators = Collaborators(self.repository)
        self.failing = (*self.listings.failing, *self.comments.failing, self.labels.failing)
        """Elements of GitHub's lists that cannot be read."""
