"""The published schemas of the committed files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DIRECTORY = Path(__file__).parents[2] / "docs" / "schemas"


@cache
def schema(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DIRECTORY / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(found)
    return found


def check_schema(name: str, content: bytes) -> None:
    """Raise jsonschema's ValidationError where the content is no such file."""
    Draft202012Validator(schema(name)).validate(json.loads(content))
