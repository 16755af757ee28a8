"""A person (or a program) who uses GitHub directly, beside the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests


@dataclass(frozen=True)
class Person:
    """Speaks plain REST with a token of their own."""

    url: str
    token: str
    repository: str = "owner/status"

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """``path`` is below the repository, or absolute with a leading ``//``."""
        where = path[1:] if path.startswith("//") else f"/repos/{self.repository}{path}"
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"{self.url}{where}",
                json=body,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=10,
            )

    def do(self, method: str, path: str, body: Any = None) -> Any:
        """As ``ask``, for what must succeed; the answer's JSON."""
        response = self.ask(method, path, body)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def open_issue(
        self, title: str = "Outage", *, labels: list[str] | None = None, body: str = ""
    ) -> int:
        wanted = ["incident", "earth"] if labels is None else labels
        made = self.do("POST", "/issues", {"title": title, "body": body, "labels": wanted})
        return int(made["number"])

    def labels_of(self, number: int) -> set[str]:
        return {label["name"] for label in self.do("GET", f"/issues/{number}")["labels"]}
