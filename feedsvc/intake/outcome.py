"""What became of what came in, and the words for what could not."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from feedsvc.errors import FeedsvcError, MessageError, TooLarge

Status = Literal["new", "updated", "duplicate", "rejected", "failed", "skipped"]

MAX_OUTCOMES = 1000
_WENT_WELL: tuple[Status, ...] = ("new", "updated", "duplicate")

# The codes of failures: UNREADABLE is of one file; any other is of the disk or (the store's own codes) of the database.
UNREADABLE = "unreadable-file"
DISK = "disk"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message, or of one file that holds none.

    `articles` is how many the store holds of its issue. "failed" means that it stays where it is, to be tried again,
    and "skipped" that it is no message and was left alone; `code` and `detail` say why, as they do for "rejected",
    where `path` is where it stands now. `size` is in bytes.
    """

    name: str
    status: Status
    size: int = 0
    sha256: str = ""
    issue_id: str | None = None
    newsletter: str | None = None
    subject: str | None = None
    articles: int = 0
    code: str | None = None
    detail: str | None = None
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What became of the messages: how many ended how, and the first of each kind, in the order in which they were taken.

    `outcomes` holds at most `MAX_OUTCOMES` of those that went well and as many of those that did not, so that a report
    on millions of messages fits into memory. `articles` is how many came in with new issues.
    """

    outcomes: tuple[Outcome, ...] = ()
    tally: Mapping[Status, int] = field(default_factory=dict)
    articles: int = 0

    def count(self, *statuses: Status) -> int:
        """How many ended so."""
        return sum(self.tally.get(status, 0) for status in statuses)

    @property
    def accepted(self) -> int:
        """How many are in the store now: new, updated, or there before."""
        return self.count("new", "updated", "duplicate")

    @property
    def error(self) -> str | None:
        """Why messages had to be left waiting; None where none had."""
        return next((outcome.detail for outcome in self.outcomes if outcome.status == "failed"), None)


Progress = Callable[[Outcome], None]


class OutcomeLog:
    """Outcomes as they come; `halted` once database or disk failed, when to go on would only fail again."""

    def __init__(self, progress: Progress | None) -> None:
        self._outcomes: list[Outcome] = []
        self._tally: Counter[Status] = Counter()
        self._articles = 0
        self._progress = progress
        self.halted = False

    def add(self, outcome: Outcome) -> None:
        """Note an outcome, and tell of it."""
        self._tally[outcome.status] += 1
        if outcome.status == "new":
            self._articles += outcome.articles
        went_well = sum(self._tally[status] for status in _WENT_WELL)
        if (went_well if outcome.status in _WENT_WELL else self._tally.total() - went_well) <= MAX_OUTCOMES:
            self._outcomes.append(outcome)
        self.halted = self.halted or (outcome.status == "failed" and outcome.code != UNREADABLE)
        if self._progress is not None:
            self._progress(outcome)

    def report(self) -> IngestReport:
        """All of them."""
        return IngestReport(tuple(self._outcomes), dict(self._tally), self._articles)


def failed(path: Path, name: str | None, code: str, detail: str) -> Outcome:
    """The outcome of a message that stays where it is."""
    return Outcome(name or path.name, "failed", code=code, detail=detail, path=path)


def refused(path: Path, name: str, status: Status, size: int, refusal: FeedsvcError) -> Outcome:
    """The outcome of a file that is refused for this reason."""
    return Outcome(name, status, size, code=refusal.code, detail=refusal.detail, path=path)


def too_large(what: str, max_bytes: int) -> MessageError:
    """The refusal of a message that is longer than the setting allows."""
    return TooLarge(
        f"{what} is larger than {max_bytes:,} bytes. Raise the setting max_message_bytes if it is a newsletter."
    )


def no_message() -> MessageError:
    """The refusal of a file that is neither mail nor saved body."""
    return MessageError(
        "it is no message that feedsvc knows: those are .eml, .mbox, .html, .htm, .txt and .md files, archives "
        "of them (.zip, .tar.gz), and files that begin like a mail. Save the message in one of these forms.",
        code="not-a-message",
    )


def internal_error(error: Exception) -> MessageError:
    """The refusal of a message on which feedsvc itself fails."""
    said = traceback.format_exception_only(error)[-1].strip()
    return MessageError(
        f"feedsvc itself failed on it ({said}). "
        "This is a fault in feedsvc: please report it, with the file if you may.",
        code="internal-error",
    )
