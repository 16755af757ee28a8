"""Everything GitHub says no with: one constructor per wording.

Sources are the recordings and reports collected in the project's notes on GitHub's contract; a
422 has three shapes: without ``errors`` (a schema check), ``Validation Failed`` with ``errors``
(a model check), and a plain message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

DOCS = "https://docs.github.com/rest"
REDIRECT_DOCS = "https://docs.github.com/v3/#http-redirects"


class Refusal(Exception):
    """An answer other than success, raised by handlers and rendered in one place."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any]] | None = None,
        docs: str | None = None,
        headers: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = errors
        self.docs = docs
        self.headers = headers or {}
        self.url = url


def bad_json() -> Refusal:
    return Refusal(400, "Problems parsing JSON")


def not_an_object() -> Refusal:
    return Refusal(400, "Body should be a JSON object")


def bad_credentials() -> Refusal:
    return Refusal(401, "Bad credentials", docs=DOCS)


def authentication_required() -> Refusal:
    return Refusal(401, "Requires authentication", docs=DOCS)


def admin_rights_required() -> Refusal:
    return Refusal(403, "Must have admin rights to Repository.")


def push_access_required(what: str) -> Refusal:
    return Refusal(403, f"Must have push access to {what}")


def not_found() -> Refusal:
    return Refusal(404, "Not Found")


def invalid(*errors: Mapping[str, Any], docs: str | None = None) -> Refusal:
    return Refusal(422, "Validation Failed", errors=errors, docs=docs)


def missing_keys(*names: str) -> Refusal:
    listed = ", ".join(f'"{name}"' for name in names)
    verb = "wasn't" if len(names) == 1 else "weren't"
    return Refusal(422, f"Invalid request.\n\n{listed} {verb} supplied.")


def wrong_type(name: str, value: object, wanted: str) -> Refusal:
    shown = "nil" if value is None else repr(value)
    article = "an" if wanted[0] in "aeiou" else "a"
    return Refusal(
        422, f"Invalid request.\n\nFor 'properties/{name}', {shown} is not {article} {wanted}."
    )


def moved(status: int, url: str) -> Refusal:
    return Refusal(
        status, "Moved Permanently", url=url, docs=REDIRECT_DOCS, headers={"Location": url}
    )


def text_field(
    fields: Mapping[str, Any], name: str, *, required: bool = False, nullable: bool = False
) -> str | None:
    """A string member of a body. Raises the schema kind of 422 for its absence or another type."""
    if name not in fields:
        if required:
            raise missing_keys(name)
        return None
    value = fields[name]
    if value is None and nullable:
        return None
    if not isinstance(value, str):
        raise wrong_type(name, value, "string")
    return value
