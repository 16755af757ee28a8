"""The service's OpenAPI description: written by hand in ``assets/openapi.yaml``."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from ruamel.yaml import YAML

_SERVER: Final = b"  - url: /\n"


def openapi_yaml(root_path: str = "") -> bytes:
    """``root_path``: below which the service is found, see root_path.py."""
    text = files("app").joinpath("assets/openapi.yaml").read_bytes()
    return text.replace(_SERVER, _SERVER.replace(b"/", root_path.encode() or b"/"))


def openapi_document(root_path: str = "") -> dict[str, Any]:
    """The same, parsed."""
    text = openapi_yaml(root_path)
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return document
