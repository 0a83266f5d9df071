"""What the store gives back, besides `model.StoredArticle`: one frozen dataclass for each question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedsvc.model import Correction, LinkCount, Newsletter, Problem


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
    """A newsletter with how much of it there is. `latest` is the date of its newest issue.

    `muted` keeps it out of the feeds of several newsletters, `whole` makes each of its issues one entry, and `own_name`
    is what its mails call it, where a person gave it another name. `sponsors` shows its sponsors and jobs like articles;
    `resolve` is how its trackers are looked up, None as the settings say.
    """

    newsletter: Newsletter
    issues: int
    articles: int
    latest: datetime | None
    muted: bool = False
    whole: bool = False
    own_name: str | None = None
    sponsors: bool = False
    resolve: str | None = None


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
    way: str = ""
    recipient: str | None = None


@dataclass(frozen=True, slots=True)
class RejectionRow:
    """A message that was refused, and why: `code` for programs, `detail` for people."""

    sha256: str
    filename: str | None
    code: str
    detail: str
    received: datetime
    way: str


@dataclass(frozen=True, slots=True)
class IntakeRow:
    """A way in. `brought` counts the messages that were taken in (copies too), `failed` those that were rejected.

    `checked` is when it last looked for mail and could; `problem` why it cannot now, since `problem_since`. `failure` is
    why the last of the rejected messages was.
    """

    way: str
    brought: int
    failed: int
    last_brought: datetime | None
    checked: datetime | None
    problem: str | None
    problem_since: datetime | None
    last_failed: datetime | None
    failure: str | None


@dataclass(frozen=True, slots=True)
class AddressRow:
    """A secret local part under which mail is taken by SMTP, and the name that it was made for."""

    secret: str
    name: str
    created: datetime


@dataclass(frozen=True, slots=True)
class IssueSheet:
    """An issue beside its articles: what it was made from (`source`), how much of it was understood, and its neighbours.

    `key` is its own in the store; `earlier` and `later` are the ids of the newsletter's issues before and after it, None
    where there is none.
    """

    id: str
    key: str
    newsletter: Newsletter
    whole: bool
    subject: str
    sent: datetime
    web_url: str | None
    language: str
    links: LinkCount
    problems: tuple[Problem, ...]
    source: MessageRow | None
    earlier: str | None
    later: str | None


@dataclass(frozen=True, slots=True)
class CorrectionRow:
    """A correction of a newsletter (its key), the `title` and the `issue` (its id) of the item that it was made from."""

    id: int
    newsletter: str
    correction: Correction
    title: str
    issue: str
    made: datetime


@dataclass(frozen=True, slots=True)
class Rereading:
    """A newsletter (its key) whose past issues are read again: `done` of `total`, the last at `touched`.

    `problem` says why it could not go on.
    """

    newsletter: str
    done: int
    total: int
    touched: datetime | None
    problem: str | None


@dataclass(frozen=True, slots=True)
class Unsubscribing:
    """How to leave a newsletter, from the newest of its issues that says so. Private: it names the subscriber.

    `addresses` are those of List-Unsubscribe (RFC 2369); `one_click` says that RFC 8058 holds for them.
    """

    addresses: tuple[str, ...]
    one_click: bool


@dataclass(frozen=True, slots=True)
class State:
    """What names all that is published at one moment: the database, its revision, and when that last grew.

    `uid` tells the database from any other, one made anew from the archive too. `changed` is in whole seconds,
    which several revisions may share; None while nothing was ever published.
    """

    uid: str
    revision: int
    changed: datetime | None
