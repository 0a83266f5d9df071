"""A stored article as it is published: cleaned, through the gate, the same for every format."""

from __future__ import annotations

import html
import re
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Literal
from urllib.parse import quote

from feedsvc.links import is_personal, site_name
from feedsvc.model import ENTRY_NAMESPACE, Article, Kind, ReadSource, StoredArticle
from feedsvc.publish import gate
from feedsvc.publish.content import published_html
from feedsvc.publish.enclosure import Enclosure, enclosure
from feedsvc.publish.images import ImagePolicy, ImageRules
from feedsvc.publish.leaks import scrub
from feedsvc.publish.text import clean_language, clean_line, clean_text, clean_time

# "issue" is an entry that stands for a whole issue.
EntryKind = Kind | Literal["issue"]

# The kinds that a feed holds unless others are asked for.
FEED_KINDS: Final[frozenset[Kind]] = frozenset(("article", "message"))

_KIND_LABELS: Final[dict[Kind, str]] = {
    "article": "Article",
    "sponsor": "Sponsor",
    "job": "Job",
    "message": "Whole message",
}
_SCHEME = "urn:x-feedsvc:"
_SEPARATOR = " · "
_LINK = re.compile(r'<a href="([^"]*)"')  # as nh3 writes it


@dataclass(frozen=True, slots=True)
class Category:
    """One category (RFC 4287 section 4.2.2): `term` for programs, `label` for people."""

    term: str
    scheme: str
    label: str


@dataclass(frozen=True, slots=True)
class Source:
    """The newsletter's own feed. `self_url` is None where there is no server."""

    id: str
    title: str
    self_url: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """An article as every format publishes it; all addresses in it have passed the gate, all text is fit for XML.

    `link` is where the article is: its canonical link, else feedsvc's own `/go/` or issue page; None only where there
    is no server. `via` is the issue's page. `lead` is the line above the content ("5 min read · techcrunch.com ·
    Headlines & Launches"), `body_html` the content without it. `title` and `author` are never empty. `recipients` are
    those whom the last look at a document looks for.
    """

    id: str
    title: str
    link: str | None
    via: str | None
    published: datetime
    updated: datetime
    author: str
    source: Source
    categories: tuple[Category, ...]
    lead: str
    summary: str
    body_html: str
    kind: EntryKind
    site: str | None = None
    section: str | None = None
    label: str | None = None
    read_minutes: int | None = None
    read_source: ReadSource | None = None
    thumbnail: str | None = None
    language: str = ""
    recipients: frozenset[str] = gate.NOBODY
    enclosure: Enclosure | None = None
    also_in: tuple[str, ...] = ()

    @property
    def content_html(self) -> str:
        """The content as readers show it: the lead, then the body; never empty."""
        lead = f"<p>{html.escape(self.lead, quote=False)}</p>" if self.lead else ""
        return "\n".join(filter(None, (lead, self.body_html))) or "<p></p>"

    @property
    def uuid(self) -> str:
        """The id as it stands in addresses, without `urn:uuid:`."""
        return entry_uuid(self.id)


def publish_entry(
    stored: StoredArticle,
    base: str | None,
    *,
    images: ImagePolicy = "keep",
    recipients: frozenset[str] = gate.NOBODY,
    follow: bool = True,
    content: bool = True,
) -> Entry:
    """Return the stored article as it is published.

    `base` is the address of the server, without a slash at its end; None where there is none. `recipients` are the
    addresses that must not be published besides those of the article's own message. Without `follow` there is nobody
    at `{base}/go/`: a link that must not be published leads to the issue's page instead. Without `content` the entry has
    no body, which is most of the work: for pages that only list articles.
    """
    article = stored.article
    recipients = recipients | stored.recipients

    def line(text: str | None) -> str:
        return published_line(text or "", recipients)

    section, label = line(article.section) or None, line(article.label) or None
    canonical = gate.link(article.url, recipients) if article.url_state == "canonical" else None
    site = clean_line(site_name(canonical)) or None if canonical else None
    also_in = tuple(filter(None, map(line, stored.also_in)))
    author = line(stored.newsletter.name) or line(stored.newsletter.slug) or "Newsletter"
    via = None if base is None else issue_url(base, stored.issue_id)
    summary = line(article.summary)
    rules = ImageRules(images, stored.inline_images)
    uid = entry_uuid(article.id)
    body = ""
    if content:
        body = published_html(article.content_html, uid, base, recipients=recipients, images=rules, follow=follow)
    if not body and summary:
        body = f"<p>{html.escape(summary, quote=False)}</p>"
    return Entry(
        id=article.id,
        title=line(article.title) or summary[:100] or line(stored.issue_subject) or "Untitled",
        link=canonical or (_own_link(article, base, recipients) if follow else _on_page(via, uid)) or via,
        via=via,
        published=clean_time(stored.published),
        updated=clean_time(stored.updated),
        author=author,
        source=Source(
            id=newsletter_feed_id(base, stored.newsletter.key),
            title=author,
            self_url=None if base is None else f"{base}{newsletter_path(stored.newsletter.slug)}",
        ),
        categories=_categories(stored, author, section, label),
        lead=_SEPARATOR.join(_lead(article, site, section, label, also_in)),
        summary=summary,
        body_html=body,
        kind=article.kind,
        site=site,
        section=section,
        label=label,
        read_minutes=article.read_minutes,
        read_source=article.read_source,
        thumbnail=rules.source(article.image, uid, base, recipients=recipients),
        language=clean_language(stored.language),
        recipients=recipients,
        also_in=also_in,
        enclosure=enclosure((canonical, *(html.unescape(found) for found in _LINK.findall(body)))),
    )


def entry_uuid(entry_id: str) -> str:
    """Return the id without `urn:uuid:`."""
    return entry_id.removeprefix("urn:uuid:")


def issue_url(base: str, issue_id: str) -> str:
    """Return the address of the issue's page."""
    return f"{base}/issues/{quote(clean_text(issue_id), safe='')}"


def go_url(base: str, entry_id: str) -> str:
    """Return feedsvc's own address for an article whose link is only known as a click-tracker."""
    return f"{base}/go/{entry_uuid(entry_id)}"


def newsletter_path(slug: str) -> str:
    """Return the path of a newsletter's own Atom feed."""
    return f"/newsletters/{quote(clean_text(slug), safe='')}/feed.xml"


def feed_id(base: str | None, name: str) -> str:
    """Return the id of the feed with this name: it stays while host and path stay, whatever the scheme, port or format.

    Derived by hashing, so that the name of a feed may be a newsletter's key and still say nothing.
    """
    place = re.sub(r"^https?://([^/]*?)(:\d+)?(/|$)", r"\1\3", base or "").rstrip("/").lower()
    return uuid.uuid5(ENTRY_NAMESPACE, clean_text(f"feed\n{place}\n{name}")).urn


def newsletter_feed_id(base: str | None, key: str) -> str:
    """Return the id of a newsletter's own feed; `key` is the newsletter's identity, which stays when it is renamed."""
    return feed_id(base, f"newsletter:{key}")


def read_time(minutes: int | None, source: ReadSource | None) -> str:
    """Return "5 min read", or "~2 min" for an estimate, or "" where nothing is known."""
    if minutes is None or minutes < 1:
        return ""
    return f"~{minutes} min" if source == "estimated" else f"{minutes} min read"


def _lead(
    article: Article, site: str | None, section: str | None, label: str | None, also_in: tuple[str, ...]
) -> list[str]:
    parts = [_KIND_LABELS[article.kind]] if article.kind in ("sponsor", "job") else []
    parts += [part for part in (read_time(article.read_minutes, article.read_source), site, section, label) if part]
    if also_in:
        parts.append("also in " + " and ".join(filter(None, (", ".join(also_in[:-1]), also_in[-1]))))
    return parts


@lru_cache(maxsize=4096)
def published_line(text: str, recipients: frozenset[str]) -> str:
    """Return the text on one line, without what names its reader. Pages and feeds show the same texts again and again."""
    return clean_line(scrub(clean_line(text), recipients))


def _on_page(via: str | None, uid: str) -> str | None:
    return None if via is None else f"{via}#{uid}"


def _own_link(article: Article, base: str | None, recipients: frozenset[str]) -> str | None:
    """Return what stands in for a link that must not be published as it is.

    Without a server there is nothing to stand in, and the reader is the subscriber: the tracker then goes out as it is.
    """
    if base is None:
        return gate.tracked_link(article.url, recipients)
    # `/go/` tells nothing of what it leads to, so that may name the reader; what acts for the reader has no place in a feed.
    hidden = gate.redirect_target(article.url)
    return None if hidden is None or is_personal(hidden) else go_url(base, article.id)


def _categories(stored: StoredArticle, author: str, section: str | None, label: str | None) -> tuple[Category, ...]:
    article = stored.article
    found = [Category(clean_line(stored.newsletter.slug) or author, f"{_SCHEME}newsletter", author)]
    if section:
        found.append(Category(section, f"{_SCHEME}section", section))
    if label:
        found.append(Category(label, f"{_SCHEME}label", label))
    found.append(Category(article.kind, f"{_SCHEME}kind", _KIND_LABELS[article.kind]))
    if spoken := read_time(article.read_minutes, article.read_source):
        found.append(Category(str(article.read_minutes), f"{_SCHEME}read-minutes", spoken))
    return tuple(found)
