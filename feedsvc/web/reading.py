"""A stored issue read again from the archive, as it is shown and mended: the mail itself, and how each block was read."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, cast

from flask import current_app

from feedsvc.convert import convert
from feedsvc.errors import MessageError
from feedsvc.lessons import Lessons
from feedsvc.mail import parse_message
from feedsvc.model import Issue, Knowledge, Message, entry_id
from feedsvc.store import IssueSheet
from feedsvc.store.archive import Archive
from feedsvc.web.site import site

logger = logging.getLogger(__name__)

EXTENSION: Final = "feedsvc-lessons"
_KEPT: Final = 8  # issues, of which a person looks at one after the other
_MAX_KEPT_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class IssueReading:
    """An issue as it is converted now, with its readings, and its message. `sha256` is of the message's bytes."""

    message: Message
    issue: Issue
    sha256: str

    def number(self, entry: str) -> int | None:
        """Which of the articles the entry with this id in the store is; None where it is none of them by now.

        A mail whose Message-ID another mail has too has ids of its own in the store.
        """
        for number, article in enumerate(self.issue.articles):
            if entry in (article.id, entry_id(f"sha256:{self.sha256}", article.id)):
                return number
        return None


def read_again(sheet: IssueSheet) -> IssueReading | None:
    """Return the issue as it is converted now; None where its message is not in the archive, or can no longer be read."""
    source = sheet.source
    if source is None:
        return None
    path = Archive(site().settings.archive).path(source.sha256, source.dated, source.filename)
    lessons = _lessons()
    lessons.refresh()
    known = lessons.teach(sheet.newsletter, sheet.key)
    read = _read if source.size <= _MAX_KEPT_BYTES else _read.__wrapped__
    try:
        return read(path, source.filename, source.received, source.sha256, known)
    except OSError as failure:
        logger.info("%s is not in the archive: %s", source.sha256, failure.strerror)
    except MessageError as refusal:
        logger.info("%s can no longer be read: %s", source.sha256, refusal.detail)
    except Exception:
        logger.exception("%s cannot be shown", source.sha256)
    return None


@lru_cache(maxsize=_KEPT)
def _read(path: Path, filename: str | None, received: datetime, sha256: str, known: Knowledge) -> IssueReading:
    data = path.read_bytes()
    message = parse_message(data, received=received, filename=filename)
    return IssueReading(message, convert(data, received=received, filename=filename, known=known), sha256)


def _lessons() -> Lessons:
    """Return what this application knows of newsletters, made when it is first needed."""
    here = site()
    known = current_app.extensions.get(EXTENSION)
    if known is None:
        known = current_app.extensions.setdefault(EXTENSION, Lessons(here.settings, here.store))
    return cast(Lessons, known)
