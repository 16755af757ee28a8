"""The rules of the house, read from the source: who may import what.

A module's imports are all of its ``import`` statements, those in functions and those for type
checkers alone included.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import github_store

HOUSE = Path(__file__).parents[1]

PURE = (
    "app/readiness",
    "app/root_path",
    "app/status_page",
    "app/visible_text",
    "github_store/answer_shape",
    "github_store/api_address",
    "github_store/circuit",
    "github_store/coverage",
    "github_store/cursor_chain",
    "github_store/day_file",
    "github_store/day_file_format",
    "github_store/day_minutes",
    "github_store/errors",
    "github_store/folder_name",
    "github_store/freshness",
    "github_store/incident",
    "github_store/incident_changes",
    "github_store/item_backoff",
    "github_store/json_source",
    "github_store/label_names",
    "github_store/labels",
    "github_store/latency",
    "github_store/lean_answers",
    "github_store/markers",
    "github_store/minutes_notation",
    "github_store/monitor",
    "github_store/monitors_yaml",
    "github_store/past_days",
    "github_store/records",
    "github_store/request_kind",
    "github_store/search_query",
    "github_store/similar_names",
    "github_store/status_board",
    "github_store/status_board_format",
    "github_store/status_changes",
    "github_store/sample",
    "github_store/status_files",
    "github_store/status_message",
    "github_store/strict_json",
    "github_store/tag_aliases",
    "github_store/tag_labels",
    "github_store/timestamps",
    "github_store/trust",
    "github_store/uptime",
    "github_store/webhook",
    "github_store/window_status",
    "github_store/yaml_scanner",
    "github_store/yaml_source",
)
"""Modules and packages that only compute, those to come among them."""

IMPURE_IMPORTS = frozenset(
    (
        # files, processes, the machine, the environment
        *("os", "sys", "io", "pathlib", "shutil", "tempfile", "glob", "fcntl", "mmap", "platform"),
        *("subprocess", "signal", "select", "selectors", "locale", "getpass", "pwd", "importlib"),
        # the network
        *("socket", "ssl", "http", "urllib.request", "requests", "urllib3", "httpx", "aiohttp"),
        *("github", "dulwich", "uvicorn", "fastapi", "starlette", "socketserver", "smtplib"),
        # time and chance
        *("time", "sched", "random", "secrets", "uuid"),
        # concurrency, state, and saying things aside
        *("asyncio", "anyio", "threading", "multiprocessing", "concurrent", "queue", "contextvars"),
        *("sqlite3", "shelve", "dbm", "cachetools", "logging", "warnings", "prometheus_client"),
        *("pydantic_settings", "dotenv", "typer", "click"),
    )
)
IMPURE_CALLS = frozenset(
    (
        *("open", "print", "input", "exec", "eval", "__import__", "breakpoint"),
        *("now", "utcnow", "today"),  # of datetime and date; an argument ``now`` is fine
    )
)
DULWICH_AT = ("github_store/embedded/",)
GITHUB_AT = ("github_store/credential.py", "github_store/requester.py")
"""What the gateway is made of; PyGithub's objects do not get any further."""
EMBEDDED_WIRED_AT = ("app/cli.py", "app/serving.py", "app/serving/")


def sources(*packages: str) -> list[str]:
    """Every module below these packages, as a path from the house."""
    return sorted(
        path.relative_to(HOUSE).as_posix()
        for package in packages
        for path in (HOUSE / package).rglob("*.py")
    )


def imports_in(code: str, *, path: str) -> set[str]:
    """Dotted names of what is imported, each ``from m import n`` as ``m`` and ``m.n``."""
    package = path.removesuffix(".py").split("/")[:-1]
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def imports_of(path: str) -> set[str]:
    return imports_in((HOUSE / path).read_text("utf-8"), path=path)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def calls_in(code: str) -> Iterator[str]:
    """The last names of everything that is called: ``now`` of ``datetime.now(UTC)``."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name


def pure_sources() -> list[str]:
    return [
        path
        for path in sources("app", "github_store")
        if any(path == f"{each}.py" or path.startswith(f"{each}/") for each in PURE)
    ]


def file_of(module: str) -> Path:
    return HOUSE / f"{module.replace('.', '/')}.py"


def is_pure(module: str) -> bool:
    """Whether a module of the store imports nothing impure, nor leans on one that does."""
    names = imports_of(file_of(module).relative_to(HOUSE).as_posix())
    if any(within(name, *IMPURE_IMPORTS) for name in names):
        return False
    leant_on = [n for n in names if n.startswith("github_store.") and file_of(n).is_file()]
    return all(is_pure(name) for name in leant_on)


# The rules


@pytest.mark.parametrize("path", sources("github_store"))
def test_the_store_knows_no_app(path: str) -> None:
    assert not [name for name in imports_of(path) if within(name, "app")]


@pytest.mark.parametrize("path", sources("github_store"))
def test_the_store_knows_no_web_framework(path: str) -> None:
    assert not [name for name in imports_of(path) if within(name, "fastapi", "starlette")]


@pytest.mark.parametrize("path", sources("app", "github_store"))
def test_only_the_gateways_parts_import_pygithub(path: str) -> None:
    assert path in GITHUB_AT or not [n for n in imports_of(path) if within(n, "github")]


@pytest.mark.parametrize("path", sources("app", "github_store"))
def test_only_the_embedded_github_imports_dulwich(path: str) -> None:
    assert path.startswith(DULWICH_AT) or not [n for n in imports_of(path) if within(n, "dulwich")]


@pytest.mark.parametrize(
    "path", [path for path in sources("github_store") if not path.startswith(DULWICH_AT)]
)
def test_the_store_never_takes_the_embedded_github_for_a_short_cut(path: str) -> None:
    assert not [n for n in imports_of(path) if within(n, "github_store.embedded")]


@pytest.mark.parametrize("path", sources("app"))
def test_the_app_imports_the_store_itself_and_not_its_submodules(path: str) -> None:
    allowed = {"github_store", *(f"github_store.{name}" for name in github_store.__all__)}
    names = {name for name in imports_of(path) if within(name, "github_store")}
    if path.startswith(EMBEDDED_WIRED_AT):
        names = {name for name in names if not within(name, "github_store.embedded")}
    assert names <= allowed


@pytest.mark.parametrize("path", pure_sources())
def test_pure_modules_import_no_io_no_clock_and_no_environment(path: str) -> None:
    assert not [name for name in imports_of(path) if within(name, *IMPURE_IMPORTS)]


@pytest.mark.parametrize("path", pure_sources())
def test_pure_modules_ask_no_clock_and_open_nothing(path: str) -> None:
    assert not IMPURE_CALLS & set(calls_in((HOUSE / path).read_text("utf-8")))


@pytest.mark.parametrize("path", [path for path in pure_sources() if path.startswith("github")])
def test_pure_modules_lean_on_pure_modules_alone(path: str) -> None:
    assert is_pure(path.removesuffix(".py").replace("/", "."))


def test_the_environment_is_read_in_one_place() -> None:
    readers = [
        path
        for path in sources("app", "github_store")
        for node in ast.walk(ast.parse((HOUSE / path).read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "environb", "getenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    assert set(readers) <= {"app/cli.py"}


def test_the_stores_public_surface_is_what_can_be_seen() -> None:
    visible = {
        name
        for name, value in vars(github_store).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert visible == set(github_store.__all__)
    assert len(github_store.__all__) == len(set(github_store.__all__))


@pytest.mark.parametrize("path", sources("app", "github_store"))
def test_modules_are_named_for_a_thing(path: str) -> None:
    words = set(Path(path).stem.split("_")) | set(Path(path).parts[:-1])
    vague = {"manager", "util", "utils", "helper", "helpers", "common"}
    assert not words & vague


# The rules' own rules: a test that finds nothing is worth nothing


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import os.path", {"os.path"}),
        ("import a, b as c", {"a", "b"}),
        ("from time import sleep", {"time", "time.sleep"}),
        ("def f():\n    import random", {"random"}),
        ("if TYPE_CHECKING:\n    import socket", {"socket"}),
        ("from . import gateway", {"github_store.embedded", "github_store.embedded.gateway"}),
        ("from ..labels import x", {"github_store.labels", "github_store.labels.x"}),
    ],
)
def test_every_way_to_import_is_seen(code: str, names: set[str]) -> None:
    assert imports_in(code, path="github_store/embedded/hub.py") == names


@pytest.mark.parametrize(
    "code", ["datetime.now(UTC)", "date.today()", "open('x')", "dt.datetime.utcnow()"]
)
def test_every_way_to_ask_the_clock_is_seen(code: str) -> None:
    assert IMPURE_CALLS & set(calls_in(code))


def test_the_pure_modules_are_found() -> None:
    found = pure_sources()
    assert "github_store/markers.py" in found
    assert "github_store/gateway.py" not in found
    assert len(found) >= 12


def test_the_modules_that_do_things_are_not_taken_for_pure() -> None:
    assert not is_pure("github_store.gateway")
    assert not is_pure("github_store.incident_store")
    assert is_pure("github_store.incident")
