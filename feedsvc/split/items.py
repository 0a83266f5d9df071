"""Drafts to items: which words are the title, which link is meant, which lines are the item's own text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from feedsvc.enrich import declared_minutes
from feedsvc.links import shared_address
from feedsvc.model import Block, Image, Kind, Span
from feedsvc.split.drafts import Draft
from feedsvc.split.features import BYLINE, COUNTS, WHOLE, Line, inner_button, title_parts
from feedsvc.split.heads import SIGNED
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.phrases import says
from feedsvc.split.units import DASHES, first_sentence, title_before_source

MIN_LEAD_WORDS = 4
MIN_PICTURED = 2  # stories whose only link is that of their picture
MIN_LEADS = 3  # items of a list, most of which begin with their title in bold
MAX_META_WORDS = 14
# What may stand behind a linked title on its line: a dash, "by", a parenthesis.
BEHIND_TITLE = re.compile(r"^\s*(?:[–—|·•-]\s|\(|\[|,?\s*(?:by|von|par|por|di|via)\s)", re.I)
# A source and a link to what others say of it, behind a linked title: "//site.example comments".
SOURCE_BEHIND = re.compile(r"^\s*//\s?\S+(?:\s+\S+){0,2}$")
# A source's name with a mark behind it, such as "ACME sponsor".
SPONSOR_NAME = re.compile(r"^\S+(?: \S+){0,2} [(\[]?(?:sponsor|sponsored|anzeige|sponsorisé)[)\]]?$", re.I)
MAX_MARK_CHARS = 80  # of a line such as "-- Name (SPONSOR)"
MAX_TIMED_WORDS = 80  # of an item whose text may end in the length of what it is about
MIN_IMAGE_PX = 60
MIN_WRITTEN_WORDS = 120


class Item(NamedTuple):
    """One item as the split gives it: words as the mail has them, links as they stand, blocks in order.

    `title` may still carry markers such as "(5 minute read)". `inferred` says that the title is the item's first words because it has none of its own.
    `text` is the item's own text as plain text. `lines` are the indices of its blocks in the document, the title's first.
    `id` is that of the entry it becomes, given by `naming`. `judged` says that a person named its kind.
    """

    title: str
    link: str | None
    text: str
    blocks: tuple[Block, ...]
    lines: tuple[int, ...]
    kind: Kind = "article"
    section: str | None = None
    label: str | None = None
    image: Image | None = None
    minutes: int | None = None
    inferred: bool = False
    source: str | None = None  # the first link in its text, where none leads to the whole of it
    written_here: bool = False  # the whole text stands in the mail, and no link leads to it elsewhere
    id: str = ""
    judged: bool = False


def make_items(drafts: Sequence[Draft], book: LinkBook) -> tuple[Item, ...]:
    """The items that the drafts of one issue describe."""
    units = [draft for draft in drafts if draft.unit and draft.head is None]
    closed = sum(bool(_closed_lead(draft.first)) for draft in units)
    leads = len(units) >= MIN_LEADS and closed > len(units) / 2
    pictured = _are_pictured(drafts)
    return tuple(_make_item(draft, book, leads=leads, pictured=pictured) for draft in drafts)


def _are_pictured(drafts: Sequence[Draft]) -> bool:
    """Whether most stories under plain heads have no link but that of their picture: then a later one in the last leads elsewhere."""
    stories = [d for d in drafts if d.head is not None and not d.is_linked]
    only = sum(
        any(line.hrefs and line.block.kind == "image" for line in d.body)
        and not any(line.hrefs and line.block.kind != "image" and not line.is_furniture for line in d.body)
        for d in stories
    )
    return only >= MIN_PICTURED and only > len(stories) / 2


def _closed_lead(line: Line) -> str:
    """The bold words that a line begins with, where a full stop, colon or dash parts them from the rest."""
    words = "".join(s.text for s in _leading(line, bold=True)).strip()
    rest = line.text[len(words) :].lstrip()
    return words if words and (words[-1] in ".:!?…" or rest[:1] in "–—-:|(.!?…") else ""


def _make_item(draft: Draft, book: LinkBook, *, leads: bool, pictured: bool) -> Item:
    """The item that a draft describes; `leads`: its neighbours have their titles in bold before the text, `pictured`: their links in a picture."""
    title, rest, inferred = _title(draft, leads=leads)
    if draft.number:
        title = title.lstrip().removeprefix(draft.number).lstrip(" .:)-–—")
    meta = _meta_lines(draft)
    body = [line for line in draft.body if line is not draft.first]
    texts = [rest] if rest else []
    texts += [line.text for line in body if _is_own_text(line) and line.index not in meta]
    minutes = next(
        (m for line in draft.lines if line.index in meta and (m := declared_minutes(line.text)) is not None), None
    )
    if minutes is None and sum(line.words for line in draft.lines) <= MAX_TIMED_WORDS:
        minutes = next(
            (m for text in texts if text.endswith((")", "]")) and (m := declared_minutes(text)) is not None), None
        )
    shown = [line.block for line in body if line.index not in meta]
    if draft.head is None:
        shown.insert(0, draft.first.block)
    for line in draft.lines:
        line.item = draft.first.index
        if line.role == "unused":
            line.role = "meta" if line.index in meta else "text"
    if draft.unit:
        draft.first.role, draft.first.reason = "title", draft.first.reason or "an item of a list"
    return Item(
        title=title,
        link=_link(draft, book, pictured=pictured),
        text=" ".join(texts),
        blocks=tuple(shown),
        lines=tuple(line.index for line in draft.lines),
        kind=_kind(draft, title),
        section=draft.section or draft.eyebrow,
        label=draft.eyebrow if draft.section else None,
        image=_image(draft),
        minutes=minutes,
        inferred=inferred,
        source=next((h for line in draft.lines for h in line.hrefs if not _is_personal(h, book)), None),
        written_here=not draft.unit and (draft.essay or draft.words >= 1),
    )


def _title(draft: Draft, *, leads: bool) -> tuple[str, str, bool]:
    """The title, what is left of its line as text, and whether the title had to be made from the text."""
    first = draft.first
    if draft.head is not None:
        words = " ".join([_head_title(first), *(line.text for line in draft.title_lines)])
        return words.rstrip(" :") or words, "", False
    if first.linked >= WHOLE:
        return first.text, "", False
    lead = "".join(s.text for s in _leading(first, bold=True))
    linked = "".join(s.text for s in _leading(first, bold=False)) if first.linked_lead else ""
    if len(linked.split()) >= 2 and SOURCE_BEHIND.match(first.text[len(linked) :]):
        return linked.strip().rstrip(DASHES), "", False
    for words in (lead, linked):
        clean = words.strip().rstrip(DASHES)
        if not clean:
            continue
        rest = (
            first.text[len(words.rstrip()) :]
            if first.text.startswith(words.rstrip())
            else first.text.replace(words.strip(), "", 1)
        )
        closed = (
            (leads and words is lead)
            or words.strip()[-1:] in ".:!?…"
            or rest.lstrip()[:1] in "–—-:|(.!?…"
            or not rest.strip()
            or (words is linked and words is not lead and rest[:1] == "," and len(clean.split()) >= MIN_LEAD_WORDS - 1)
            or (words is linked and _begins_sentence(rest) and len(clean.split()) >= MIN_LEAD_WORDS - 1)
        )
        if closed and (
            len(clean.split()) >= MIN_LEAD_WORDS
            or (words is linked or first.linked_lead or not rest.strip() or len(clean.split()) >= 2)
        ):
            return (
                clean,
                rest.lstrip(DASHES + " \t\n\u00a0").rstrip() if rest.lstrip()[:1] in DASHES else rest.strip(),
                False,
            )
    named = _named_link(first)
    if named:
        return named, "", False
    without_source = _head_title(first)
    if without_source != first.text:
        return without_source, "", False
    sentence = first_sentence(first.text)
    if first.reason == SIGNED and sentence == first.text:
        return sentence, "", False  # the line is the title, the text stands below it
    return sentence, first.text, True


def _begins_sentence(rest: str) -> bool:
    """Whether what stands behind a linked title begins as a sentence does."""
    return rest.strip()[:1].isupper() and len(rest.split()) >= MIN_LEAD_WORDS


def _named_link(line: Line) -> str:
    """The words of the one link that a line ends in after a colon: "Our guide: How to frob"; else nothing."""
    spans = [s for s in line.block.spans if s.text.strip()]
    linked = [s for s in spans if s.href]
    if not linked or len({s.href for s in linked}) != 1 or spans[-len(linked) :] != linked:
        return ""
    before = "".join(s.text for s in spans[: -len(linked)]).rstrip()
    words = "".join(s.text for s in linked).strip()
    return words if before.endswith(":") and len(words.split()) >= MIN_LEAD_WORDS - 1 else ""


def _head_title(head: Line) -> str:
    """The words of a head that are its title: without an author behind the link, or a source in links behind the words."""
    text = head.text
    if not head.hrefs:
        return text
    linked = "".join(s.text for s in _leading(head, bold=False)).strip()
    if head.linked_lead and len(linked.split()) >= 2 and BEHIND_TITLE.match(text[len(linked) :]):
        return linked
    return text if head.linked >= WHOLE else title_before_source(head) or text


def _leading(line: Line, *, bold: bool) -> list[Span]:
    """The spans at the line's start that are bold, or that are its first link."""
    out: list[Span] = []
    href = None
    for span in line.block.spans:
        blank = not any(c.isalnum() for c in span.text)
        if bold:
            if span.bold or (blank and not out):
                out.append(span)
            else:
                break
        elif span.href and (href is None or span.href == href):
            href = span.href
            out.append(span)
        elif blank and href is None:
            out.append(span)
        else:
            break
    if not any(any(c.isalnum() for c in s.text) for s in out):
        return []
    return out


def _meta_lines(draft: Draft) -> set[int]:
    """Indices of lines that say who wrote the item, how long it takes, where it stands: not its text."""
    meta: set[int] = set()
    for line in draft.lines:
        if line is draft.head:
            continue
        if line.is_meta or (
            line.words <= MAX_META_WORDS
            and (
                COUNTS.match(line.text)
                or (line.block.kind != "item" and BYLINE.match(line.text))
                or declared_minutes(line.text) is not None
            )
        ):
            meta.add(line.index)
    return meta


def _is_own_text(line: Line) -> bool:
    return not (
        line.is_furniture
        or line.is_cta
        or line.is_meta
        or line.role == "sponsor"
        or line.block.kind in ("image", "rule")
    )


def _link(draft: Draft, book: LinkBook, *, pictured: bool) -> str | None:
    """The link that is meant: the title's own, a button's, an image's, the first in the text. As it stands in the message."""
    head = draft.head
    if draft.essay:
        return None
    if head is not None and head.href:
        return head.href
    if pictured and (shown := _picture_link(draft, book)) is not None:
        return shown
    if draft.unit and draft.first.block.spans:
        for span in draft.first.block.spans:
            if span.href and span.text.strip() and book.is_outside(span.href) and not _is_personal(span.href, book):
                return span.href
    for line in draft.body:
        if line.is_cta and line.href and not _is_personal(line.href, book):
            return line.href
    for line in draft.body:
        if (href := inner_button(line)) is not None and not _is_personal(href, book):
            return href
    for href in draft.shares:
        if told := shared_address(href):
            return told
    in_text = next(
        (h for line in draft.lines if line.block.kind != "image" for h in line.hrefs if not _is_personal(h, book)), None
    )
    if in_text is not None and (draft.unit or draft.words < MIN_WRITTEN_WORDS):
        return in_text
    last = next((line for line in reversed(draft.body) if line.text and not line.is_furniture), None)
    if last is not None and last.is_meta and last.href and last.linked >= WHOLE and not _is_personal(last.href, book):
        return last.href  # the address that a text ends in
    # A text of some length is written in the mail itself, and the links in it are its sources; a linked picture leads to more of it.
    return _picture_link(draft, book)


def _picture_link(draft: Draft, book: LinkBook) -> str | None:
    """Where a picture leads that stands before most of the text: one far below may be anything, an advertisement too."""
    near = MIN_WRITTEN_WORDS
    lines = []
    for line in draft.lines:
        if (near := near - (line.words if line is not draft.head else 0)) < 0:
            break
        lines.append(line)
    pictures = (line.href for line in lines if line.block.kind == "image")
    return next((h for h in pictures if h is not None and not _is_personal(h, book)), None)


def _is_personal(href: str, book: LinkBook) -> bool:
    return book.purpose(href, "") is not None


def _image(draft: Draft) -> Image | None:
    """The item's picture: the first that is neither an icon nor of unknown small size."""
    for line in draft.lines:
        for image in line.block.images:
            small = (image.width is not None and image.width < MIN_IMAGE_PX) or (
                image.height is not None and image.height < MIN_IMAGE_PX
            )
            if image.src.startswith(("http://", "https://")) and not small:
                return image
    return None


def _kind(draft: Draft, title: str) -> Kind:
    """Article, sponsor or job, by what the title, the line before it or the section says."""
    if draft.announced is not None or title_parts(title).sponsor:
        return "sponsor"
    if any(
        len(line.text) <= MAX_MARK_CHARS and (title_parts(line.text).sponsor or SPONSOR_NAME.match(line.text))
        for line in draft.body
        if line is not draft.first
    ):
        return "sponsor"
    if _announces("sponsor_line", draft.section) or _announces("sponsor_line", draft.eyebrow):
        return "sponsor"
    if _announces("job_line", draft.section) or _announces("job_line", draft.eyebrow) or _announces("job_line", title):
        return "job"
    return "article"


@lru_cache(maxsize=256)  # a section has many items
def _announces(name: str, words: str | None) -> bool:
    return bool(words) and words is not None and says(name, words.strip(" :*_-–—|"))
