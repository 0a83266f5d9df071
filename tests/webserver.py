"""A web server on loopback that answers as it is told: what the resolver's tests talk to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class Reply:
    """What the server answers. `drip_s` is the time between two bytes of the body, `head_s` that between two of the head."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drip_s: float = 0.0
    head_s: float = 0.0

    @classmethod
    def html(cls, markup: str, **more: Any) -> Reply:
        """A page."""
        return cls(headers={"Content-Type": "text/html; charset=utf-8"}, body=markup.encode(), **more)

    @classmethod
    def to(cls, location: str, status: int = 302) -> Reply:
        """A redirect."""
        return cls(status, {"Location": location})


@dataclass
class Asked:
    """A request that came: its path with the query, its headers in lower case, and when it came (monotonic)."""

    path: str
    headers: dict[str, str]
    at: float


class Site:
    """The server's pages, by their path, and the requests that came."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.pages: dict[str, Reply | Callable[[str], Reply]] = {}
        self.asked: list[Asked] = []
        self.posted: list[tuple[str, bytes]] = []

    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [each.path for each in self.asked]


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = cast(Any, self.server).site
        headers = {name.lower(): value for name, value in self.headers.items()}
        site.asked.append(Asked(self.path, headers, time.monotonic()))
        page = site.pages.get(self.path) or site.pages.get(self.path.partition("?")[0]) or Reply(404)
        reply = page(self.path) if callable(page) else page
        try:
            self._send(reply)
        except OSError:
            self.close_connection = True  # they hung up on us

    def do_POST(self) -> None:
        site = cast(Any, self.server).site
        site.posted.append((self.path, self.rfile.read(int(self.headers.get("Content-Length", 0)))))
        self.do_GET()

    def _send(self, reply: Reply) -> None:
        lines = [f"HTTP/1.1 {reply.status} Answer", *(f"{name}: {value}" for name, value in reply.headers.items())]
        lines += [f"Content-Length: {len(reply.body)}", "Connection: close", "", ""]
        self._write("\r\n".join(lines).encode("utf-8"), reply.head_s)
        self._write(reply.body, reply.drip_s)
        self.close_connection = True

    def _write(self, data: bytes, pause_s: float) -> None:
        if not pause_s:
            self.wfile.write(data)
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(pause_s)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(host: str = "127.0.0.1") -> Iterator[Site]:
    """A server on a free port, for as long as the block lasts."""
    server = ThreadingHTTPServer((host, 0), _Handler)
    server.daemon_threads = True
    site = Site(server.server_address[1])
    cast(Any, server).site = site
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
