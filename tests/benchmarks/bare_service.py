"""The yardsticks: FastAPI as its tutorial has it, and ASGI by hand; the same server and settings.

``python -m tests.benchmarks.bare_service`` prints its port and serves until it is stopped. Under
``/raw`` no framework has a part: what was put there is what is answered.
"""

from __future__ import annotations

import socket
import sys
from typing import Annotated, Literal

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, Field
from starlette.types import Receive, Scope, Send

RAW = "/raw"


class Push(BaseModel):
    """The body of a push, validated as pydantic does."""

    status: Literal["UP", "DEGRADED", "DOWN"]
    latency: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    tag: Annotated[str, Field(min_length=1)]
    timestampInSeconds: Annotated[int | None, Field(ge=0)] = None  # noqa: N815 - Kener's name


bare = FastAPI(openapi_url=None)


@bare.post("/api/status")
async def push(body: Push) -> dict[str, int | str]:
    """Stores nothing."""
    return {"status": 200, "message": f"success at {body.timestampInSeconds}"}


@bare.get("/api/status")
async def current() -> dict[str, int | str]:
    """A dictionary like the product's answer."""
    return {"status": "UP", "uptime": "99.9992", "lastUpdatedAt": 1_795_527_060}


_raw: dict[str, bytes] = {}


async def yardsticks(scope: Scope, receive: Receive, send: Send) -> None:
    """ASGI; PUT under ``/raw`` keeps a body, anything else there is answered with it."""
    if not scope["path"].startswith(RAW):
        await bare(scope, receive, send)
        return
    if scope["method"] == "PUT":
        _raw[scope["path"]] = (await receive())["body"]
    body = _raw[scope["path"]]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def main() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(2048)
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        config = uvicorn.Config(
            yardsticks,
            loop="uvloop",
            http="httptools",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            lifespan="off",
            ws="none",
        )
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
