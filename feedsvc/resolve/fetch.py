"""One guarded request: to an address that was looked at, for ten seconds and a megabyte at most, without cookies.

urllib3 speaks HTTP and TLS; the connection is made here, to the address that the guard has let pass, while certificate and
SNI are still for the name. Redirects are not followed here: each of them is a new request, with its own look.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from typing import Any, Final

import ada_url
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from feedsvc import __version__
from feedsvc.errors import ResolveError
from feedsvc.resolve.guard import Guard

TIMEOUT_S: Final = 10.0
MAX_BYTES: Final = 1_000_000
# Honest: what we are, and that we are no browser.
USER_AGENT: Final = f"feedsvc/{__version__} (personal newsletter reader; asks for a link that its reader was sent)"
REDIRECTS: Final = frozenset((301, 302, 303, 307, 308))
_PIECE = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. `body` is cut at the limit, and empty where its type was not wanted; `location` is absolute."""

    url: str
    status: int
    media_type: str
    charset: str
    body: bytes = field(repr=False)
    location: str | None = None


@dataclass(slots=True)
class Clock:
    """How long an undertaking of several requests may still take."""

    ends: float

    @classmethod
    def of(cls, seconds: float = TIMEOUT_S) -> Clock:
        """Return a clock that has this many seconds left."""
        return cls(time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left. Raises ResolveError where there are none."""
        left = self.ends - time.monotonic()
        if left <= 0:
            raise ResolveError("It did not answer in time.", code="timeout")
        return left


class Fetcher:
    """Asks servers. Safe for threads: it keeps nothing between two requests.

    `pace` is called with the host before each request and returns the seconds that it made us wait.
    """

    def __init__(self, guard: Guard | None = None, *, pace: Callable[[str], float] = lambda host: 0.0) -> None:
        self._guard = guard or Guard()
        self._pace = pace

    def get(
        self,
        url: str,
        clock: Clock,
        *,
        wants: Callable[[str], bool] = lambda media_type: media_type in ("text/html", "application/xhtml+xml"),
        accept: str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.5",
        max_bytes: int = MAX_BYTES,
        form: bytes | None = None,
    ) -> Answer:
        """Ask for one address; a redirect is an answer like others.

        `wants` says of a media type whether its body is read. With `form`, these bytes are sent by POST. Raises ResolveError.
        """
        target = _target(url)
        clock.ends += self._pace(target.host)
        addresses = self._guard.addresses(target.host, target.port, clock.left())
        connection = target.connection(addresses, clock.left())
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            connection.cut()

        # The timeout of a socket starts anew with each byte; this one does not.
        alarm = threading.Timer(clock.left(), expire)
        alarm.daemon = True
        alarm.start()
        try:
            answer = _ask(connection, target, wants, accept, max_bytes, form)
        except ResolveError:
            raise
        except (TimeoutError, HTTPError, HTTPException, OSError, ValueError, AttributeError) as failure:
            # A socket that is shut down under its reader makes it fail in many ways.
            if expired.is_set() or isinstance(failure, TimeoutError):
                raise ResolveError(f"{target.host} did not answer in time.", code="timeout") from failure
            if isinstance(failure, ssl.SSLError) or "certificate" in str(failure).lower():
                raise ResolveError(f"The certificate of {target.host} is not valid.", code="tls") from failure
            raise ResolveError(f"{target.host} could not be reached.", code="connection") from failure
        finally:
            alarm.cancel()
            connection.end()
        if expired.is_set():  # to http.client, a head that was cut off is one that ended
            raise ResolveError(f"{target.host} did not answer in time.", code="timeout")
        return answer


@dataclass(frozen=True, slots=True)
class _Target:
    url: str
    scheme: str
    host: str
    port: int
    path: str

    def connection(self, addresses: list[str], timeout_s: float) -> _Guarded:
        made: _Guarded
        if self.scheme == "https":
            made = _GuardedHTTPS(self.host.strip("[]"), self.port, timeout=timeout_s, ssl_context=_tls())
        else:
            made = _GuardedHTTP(self.host.strip("[]"), self.port, timeout=timeout_s)
        made.addresses = addresses
        return made


def _target(url: str) -> _Target:
    try:
        parsed = ada_url.URL(url)
    except (ValueError, UnicodeError) as wrong:
        raise ResolveError("This is no web address.", code="address", final=True) from wrong
    scheme = parsed.protocol.rstrip(":")
    if scheme not in ("http", "https") or not parsed.hostname:
        raise ResolveError("This is no web address.", code="address", final=True)
    if parsed.username or parsed.password:
        raise ResolveError("The address holds a password.", code="address", final=True)
    port = int(parsed.port) if parsed.port else {"http": 80, "https": 443}[scheme]
    return _Target(parsed.href, scheme, parsed.hostname, port, f"{parsed.pathname}{parsed.search}")


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


class _Guarded(HTTPConnection):
    """A connection to one of the addresses that the guard has looked at, whatever the name says by now."""

    addresses: list[str]
    _raw: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        failure: OSError | None = None
        for address in self.addresses:
            try:
                self._raw = socket.create_connection((address, self.port), timeout=self.timeout)
            except OSError as error:
                failure = error
            else:
                return self._raw
        raise failure or OSError("no address")

    def cut(self) -> None:
        """End the connection at once, from another thread."""
        for sock in (self._raw, self.sock):
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except (OSError, ValueError):
                    continue

    def end(self) -> None:
        """Close what was opened; a socket that TLS never took over is not closed by anybody else."""
        self.close()
        if self._raw is not None:
            self._raw.close()


class _GuardedHTTP(_Guarded):
    pass


class _GuardedHTTPS(_Guarded, HTTPSConnection):
    pass


def _ask(
    connection: _Guarded,
    target: _Target,
    wants: Callable[[str], bool],
    accept: str,
    max_bytes: int,
    form: bytes | None,
) -> Answer:
    connection.request(
        "GET" if form is None else "POST",
        target.path,
        body=form,
        headers={
            "User-Agent": USER_AGENT,
            "Accept": accept,
            # Compressed, a small answer could become a very large one.
            "Accept-Encoding": "identity",
            "Connection": "close",
            **({} if form is None else {"Content-Type": "application/x-www-form-urlencoded"}),
        },
        preload_content=False,
        decode_content=False,
    )
    response: Any = connection.getresponse()
    try:
        return _read(response, target, wants, max_bytes)
    finally:
        response.close()


def _read(response: Any, target: _Target, wants: Callable[[str], bool], max_bytes: int) -> Answer:
    media_type, charset = _content_type(response.headers.get("Content-Type", ""))
    location = None
    if response.status in REDIRECTS and (named := response.headers.get("Location")):
        location = _join(named, target.url)
    body = b""
    plain = response.headers.get("Content-Encoding", "identity").lower() in ("", "identity")
    if location is None and plain and wants(media_type):
        pieces = []
        size = 0
        while size < max_bytes and (piece := response.read1(min(_PIECE, max_bytes - size))):
            pieces.append(piece)
            size += len(piece)
        body = b"".join(pieces)
    return Answer(target.url, response.status, media_type, charset, body, location)


def _join(named: str, base: str) -> str:
    # Servers send UTF-8 where only ASCII is allowed; http.client reads it as Latin-1.
    with suppress(UnicodeError):
        named = named.encode("latin-1").decode("utf-8")
    try:
        return str(ada_url.URL(named.strip(), base).href)
    except (ValueError, UnicodeError) as wrong:
        raise ResolveError("It leads to what is no web address.", code="address", final=True) from wrong


def _content_type(value: str) -> tuple[str, str]:
    media_type, _, rest = value.partition(";")
    charset = ""
    for parameter in rest.split(";"):
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = text.strip().strip("\"'")
    return media_type.strip().lower(), charset
