"""The wheel is whole: what the packages need beside their modules is named in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
PACKAGES = ("app", "github_store")


def files_in(package: str) -> list[Path]:
    found = (path for path in (ROOT / package).rglob("*") if path.is_file())
    return [path for path in found if "__pycache__" not in path.parts]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_modules_is_a_package(package: str) -> None:
    folders = {path.parent for path in files_in(package) if path.suffix == ".py"}
    assert all((folder / "__init__.py").is_file() for folder in folders)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_other_file_is_named_as_the_packages_data(package: str) -> None:
    named = {
        path
        for pattern in SETUPTOOLS.get("package-data", {}).get(package, ())
        for path in (ROOT / package).glob(pattern)
    }
    others = {path for path in files_in(package) if path.suffix != ".py"}
    assert {path for path in others if path.name != "py.typed"} <= named
