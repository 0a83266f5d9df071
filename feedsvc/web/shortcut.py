"""What a reader that polls asks for, again and again, without waking Flask.

Flask takes 70 µs to find out which function a request is for; the answer itself is ready. So the address of each
document that Flask has answered is remembered, and asked for again it is answered here, after one look at the revision.
Where nobody needs a token, the address alone decides; it stands behind `ProxyFix`, so what a trusted proxy says of the
address counts. Where a token is needed, what the request showed decides too, in the query or as HTTP Basic: the very
same again gets the very same answer. It is kept and compared as a keyed hash, in constant time; a token that is revoked
makes the revision grow. Requests that were let in by a cookie are not remembered, for cookies expire by the clock.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import weakref
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from feedsvc.errors import StoreError
from feedsvc.store import Store
from feedsvc.web.documents import Document, choose

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_ADDRESSES: Final = 1000
_STATUS: Final = {status: f"{status} {HTTPStatus(status).phrase}" for status in (200, 304)}
# How much of the hash finds an answer; the whole of it must be right.
_FOUND_BY: Final = 8
_Address = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class _Answered:
    revision: int
    shown: bytes
    document: weakref.ref[Document]


class Shortcut:
    """The documents that were answered last, by all of a request that decides which one it is; safe for threads.

    `guarded` says that requests must show a token.
    """

    def __init__(self, store: Store, *, guarded: bool) -> None:
        self._store = store
        self._key = secrets.token_bytes(32) if guarded else None
        self._known: dict[_Address, _Answered] = {}
        self._lock = threading.Lock()

    def remember(self, environ: WSGIEnvironment, revision: int, document: Document) -> None:
        """Answer requests like this one, which was let in, with the document, as long as the store has this revision."""
        address, shown = self._read(environ)
        with self._lock:
            self._known.pop(address, None)
            while len(self._known) >= MAX_ADDRESSES:
                del self._known[next(iter(self._known))]
            # Weakly, or what is dropped for want of room would stay in memory here.
            self._known[address] = _Answered(revision, shown, weakref.ref(document))

    def find(self, environ: WSGIEnvironment) -> Document | None:
        """The document that this request is for, if it is known and nothing has changed since."""
        address, shown = self._read(environ)
        found = self._known.get(address)
        if found is None or not hmac.compare_digest(found.shown, shown):
            return None
        try:
            return found.document() if found.revision == self._store.revision() else None
        except StoreError:
            return None  # Flask says what is wrong

    def _read(self, environ: WSGIEnvironment) -> tuple[_Address, bytes]:
        """What a request is known by, and what it must show to be answered: a hash of it, or nothing."""
        query = environ.get("QUERY_STRING", "")
        plain = (
            environ.get("HTTP_HOST"),
            environ.get("SERVER_NAME"),
            environ.get("SERVER_PORT"),
            environ.get("SCRIPT_NAME"),
            environ.get("PATH_INFO"),
            environ.get("wsgi.url_scheme"),
        )
        if self._key is None:
            return (*plain, query), b""
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        said = f"{len(query)}:{query}{authorization}".encode("utf-8", "surrogatepass")
        shown = hashlib.blake2b(said, digest_size=32, key=self._key).digest()
        return (*plain, shown[:_FOUND_BY]), shown


class ShortcutMiddleware:
    """The application with the shortcut before it."""

    def __init__(self, app: WSGIApplication, shortcut: Shortcut) -> None:
        self._app = app
        self._shortcut = shortcut

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer, or let the application answer."""
        method = environ["REQUEST_METHOD"]
        document = self._shortcut.find(environ) if method in ("GET", "HEAD") else None
        if document is None:
            return self._app(environ, start_response)
        body, status, headers = choose(environ, document)
        start_response(_STATUS[status], list(headers))
        return () if method == "HEAD" else (body,)
