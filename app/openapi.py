"""The service's OpenAPI description: written by hand in ``assets/openapi.yaml``."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from ruamel.yaml import YAML


def openapi_yaml() -> bytes:
    return files("app").joinpath("assets/openapi.yaml").read_bytes()


def openapi_document() -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(openapi_yaml())
    return document
