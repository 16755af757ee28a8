"""Who may speak for the project: whose issues are incidents, whose comments are updates.

On a public repository anybody can open an issue, and whoever opened one can edit its text for
ever, whatever labels others put on it. So the author decides, not the labels:

1. The service's own account, TRUSTED_AUTHORS and the repository's owner are trusted unasked.
2. Others are trusted with write access or more, which GitHub tells for a login.
3. Where GitHub refuses to tell (it asks for push access), the author's association decides; and
   while it is out, of whom nothing is known, insiders by association may speak.

The association comes last because it is not rights: bots and Apps show as NONE, webhooks show
private members of an organisation as CONTRIBUTOR, and a MEMBER may have no more than read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_WRITERS: Final = frozenset({"admin", "maintain", "write"})
INSIDERS: Final = frozenset({"OWNER", "MEMBER", "COLLABORATOR"})


@dataclass(frozen=True, slots=True)
class Trust:
    """Logins are compared without case, as GitHub does; an App's login ends in ``[bot]``."""

    own_logins: frozenset[str]
    trusted_authors: frozenset[str]

    def without_asking(self, author: str | None, association: str) -> bool | None:
        """The verdict, or None when GitHub must be asked for the author's permission.

        A deleted account (None) is nobody: GitHub shows all of them as the same ghost.
        """
        if author is None:
            return False
        known = {login.casefold() for login in self.own_logins | self.trusted_authors}
        if author.casefold() in known or association == "OWNER":
            return True
        return None

    @staticmethod
    def by_permission(permission: str) -> bool:
        """``permission`` or ``role_name`` of "Get repository permissions for a user".

        On a public repository every stranger has ``read``.
        """
        return permission in _WRITERS

    @staticmethod
    def by_association(association: str) -> bool:
        """The second best answer, for where the permission may not be asked."""
        return association in INSIDERS
