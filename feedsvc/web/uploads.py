"""Files that come with a request: read out of it, put into the spool, and what became of each.

The id of a file is the SHA-256 of its bytes, so sending one twice is harmless, and what became of it can be asked for
after a restart too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from flask import request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge, ServiceUnavailable

from feedsvc.intake.boxes import unpacked_box
from feedsvc.intake.spool import Arrival, Spool
from feedsvc.publish import published_line
from feedsvc.store.disk import safe_name
from feedsvc.web.privacy import everybody
from feedsvc.web.site import site

State = Literal["waiting", "taken", "unpacked", "rejected"]

# A request may hold several messages; each is held to max_message_bytes, and all together to so many times that.
_MESSAGES_A_REQUEST: Final = 4
_FORM_BYTES: Final = 1_000_000
_MAX_FILES: Final = 1000
_SHA256_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Upload:
    """A message, or a file of messages, that came with a request."""

    name: str
    data: bytes

    @property
    def id(self) -> str:
        """Under which its fate can be asked for."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of an upload.

    Of a message that was taken: its newsletter, issue and number of articles. Of a file of several messages that was
    taken apart: how many were in it, and how many of them (of the first hundred) ended how. Of one that was rejected:
    why. `received` is when it came.
    """

    id: str
    state: State
    name: str
    received: datetime | None = None
    newsletter: str | None = None
    issue_id: str | None = None
    subject: str | None = None
    articles: int = 0
    code: str | None = None
    detail: str | None = None
    messages: int = 0
    taken: int = 0
    rejected: int = 0
    waiting: int = 0


def limit_request() -> None:
    """Hold this request to what the settings allow, before its body is read."""
    limit = site().settings.max_message_bytes
    request.max_content_length = _MESSAGES_A_REQUEST * limit + _FORM_BYTES
    request.max_form_memory_size = limit + _FORM_BYTES
    request.max_form_parts = _MAX_FILES


def form_files() -> Iterable[tuple[str, Upload]]:
    """Each file of the form that this request is, with the name of its field. Raises RequestEntityTooLarge."""
    try:
        files = request.files
    except RequestEntityTooLarge as refusal:
        raise RequestEntityTooLarge(
            f"These files are larger together than {request.max_content_length:,} bytes. Send fewer at once, or raise the "
            "setting max_message_bytes."
        ) from refusal
    for field, file in files.items(multi=True):
        with closing(file):  # a large one is in a temporary file
            if file.filename or field == "body-mime":
                yield field, Upload(safe_name(file.filename or "message.eml"), file.read())


def put_uploads(uploads: Sequence[Upload], way: str) -> None:
    """Put them into the spool; they are safe on the disk once this returns.

    Raises RequestEntityTooLarge for one that is larger than the setting allows, and ServiceUnavailable where the disk
    fails.
    """
    settings = site().settings
    for upload in uploads:
        if len(upload.data) > settings.max_message_bytes:
            raise RequestEntityTooLarge(
                f"{upload.name} is larger than {settings.max_message_bytes:,} bytes, which is the setting max_message_bytes."
            )
    try:
        Spool(settings.spool).put_all([Arrival(upload.data, upload.name) for upload in uploads], way=way)
    except OSError as failure:
        raise ServiceUnavailable(
            f"It cannot be written to the disk now: {failure.strerror}. Send it again."
        ) from failure


def fate_of(upload_id: str) -> Fate:
    """Return what became of the upload with this id, in words that name no recipient. Raises NotFound."""
    found, people = _fate_of(upload_id), everybody()
    return replace(
        found,
        name=published_line(found.name, people),
        subject=None if found.subject is None else published_line(found.subject, people),
        newsletter=None if found.newsletter is None else published_line(found.newsletter, people),
        detail=None if found.detail is None else published_line(found.detail, people),
    )


def _fate_of(upload_id: str) -> Fate:
    here = site()
    if len(upload_id) != _SHA256_CHARS or not set(upload_id) <= set("0123456789abcdef"):
        raise NotFound("There is no message of this name.")
    if (row := here.store.get_message(upload_id)) is not None:
        articles = here.store.issue_articles(row.issue_id)
        return Fate(
            upload_id,
            "taken",
            row.filename or "message.eml",
            row.received,
            newsletter=articles[0].newsletter.name if articles else None,
            subject=articles[0].issue_subject if articles else None,
            issue_id=row.issue_id,
            articles=len(articles),
        )
    # Before the rejections: one that was rejected and is tried again waits.
    if (waiting := Spool(here.settings.spool).find(upload_id)) is not None:
        return Fate(upload_id, "waiting", waiting.filename, waiting.received)
    if (refusal := here.store.get_rejection(upload_id)) is not None:
        return Fate(
            upload_id,
            "rejected",
            refusal.filename or "message.eml",
            refusal.received,
            code=refusal.code,
            detail=refusal.detail,
        )
    if (box := unpacked_box(here.store, upload_id)) is not None:
        taken = len(here.store.get_messages(box.first))
        rejected = sum(here.store.get_rejection(one) is not None for one in box.first)
        waits = len(box.first) - taken - rejected
        return Fate(
            upload_id,
            "unpacked",
            box.name,
            messages=box.messages,
            taken=taken,
            rejected=rejected,
            waiting=max(0, waits),
        )
    raise NotFound(
        "There is no such message here. What was sent long ago and taken apart is known by the ids of its messages."
    )
