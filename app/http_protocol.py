"""uvicorn's HTTP, answering bytes that are no HTTP as everything else is answered: in JSON."""

from __future__ import annotations

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.json_reply import json_bytes


class HttpProtocol(HttpToolsProtocol):
    def send_400_response(self, msg: str) -> None:
        """Called before there is a request, so no application could answer."""
        body = json_bytes({"error": "bad request", "detail": msg})
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            "content-type: application/json\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()
