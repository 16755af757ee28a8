"""The service's OpenAPI description: written by hand in ``assets/openapi.yaml``."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml


def openapi_yaml() -> bytes:
    return files("app").joinpath("assets/openapi.yaml").read_bytes()


def openapi_document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(openapi_yaml())
    return document
