"""What the store gives back, besides `model.StoredArticle`: one frozen dataclass for each question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedsvc.model import Newsletter


@dataclass(frozen=True, slots=True)
class AddResult:
    """What became of an issue that was added; `articles` is how many the store now holds of it.

    "updated" means that the issue was known and what is published of it changed, "duplicate" that nothing did.
    """

    status: Literal["new", "duplicate", "updated"]
    issue_id: str
    articles: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each the store holds. `articles` counts every kind."""

    newsletters: int
    issues: int
    articles: int
    messages: int
    rejected: int


@dataclass(frozen=True, slots=True)
class NewsletterRow:
    """A newsletter with how much of it there is. `latest` is the date of its newest issue."""

    newsletter: Newsletter
    issues: int
    articles: int
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message that was taken in.

    `size` is in bytes; `dated` (the issue's date when it came in) names its folder in the archive.
    `is_source` says that its issue's articles were made from this message, not from another copy of it.
    """

    sha256: str
    issue_id: str
    filename: str | None
    received: datetime
    dated: datetime
    size: int
    is_source: bool
