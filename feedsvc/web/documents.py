"""Documents rendered and compressed once for each change of the store, and answered by their validators (RFC 9110)."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import brotli
from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.http import http_date, parse_accept_header, parse_date, parse_etags, quote_etag

from feedsvc.web.headers import SECURITY_HEADERS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Coding = Literal["br", "gzip", "identity"]

# Each is one feed under one address. A person has some hundreds of them at the most; but anybody may ask for feeds that
# nobody reads, so their number needs a bound, and so does the memory that they take: compressed they are small.
_MAX_DOCUMENTS = 1000
_MAX_BYTES = 64_000_000
_GZIP_LEVEL = 6
_BROTLI_QUALITY = 6  # a feed of 200 kB: 5 ms, and a fifth smaller than gzip; 11 would take 300 ms
# A reader must ask each time: to say "not changed" costs next to nothing, and a dropped mail is to be seen at once.
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
# The time after which no change can have the date of an earlier one; a change notes its time and is then committed, which
# takes milliseconds. RFC 9110 section 8.8.2.2 takes a minute too.
SETTLED: Final = timedelta(seconds=60)
_SECOND: Final = timedelta(seconds=1)
CACHE_CONTROL: Final = "private, max-age=0, must-revalidate"


class DocumentResponse(Response):
    """An answer that has all its headers already: nothing is left for Werkzeug to work out, which is half its time."""

    default_mimetype = None

    def __init__(self, body: bytes, status: int, headers: Iterable[tuple[str, str]]) -> None:
        ready = Headers()
        ready[:] = headers  # in one go, not one by one
        super().__init__(body, status, ready)
        self._body = body

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer; to HEAD without the body."""
        start_response(self.status, self.headers.to_wsgi_list())
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self._body,)


@dataclass(frozen=True, slots=True)
class Variant:
    """A document in one coding: its bytes, its entity tag without quotes, and the headers of 200 and of 304."""

    body: bytes
    tag: str
    headers: tuple[tuple[str, str], ...]
    not_modified: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Document:
    """The bytes of one document with what tells them from others.

    The entity tag is strong and without quotes; each coding has its own (RFC 9110 section 8.8.3.3). `modified` is in
    whole seconds, in UTC. `hub` is a WebSub hub that tells of its changes. Each coding is made when it is first asked
    for, and kept.
    """

    media_type: str
    body: bytes
    tag: str
    modified: datetime | None
    hub: str | None = None
    _variants: dict[Coding, Variant] = field(default_factory=dict, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @classmethod
    def of(cls, body: bytes, media_type: str, modified: datetime | None, hub: str | None = None) -> Document:
        """Return the document that holds these bytes."""
        if modified is not None:
            modified = modified.astimezone(UTC).replace(microsecond=0)
        return cls(media_type, body, hashlib.sha256(body).hexdigest()[:32], modified, hub)

    def variant(self, coding: Coding) -> Variant:
        """Return the document in this coding."""
        found = self._variants.get(coding)
        if found is None:
            with self._lock:
                found = self._variants.get(coding) or self._make(coding)
                self._variants[coding] = found
        return found

    def _make(self, coding: Coding) -> Variant:
        body, tag = self.body, self.tag
        if coding == "gzip":
            body, tag = (
                gzip.compress(body, _GZIP_LEVEL, mtime=0),
                f"{tag}-gz",
            )  # without a time, the same bytes each time
        elif coding == "br":
            body, tag = brotli.compress(body, mode=brotli.MODE_TEXT, quality=_BROTLI_QUALITY), f"{tag}-br"
        both = [
            ("ETag", quote_etag(tag)),
            ("Cache-Control", CACHE_CONTROL),
            ("Vary", "Accept-Encoding"),
            *SECURITY_HEADERS.items(),
        ]
        if self.hub:
            both.append(("Link", f'<{self.hub}>; rel="hub"'))
        only_whole = [("Content-Type", self.media_type), ("Content-Length", str(len(body)))]
        if coding != "identity":
            only_whole.append(("Content-Encoding", coding))
        return Variant(body, tag, (*only_whole, *both), tuple(both))


class DocumentCache:
    """The documents as of the revision of the store that they were made from; safe for threads.

    Those that were asked for longest ago go first; the last one stays, however large.
    """

    def __init__(self, max_documents: int = _MAX_DOCUMENTS, max_bytes: int = _MAX_BYTES) -> None:
        self._max_documents = max_documents
        self._max_bytes = max_bytes
        self._bytes = 0
        self._documents: OrderedDict[Hashable, tuple[int, Document]] = OrderedDict()
        self._lock = threading.Lock()
        self._rendering = threading.Lock()

    def get(self, key: Hashable, revision: int, make: Callable[[], Document]) -> Document:
        """Return the document of this key, made by `make` unless it is there for this very revision."""
        found = self._find(key)
        if found is not None and found[0] == revision:
            return found[1]
        with self._rendering:  # one thread renders; those who wait find it done
            found = self._find(key)
            if found is not None and found[0] == revision:
                return found[1]
            document = make()
            if (
                found is not None
                and found[1].tag == document.tag
                and None not in (found[1].modified, document.modified)
            ):
                document = found[1]  # with all that was made of it, and its date
            self._keep(key, revision, document)
            return document

    def _keep(self, key: Hashable, revision: int, document: Document) -> None:
        with self._lock:
            _, before = self._documents.pop(key, (0, None))
            self._documents[key] = (revision, document)
            self._bytes += len(document.body) - (len(before.body) if before else 0)
            while len(self._documents) > self._max_documents or (
                self._bytes > self._max_bytes and len(self._documents) > 1
            ):
                _, (_, gone) = self._documents.popitem(last=False)
                self._bytes -= len(gone.body)

    def _find(self, key: Hashable) -> tuple[int, Document] | None:
        with self._lock:
            found = self._documents.get(key)
            if found is not None:
                self._documents.move_to_end(key)
            return found


def answer(request: Request, document: Document) -> Response:
    """Return 200 with the document, or 304 where the reader has it already."""
    return DocumentResponse(*choose(request.environ, document))


def choose(environ: WSGIEnvironment, document: Document) -> tuple[bytes, int, tuple[tuple[str, str], ...]]:
    """Return the body, the status and the headers with which this request is answered.

    If-None-Match wins over If-Modified-Since (RFC 9110 section 13.2.2).
    """
    accepted = environ.get("HTTP_ACCEPT_ENCODING")
    found = document.variant("identity" if accepted is None else best_coding(accepted))
    modified = document.modified
    if _has_it(environ, found.tag, modified):
        body, status, headers = b"", 304, found.not_modified
    else:
        body, status, headers = found.body, 200, found.headers
    if modified is None:
        return body, status, headers
    return body, status, (*headers, ("Last-Modified", _written(_told(modified, datetime.now(UTC)))))


def _told(modified: datetime, now: datetime) -> datetime:
    """Return the date that is told of a document, never one in the future (section 8.8.2.1).

    Two changes within one second have one date, and who knows only that would never see the second one. So the date is
    not told until no other change can have it: before that, who comes back with the earlier one gets the document once
    more, never too few.
    """
    return modified if modified <= now - SETTLED else min(modified - _SECOND, now)


@lru_cache(maxsize=256)
def best_coding(accepted: str) -> Coding:
    """Return the smallest coding that this Accept-Encoding takes (RFC 9110 section 12.5.3)."""
    weights = {name.lower(): weight for name, weight in parse_accept_header(accepted)}
    rest = weights.get("*", 0)
    # Where both will do, brotli: it is smaller. Else what is asked for more.
    br, zipped = weights.get("br", rest if "*" not in weights else 0), weights.get("gzip", rest)
    if br > 0 and br >= zipped:
        return "br"
    return "gzip" if zipped > 0 else "identity"


@lru_cache(maxsize=256)
def _written(moment: datetime) -> str:
    return http_date(moment)


def _has_it(environ: WSGIEnvironment, tag: str, modified: datetime | None) -> bool:
    asked = environ.get("HTTP_IF_NONE_MATCH")
    if asked is not None:
        # Compared weakly (section 13.1.2): a proxy that compresses makes a strong tag weak.
        return asked == f'"{tag}"' or parse_etags(asked).contains_weak(tag)
    since = environ.get("HTTP_IF_MODIFIED_SINCE")
    return since is not None and modified is not None and (_moment(since) or _LONG_AGO) >= modified


_moment = lru_cache(maxsize=256)(parse_date)
