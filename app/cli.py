"""The command ``kener-issues``: the only place that looks at the environment."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
import uvloop

from app import __version__
from app.data_dir import private_umask
from app.doctor import examine, exit_code, report
from app.env_file import EnvFile, read_env_file
from app.log_lines import LogFormat
from app.log_stream import logging_to
from app.pushing import Options, push_samples
from app.redaction import Redaction
from app.serving import (
    EMBEDDED_REPOSITORY,
    SIGHUP_IS_NOTHING,
    STOP_SIGNALS,
    embedded_github,
    ensure_repository,
    serve,
)
from app.setting_warnings import setting_warnings
from app.settings import (
    SETTING_NAMES,
    Settings,
    read_settings,
    secrets_of,
    setting_rows,
    shown_value,
)
from app.visible_text import visible_lines, visible_text
from github_store import THREADS, ConfigurationError, Finding, StoreError

log = logging.getLogger(__name__)

PROGRAM = "kener-issues"

commands = typer.Typer(
    name=PROGRAM,
    help="Kener's REST API with a GitHub repository as its database.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Exit code 2: something must be configured otherwise; 1: GitHub does not play along."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a locale may lack a character
    try:
        commands()
    except ConfigurationError as error:
        _give_up(error, code=2)
    except StoreError as error:
        _give_up(error, code=1)


def _give_up(error: StoreError, *, code: int) -> None:
    _say(f"{PROGRAM}: {visible_text(str(error))}", is_error=True)
    sys.exit(code)


def _say(text: str, *, is_error: bool = False) -> None:
    """Print what may hold other people's texts, and settings of whoever started this."""
    typer.echo(visible_lines(text), err=is_error)


def _settings() -> tuple[Settings, list[Finding]]:
    """What is given, and warnings about how. A workflow's folder is not the operator's own."""
    file = None if os.environ.get("GITHUB_ACTIONS") == "true" else Path(".env")
    in_file = read_env_file(file, names=SETTING_NAMES) if file else EnvFile()
    settings = read_settings(os.environ, in_file)
    return settings, list(setting_warnings(settings, os.environ, in_file, file=".env"))


def _settings_warned() -> Settings:
    """As above, for a command without a log."""
    settings, warnings = _settings()
    for warning in warnings:
        _say(f"{PROGRAM}: {_line(warning)}", is_error=True)
    return settings


def _line(warning: Finding) -> str:
    return f"{warning.subject}: {warning.found}; {warning.remedy}"


def _show_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit


@commands.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


@commands.command("serve")
@private_umask()
def serve_command(
    log_format: Annotated[
        LogFormat | None, typer.Option(help="How log lines are written; LOG_FORMAT by default.")
    ] = None,
) -> None:
    """Serve the API: on a real repository, or without settings on the embedded GitHub."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the loop takes it
    settings, warnings = _settings()
    redaction = Redaction(secrets_of(settings))
    log_format = log_format or settings.log_format
    with logging_to(sys.stderr, log_format=log_format, redaction=redaction):
        for warning in warnings:
            log.warning("%s", _line(warning))
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve(settings, show=_say, redaction=redaction))
        except asyncio.CancelledError:
            pass  # stopped while it was starting
        _leave()


def _leave() -> None:
    """End without the threads that wait for an answer of GitHub's which nobody awaits any more."""
    if any(thread.name.startswith(THREADS) for thread in threading.enumerate()):
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


@commands.command("github")
@private_umask()
def github_command(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; EMBEDDED_GITHUB_PORT by default.")
    ] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Data; DATA_DIR by default.")] = None,
) -> None:
    """Run the embedded GitHub alone, for other programs to use."""
    settings = _settings_warned()
    data_dir = data_dir or settings.data_dir
    name = settings.github_repository or EMBEDDED_REPOSITORY
    port = settings.embedded_github_port if port is None else port
    stopped = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: typer.echo(SIGHUP_IS_NOTHING, err=True))
    for each in STOP_SIGNALS:
        signal.signal(each, lambda *_: stopped.set())
    with embedded_github(data_dir, port=port) as github:
        ensure_repository(github, name, with_samples=settings.sample_data)
        _say(
            f"The embedded GitHub of {PROGRAM} {__version__}\n"
            f"  API         {github.url}\n"
            f"  Tokens      {data_dir / 'embedded.json'}\n"
            f"  Repository  {name}: {github.git_path(name)}\n\n"
            "Ctrl-C stops it."
        )
        stopped.wait()


@commands.command("push")
def push_command(
    tag: Annotated[str | None, typer.Option(help="The monitor's tag.")] = None,
    status: Annotated[str | None, typer.Option(help="UP, DOWN or DEGRADED.")] = None,
    latency: Annotated[float | None, typer.Option(help="Seconds, from 0; 0 by default.")] = None,
    timestamp: Annotated[
        int | None, typer.Option(help="Seconds since 1970, at most 90 days ago; now by default.")
    ] = None,
) -> None:
    """Write status straight to the repository, without a server: for Actions and cron.

    Without options the samples are read from standard input: a JSON object a line, as the body of
    POST /api/status, all of them in one commit. Nothing is written if one of them is wrong.

    Exit code 0: it is committed. 1: GitHub does not play along, try again. 2: something given is
    wrong.
    """
    settings = _settings_warned()
    options = Options(tag, status, latency, timestamp)
    if not options.are_given and sys.stdin.isatty():
        raise ConfigurationError("push: give --tag and --status, or samples on standard input")
    given = options if options.are_given else sys.stdin.buffer.readlines()
    _say(asyncio.run(push_samples(settings, given)))


@commands.command("doctor")
@private_umask()
def doctor_command() -> None:
    """Check token, permissions, labels, branch, webhook, clock, quota and settings.

    A line each: ok, warn or fail, what was found, and what to do. Nothing is written.

    Exit code 0: nothing failed. 1: something did. 2: a setting is wrong or missing.
    """
    findings = examine(*_settings())
    _say(report(findings))
    raise typer.Exit(exit_code(findings))


@commands.command("settings")
def settings_command() -> None:
    """List every setting: its value now (secrets masked), default, unit and meaning."""
    settings = _settings_warned()
    header = ("SETTING", "VALUE", "DEFAULT", "UNIT", "MEANING")
    rows = [
        (
            row.name,
            visible_text(shown_value(settings, row.name)),
            row.default,
            row.unit,
            row.meaning,
        )
        for row in setting_rows()
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        _say("  ".join(cells).rstrip())


if __name__ == "__main__":
    main()
