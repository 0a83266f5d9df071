"""What a reader that polls asks for, again and again, without waking Flask.

Flask takes 70 µs to find out which function a request is for; the answer itself is ready. So the address of each
document that Flask has answered is remembered, and asked for again it is answered here, after one look at the revision.
It is only there where nobody has to show a token and no proxy says who asks: then the address alone decides.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from feedsvc.errors import StoreError
from feedsvc.store import Store
from feedsvc.web.documents import Document, choose

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_ADDRESSES: Final = 64
_STATUS: Final = {status: f"{status} {HTTPStatus(status).phrase}" for status in (200, 304)}
_Address = tuple[object, ...]


class Shortcut:
    """The documents that were answered last, by all of a request that decides which one it is; safe for threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[_Address, tuple[int, Document]] = {}
        self._lock = threading.Lock()

    def remember(self, environ: WSGIEnvironment, revision: int, document: Document) -> None:
        """Answer requests like this one with the document, as long as the store has this revision."""
        with self._lock:
            if len(self._known) >= MAX_ADDRESSES:
                self._known.clear()
            self._known[_address(environ)] = (revision, document)

    def find(self, environ: WSGIEnvironment) -> Document | None:
        """The document that this request is for, if it is known and nothing has changed since."""
        found = self._known.get(_address(environ))
        try:
            return found[1] if found is not None and found[0] == self._store.revision() else None
        except StoreError:
            return None  # Flask says what is wrong


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


def _address(environ: WSGIEnvironment) -> _Address:
    return (
        environ.get("HTTP_HOST"),
        environ.get("SERVER_NAME"),
        environ.get("SERVER_PORT"),
        environ.get("SCRIPT_NAME"),
        environ.get("PATH_INFO"),
        environ.get("QUERY_STRING"),
        environ.get("wsgi.url_scheme"),
    )
