"""What a start says: where everything is, and one line to try it with; pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from urllib.parse import quote

from app import __version__
from app.visible_text import visible_text

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What was started. ``made_token`` is the API token if the service made it itself."""

    host: str
    port: int
    repository: str
    tag: str
    embedded_url: str | None
    data_dir: str
    made_token: str | None


def service_url(host: str, port: int) -> str:
    """How a browser on this machine gets there."""
    host = _EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def banner(start: Start) -> str:
    """A few lines; the token is shown only where nobody but the service could know it."""
    url = service_url(start.host, start.port)
    rows = [
        ("Service", url),
        ("API reference", f"{url}/api-reference"),
        ("Repository", start.repository),
    ]
    if start.embedded_url is not None:
        rows.append(
            ("Embedded GitHub", f"{start.embedded_url}, with its data in {start.data_dir}/")
        )
    if start.made_token is not None:
        rows.append(("API token", start.made_token))
    lines = [
        f"kener-issues {__version__}",
        *(f"  {name:<16}{visible_text(value)}" for name, value in rows),
    ]
    return "\n".join([*lines, "", f"  {visible_text(_curl(start, url))}", "", "Ctrl-C stops it."])


def _curl(start: Start, url: str) -> str:
    address = shlex.quote(f"{url}/api/status?tag={quote(start.tag)}")
    if start.made_token is None:
        return f'curl --header "Authorization: Bearer $API_TOKEN" {address}'
    header = shlex.quote(f"Authorization: Bearer {start.made_token}")
    return f"curl --header {header} {address}"
