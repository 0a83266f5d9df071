"""The feeds: which articles, under which address, in which format; and the list of them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote

from flask import Blueprint, Request, Response, g, request
from werkzeug.exceptions import BadRequest, NotFound

from feedsvc.publish import FEED_KINDS, Feed, Paging, Subscription, atom, feed_of, json_feed, newsletter_path, opml, rss
from feedsvc.store import State, Window
from feedsvc.web.documents import Document, answer
from feedsvc.web.selection import KINDS, TOKEN, Selection, read_selection
from feedsvc.web.site import Site, base_url, base_url_of, site

blueprint = Blueprint("feeds", __name__)


@dataclass(frozen=True, slots=True)
class Format:
    """One format in which every feed can be had."""

    extension: str
    media_type: str
    write: Callable[[Feed], bytes]


FORMATS: Final = {
    found.extension: found
    for found in (
        Format("xml", "application/atom+xml; charset=utf-8", atom),
        Format("rss", "application/rss+xml; charset=utf-8", rss),
        Format("json", "application/feed+json; charset=utf-8", json_feed),
    )
}
OPML_TYPE: Final = "text/x-opml; charset=utf-8"


@blueprint.get("/feed.<any(xml, rss, json):extension>")
@blueprint.get("/archive/<window>/feed.<any(xml, rss, json):extension>")
@blueprint.get("/newsletters/<slug>/feed.<any(xml, rss, json):extension>")
@blueprint.get("/newsletters/<slug>/archive/<window>/feed.<any(xml, rss, json):extension>")
def feed(extension: str, slug: str | None = None, window: str | None = None) -> Response:
    """Serve the feed of all newsletters or of one, narrowed as the query says, or a document of its archive."""
    # Each look through Flask's proxies takes a microsecond, and this is asked for all day long.
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    selection = read_selection(asked.query_string.decode("utf-8", "replace"), slug, window)
    here, wanted = site(), FORMATS[extension]
    base, token = base_url_of(here, asked), g.get("token", "") if asked.query_string else ""

    def render(state: State) -> Document:
        made = build_feed(here, selection, base, wanted, token)
        return Document.of(wanted.write(made), wanted.media_type, state.changed or made.updated, made.paging.hub)

    def make() -> Document:
        return here.renderer.document(f"{base}{selection.path(extension)}", render, private=bool(token))

    revision = here.store.revision()
    document = here.documents.get((selection, extension, base, token), revision, make)
    if not g.get("by_cookie"):
        here.shortcut.remember(asked.environ, revision, document)
    return answer(asked, document)


@blueprint.get("/subscriptions.opml")
def subscriptions() -> Response:
    """Serve the list of all newsletters' feeds."""
    if unknown := [name for name in request.args if name != TOKEN]:
        raise BadRequest(f"There is no parameter “{unknown[0]}”. This list takes none.")
    here, base, token = site(), base_url(), g.get("token", "")

    def render(state: State) -> Document:
        listed = (
            Subscription(one.name or one.slug, _with_token(f"{base}{newsletter_path(one.slug)}", token), f"{base}/")
            for one in here.store.newsletter_names()
        )
        document = opml(
            listed,
            title=here.settings.title,
            modified=state.changed,
            own=base,
            recipients=here.everybody(),
        )
        return Document.of(document, OPML_TYPE, state.changed)

    def make() -> Document:
        return here.renderer.document(f"{base}/subscriptions.opml", render, private=bool(token))

    return answer(request, here.documents.get(("opml", base, token), here.store.revision(), make))


def feed_name(path: str, query: str) -> str | None:
    """The path and query, in its normal form, of the feed that a request is for, archive or not; None where it is none.

    Tokens are kept for such names.
    """
    *folders, file = path.strip("/").split("/")
    stem, _, extension = file.partition(".")
    if folders[-2:-1] == ["archive"]:
        folders = folders[:-2]
    if (
        stem != "feed"
        or extension not in FORMATS
        or not (not folders or (folders[0] == "newsletters" and len(folders) == 2))
    ):
        return None
    try:
        return read_selection(query, folders[1] if folders else None).path(extension)
    except BadRequest:
        return None


def build_feed(here: Site, selection: Selection, base: str, wanted: Format, token: str = "") -> Feed:
    """Return the feed of this selection as it now stands in the store.

    Raises NotFound where there is no such newsletter, BadRequest where there is no such section or label. A `token`
    with which the feed was asked for goes into the addresses of its documents, or a reader could not follow them.
    """
    title, name, subtitle = here.settings.title, "all", "The articles of your newsletters, one entry each"
    narrowing = selection.narrowing
    if narrowing.newsletter is not None:
        found = here.store.get_newsletter(narrowing.newsletter)
        if found is None:
            raise NotFound(f"There is no newsletter “{narrowing.newsletter}” here.")
        title, name = found.name, f"newsletter:{found.key}"
        subtitle = f"The articles of {found.name}, one entry each"
        if narrowing.kinds == FEED_KINDS and narrowing.newsletter in here.store.newsletters_with_sponsors():
            narrowing = replace(narrowing, kinds=frozenset(KINDS))
    know(here, selection)
    if selection.by_issue:
        subtitle = subtitle.replace("one entry each", "one entry for each issue")
    if selection.window is None:
        limit = here.settings.feed_limit if selection.limit is None else selection.limit
        page = here.store.newest(narrowing, limit, by_issue=selection.by_issue)
    else:
        page = here.store.archived(narrowing, selection.window, by_issue=selection.by_issue)

    def address(window: Window | None) -> str:
        return _with_token(f"{base}{selection.at(window).path(wanted.extension)}", token)

    return feed_of(
        page.articles,
        title=f"{title}: {selection.words}" if selection.words else title,
        name=f"{name}?{selection.parameters}" if selection.parameters else name,
        base=base,
        self_path=address(selection.window).removeprefix(base),
        subtitle=subtitle,
        paging=Paging(
            older=address(page.older) if page.older else None,
            newer=address(page.newer) if page.newer else None,
            current=address(None) if selection.window else None,
            hub=here.settings.hub,
        ),
        by_issue=selection.by_issue,
        follow=here.follow,
        images=here.settings.images,
        recipients=here.everybody(),
    )


def know(here: Site, selection: Selection) -> None:
    """Raise BadRequest where no article has this section or label: a misspelt one would be an empty feed for good."""
    narrowing, slug = selection.narrowing, selection.narrowing.newsletter
    for name, value, known in (
        ("section", narrowing.section, here.store.has_section),
        ("label", narrowing.label, here.store.has_label),
    ):
        if value is not None and not known(value, slug):
            raise BadRequest(f"{name} cannot be “{value}”: no article here has that {name}.")


def _with_token(address: str, token: str) -> str:
    if not token:
        return address
    return f"{address}{'&' if '?' in address else '?'}{TOKEN}={quote(token, safe='')}"
