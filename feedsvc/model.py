"""The frozen dataclasses and tuples that every room speaks, in the order in which data passes through them.

    bytes ─▶ Message ─▶ Document(Block(Span)) ─▶ Issue(Article) ─▶ StoredArticle ─▶ bytes of a feed

Strings in them are clean: no control characters, no NUL, no lone surrogates (`mail/` sees to that).
Datetimes are aware and in UTC.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

Kind = Literal["article", "sponsor", "job", "message"]
UrlState = Literal["canonical", "tracked"]
ReadSource = Literal["declared", "measured", "estimated"]
BlockKind = Literal["heading", "paragraph", "item", "quote", "code", "image", "rule"]
Role = Literal["title", "text", "meta", "section", "sponsor", "furniture", "preheader", "unused"]
Verdict = Literal["article", "sponsor", "job", "nothing", "joined"]
Scope = Literal["item", "section", "label", "site", "begins"]

# The namespace of entry ids (RFC 9562 version 5). It must never change: readers know entries by their ids.
ENTRY_NAMESPACE = uuid.UUID("6f0a3d5e-2b1c-5d0e-9a54-5b8f3f1c7e21")
_NAMESPACE_BYTES = ENTRY_NAMESPACE.bytes


@dataclass(frozen=True, slots=True)
class Problem:
    """Something odd about a message that was survived: what, in words, and whether content was lost by it."""

    code: str
    detail: str
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Newsletter:
    """Who sends. `key` is its identity: the List-Id, else the sender's address, else the slug of its name."""

    key: str
    name: str
    slug: str
    address: str | None = None
    list_id: str | None = None


@dataclass(frozen=True, slots=True)
class InlineImage:
    """An image that the message carries itself, referred to as `cid:<content_id>` (RFC 2392)."""

    content_id: str
    media_type: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message:
    """One e-mail or saved body, decoded.

    `key` is the message's identity: its Message-ID without angle brackets, else `sha256:` and a hash of its content.
    `html` and `text` are the whole bodies, each None where the message has none; at least one is not None.
    `recipients` are the addresses, in lower case, that the message was sent to.
    `unsubscribe` are the addresses of List-Unsubscribe (RFC 2369); `one_click` says that RFC 8058 holds for them.
    `bulk` is true where headers mark it as sent to many (List-Id, List-Unsubscribe, Precedence: bulk).
    `web_url` is the issue's page as headers name it (Archived-At, an https List-Post), raw; None where they do not.
    """

    key: str
    newsletter: Newsletter
    subject: str
    sent: datetime
    html: str | None
    text: str | None
    message_id: str | None = None
    recipients: frozenset[str] = frozenset()
    unsubscribe: tuple[str, ...] = ()
    one_click: bool = False
    bulk: bool = False
    inline_images: tuple[InlineImage, ...] = ()
    problems: tuple[Problem, ...] = ()
    web_url: str | None = None


class Span(NamedTuple):
    """A run of text in one style. `href` is the link as it stands in the message, entities decoded.

    A tuple, as blocks are, because a mail has thousands and a frozen dataclass takes three times as long to make.
    """

    text: str
    href: str | None = None
    bold: bool = False
    italic: bool = False
    code: bool = False
    size: float = 16.0  # CSS pixels
    colour: str = ""


class Image(NamedTuple):
    """An image that may be shown: `width` and `height` in CSS pixels where declared."""

    src: str
    alt: str = ""
    width: int | None = None
    height: int | None = None
    href: str | None = None


class Block(NamedTuple):
    """One line of a message in reading order: a paragraph, heading, list item or image, with its links.

    `boxes` are the numbers of the boxes (cells, divisions, lists) that the block stands in, outermost first: two blocks share a
    card where they share a deep box. `paragraph` is equal for lines that only `<br>` parts. `level` is 1-6 for headings
    and the depth for list items. `tags` is the tail of the tag path, `after_break` how many empty lines stood before it.
    """

    kind: BlockKind
    spans: tuple[Span, ...] = ()
    images: tuple[Image, ...] = ()
    level: int = 0
    boxes: tuple[int, ...] = ()
    paragraph: int = 0
    tags: str = ""
    align: str = ""
    background: str = ""
    ordinal: str = ""  # the printed number or bullet of a list item
    after_break: int = 0

    @property
    def text(self) -> str:
        """The block's text, as one line."""
        return "".join([s.text for s in self.spans]).strip()


@dataclass(frozen=True, slots=True)
class Document:
    """A body as blocks in reading order. `source` says which part of the message it was made from."""

    source: Literal["html", "text"]
    blocks: tuple[Block, ...]
    title: str = ""
    preheader: str = ""
    language: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Article:
    """One item of an issue: what becomes a feed entry.

    `url` is the canonical link where it can be known offline (`url_state` "canonical"), else the click-tracker as it
    stands ("tracked"), else None. `raw_link` is the link as it stands in the message. `title_repaired` marks a title whose letter case
    was inferred. `summary` is plain text. `content_html` is HTML rebuilt from blocks, safe to show, in which a link that must not be
    published stands as `go:N`, where N counts `go_links` (the raw targets) from 0.
    """

    id: str
    kind: Kind
    title: str
    url: str | None
    url_state: UrlState | None
    raw_link: str | None = None
    summary: str = ""
    content_html: str = ""
    go_links: tuple[str, ...] = ()
    read_minutes: int | None = None
    read_source: ReadSource | None = None
    section: str | None = None
    label: str | None = None
    image: str | None = None
    author: str | None = None
    title_repaired: bool = False


class Reading(NamedTuple):
    """How one block was read: its role, the article (index in the issue) that it belongs to, and why."""

    block: Block
    role: Role
    article: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class LinkCount:
    """Distinct outside targets that are not furniture, and how many of them an article carries."""

    found: int = 0
    assigned: int = 0


@dataclass(frozen=True, slots=True)
class Issue:
    """One message of a newsletter, converted. `articles` is never empty. `key` is the message's key.

    `unsubscribe` and `one_click` are the message's: private, for the person who asks to leave the newsletter.
    """

    key: str
    newsletter: Newsletter
    subject: str
    sent: datetime
    message_id: str | None
    web_url: str | None
    articles: tuple[Article, ...]
    links: LinkCount
    problems: tuple[Problem, ...] = ()
    readings: tuple[Reading, ...] = ()
    recipients: frozenset[str] = frozenset()
    language: str = ""
    inline_images: tuple[InlineImage, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    one_click: bool = False
    fingerprints: frozenset[str] = frozenset()  # of its lines, by which later issues tell what stands in every one


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said of items that were read wrongly: what they are, and which items are meant.

    `verdict` is a kind, "nothing" (no article) or "joined" (part of the item above). `scope` and `value` say which: the
    "item" whose entry has this id, all of a "section", with a "label", that link to a "site", or whose title "begins" so.
    """

    verdict: Verdict
    scope: Scope
    value: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What is known of one newsletter and cannot be seen: data of last resort (split/rules.toml, or the user's rules.toml).

    `newsletter` is a pattern (`*` and `?`) for its key, List-Id or address. `not_article` and `sponsor` are regular expressions for
    titles. `whole` keeps each issue in one piece. Of several `corrections` that fit an item the last one counts, and one
    for this very item before all others.
    """

    newsletter: str
    reason: str
    whole: bool = False
    not_article: tuple[str, ...] = ()
    sponsor: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What was learnt before a message came: `repeated` are fingerprints of blocks that stand in every issue of its newsletter.

    `whole` says that the person wants its issues in one piece, `corrections` what they mended, oldest first.
    """

    repeated: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] = ()
    whole: bool = False
    corrections: tuple[Correction, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredArticle:
    """An article as it is published: with its newsletter, its issue and its dates.

    `published` is the message's date, `updated` when its content last changed. `issue_id` names the issue's page.
    `recipients` are the addresses and tokens of those whom its message was sent to: none of it may be published.
    `inline_images` says under which token the store has an image that came within the message, by its content id.
    """

    article: Article
    newsletter: Newsletter
    issue_id: str
    issue_subject: str
    published: datetime
    updated: datetime
    language: str = ""
    also_in: tuple[str, ...] = ()
    recipients: frozenset[str] = frozenset()
    inline_images: tuple[tuple[str, str], ...] = ()


def entry_id(message_key: str, what: str) -> str:
    """The id of the entry that stands for `what` (the item's raw link, else its title) in the message with this key."""
    # As `uuid.uuid5` makes it (RFC 9562 section 5.5), in a third of its time: every item of every mail gets one.
    name = hashlib.sha1(_NAMESPACE_BYTES + f"{message_key}\n{what}".encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(name[16], 16) & 3]
    return f"urn:uuid:{name[:8]}-{name[8:12]}-5{name[13:16]}-{variant}{name[17:20]}-{name[20:32]}"
