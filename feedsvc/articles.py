"""Items to articles: titles taken apart and mended, links made canonical, texts summed up. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from feedsvc.document import render
from feedsvc.enrich import (
    Lexicon,
    declared_minutes,
    estimate_minutes,
    is_shouting,
    plain_summary,
    repair_case,
    split_title,
)
from feedsvc.links import Target
from feedsvc.model import Article, Block, Correction, Kind, Message, ReadSource, entry_id
from feedsvc.split import Item, LinkBook, Split, said_kind

HEAD_LINES = 15
MIN_COMPLETE_WORDS = 150
# A button at the place where a text was cut off, in the words that publishing platforms use.
READ_ON = re.compile(
    r"^\W*(?:(?:keep|continue) reading\b|read (?:the )?(?:full|rest|whole|more)\b|(?:upgrade|subscribe) to (?:unlock|continue|read)|weiterlesen|lire la suite)",
    re.I,
)
NO_TARGET = Target(None, None)


def make_articles(message: Message, part: Split, book: LinkBook, web: str | None) -> tuple[Article, ...]:
    """The articles of an issue that falls into items, in their order.

    `web` is the address of the issue on the web, as it stands in the message: that of a text which is written in the mail itself.
    """
    lexicon = _lexicon(message, part)
    return tuple(_article(message, item, book, lexicon, web) for item in part.items)


def _lexicon(message: Message, part: Split) -> Lexicon:
    """How the issue's running text writes its words; empty where no title is in capitals, so that nobody will ask."""
    printed = [words for item in part.items for words in (item.title, item.section) if words]
    if not any(is_shouting(split_title(words).title) for words in printed):
        return Lexicon()
    running = (r.block.text for r in part.readings if r.role not in ("title", "section"))
    return Lexicon.learn((*running, f"of {message.newsletter.name} it"))


def make_whole(
    message: Message, part: Split, book: LinkBook, web: str | None, corrections: Sequence[Correction] = ()
) -> tuple[Article, ...]:
    """The one article of an issue that is one text; `web` is its address on the web, as it stands in the message.

    A mail that is no newsletter has no such address, and keeps all it has, housekeeping too: its links may be what it was sent for.
    """
    web = None if part.is_message else web
    target = book.look(web).target if web else NO_TARGET
    own = [r.block for r in part.readings if part.is_message or r.role not in ("furniture", "preheader")]
    blocks = own or [r.block for r in part.readings]
    content, go_links = _content(blocks, book, whole=part.is_message)
    text = plain_summary(part.text)
    parts_of_title = split_title(message.subject)
    title = parts_of_title.title or message.subject or message.newsletter.name
    minutes: int | None = parts_of_title.read_minutes
    if minutes is None:
        minutes = _declared(part)
    source: ReadSource = "declared"
    if minutes is None and text:
        minutes, source = estimate_minutes(text), "measured" if _is_complete(part, text) else "estimated"
    entry = entry_id(message.key, message.subject)
    return (
        Article(
            id=entry,
            kind=said_kind(entry, corrections) or ("message" if part.is_message else "article"),
            title=title,
            url=target.url,
            url_state=target.state,
            raw_link=web,
            summary=text,
            content_html=content,
            go_links=go_links,
            read_minutes=minutes,
            read_source=source if minutes is not None else None,
        ),
    )


def _is_complete(part: Split, text: str) -> bool:
    """Whether the whole text stands in the mail: it is long, and no line asks to read on elsewhere."""
    return len(text.split()) >= MIN_COMPLETE_WORDS and not any(
        READ_ON.search(r.block.text) for r in part.readings if len(r.block.text) <= 80
    )


def _declared(part: Split) -> int | None:
    """The read time that the issue declares of itself, in its preheader or a short line near its head."""
    head = [part.document.preheader] + [r.block.text for r in part.readings[:HEAD_LINES]]
    return next((m for text in head if text and (m := declared_minutes(text)) is not None), None)


def _article(message: Message, item: Item, book: LinkBook, lexicon: Lexicon, web: str | None) -> Article:
    title_parts = split_title(item.title)
    title = title_parts.title or item.title.strip() or message.subject
    summary = plain_summary(item.text)
    link = item.link or (web if item.written_here else None) or item.source
    target = book.look(link).target if link else NO_TARGET
    repaired = is_shouting(title)
    if repaired:
        title = repair_case(title, lexicon, summary, url=target.url or "")
    section = item.section and split_title(item.section).title.rstrip(" :")
    if section and is_shouting(section):
        section = repair_case(section, lexicon)
    minutes = title_parts.read_minutes if title_parts.read_minutes is not None else item.minutes
    source: ReadSource | None = "declared" if minutes is not None else None
    if minutes is None and summary:
        complete = item.link is None and item.written_here and len(summary.split()) >= MIN_COMPLETE_WORDS
        minutes, source = estimate_minutes(summary), "measured" if complete else "estimated"
    kind: Kind = "sponsor" if title_parts.sponsor and not item.judged else item.kind
    content, go_links = _content(item.blocks, book)
    return Article(
        id=item.id,
        kind=kind,
        title=title,
        url=target.url,
        url_state=target.state,
        raw_link=link,
        summary=summary,
        content_html=content,
        go_links=go_links,
        read_minutes=minutes,
        read_source=source,
        section=section or None,
        label=title_parts.label or item.label,
        image=item.image.src if item.image else None,
        title_repaired=repaired,
    )


def _content(blocks: Sequence[Block], book: LinkBook, *, whole: bool = False) -> tuple[str, tuple[str, ...]]:
    """The blocks as HTML, in which `go:N` stands for a link that must not be published; and those links.

    `whole` is for mails that are no newsletter: a link that would lose anything is kept whole behind `go:N`, since a confirmation
    works by its token.
    """
    hidden: dict[str, int] = {}

    def link(href: str) -> str | None:
        info = book.look(href)
        if info.target.url is None:
            return None
        if info.target.state == "canonical" and not info.personal and (not whole or info.target.url == href):
            return info.target.url
        return f"go:{hidden.setdefault(href, len(hidden))}"

    return render(blocks, link), tuple(hidden)
