"""Documents rendered and compressed once for each change of the store, and answered by their validators (RFC 9110)."""

from __future__ import annotations

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from flask import Request, Response

# Each is one feed under one address. Where no address is set it comes from the request, so their number needs a bound.
_MAX_DOCUMENTS = 64
_GZIP_LEVEL = 6
# A reader must ask each time: to say "not changed" costs next to nothing, and a dropped mail is to be seen at once.
CACHE_CONTROL: Final = "private, max-age=0, must-revalidate"


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes of one document, plain and gzipped, with what tells them from others.

    The entity tags are strong and without quotes; each encoding has its own (RFC 9110 section 8.8.3.3). `modified` is
    in whole seconds, in UTC.
    """

    media_type: str
    body: bytes
    tag: str
    gzipped: bytes
    gzipped_tag: str
    modified: datetime | None

    @classmethod
    def of(cls, body: bytes, media_type: str, modified: datetime | None) -> Document:
        """Return the document that holds these bytes."""
        tag = hashlib.sha256(body).hexdigest()[:32]
        if modified is not None:
            modified = modified.astimezone(UTC).replace(microsecond=0)
        # Without a time in its header, the same bytes give the same gzip.
        return cls(media_type, body, tag, gzip.compress(body, _GZIP_LEVEL, mtime=0), f"{tag}-gz", modified)


class DocumentCache:
    """The documents as of the revision of the store that they were made from; safe for threads."""

    def __init__(self, max_documents: int = _MAX_DOCUMENTS) -> None:
        self._max_documents = max_documents
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
            if found is not None:
                document = _follow(found[1], document)
            with self._lock:
                self._documents[key] = (revision, document)
                self._documents.move_to_end(key)
                while len(self._documents) > self._max_documents:
                    self._documents.popitem(last=False)
            return document

    def _find(self, key: Hashable) -> tuple[int, Document] | None:
        with self._lock:
            found = self._documents.get(key)
            if found is not None:
                self._documents.move_to_end(key)
            return found


def _follow(before: Document, after: Document) -> Document:
    """Return `after` with a date that tells it from `before`: the same where nothing changed, else a later one.

    Two changes within one second would otherwise share a Last-Modified, and a reader who knows only that would never
    see the second one.
    """
    if before.modified is None or after.modified is None:
        return after
    if before.tag == after.tag:
        return replace(after, modified=before.modified)
    return replace(after, modified=max(after.modified, before.modified + timedelta(seconds=1)))


def answer(request: Request, document: Document) -> Response:
    """Return 200 with the document, or 304 where the reader has it already.

    If-None-Match wins over If-Modified-Since (RFC 9110 section 13.2.2).
    """
    zipped = request.accept_encodings.quality("gzip") > 0
    tag = document.gzipped_tag if zipped else document.tag
    if _has_it(request, tag, document.modified):
        response = Response(status=304)
    else:
        response = Response(document.gzipped if zipped else document.body, content_type=document.media_type)
        if zipped:
            response.headers["Content-Encoding"] = "gzip"
    response.set_etag(tag)
    response.last_modified = document.modified
    response.headers["Cache-Control"] = CACHE_CONTROL
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _has_it(request: Request, tag: str, modified: datetime | None) -> bool:
    if "If-None-Match" in request.headers:
        # Compared weakly (section 13.1.2): a proxy that compresses makes a strong tag weak.
        return request.if_none_match.contains_weak(tag)
    since = request.if_modified_since
    return modified is not None and since is not None and modified <= since
