"""Where every feed is, to be copied into a reader; and a form that makes the address of a narrower one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.web.feeds import FORMATS, know
from feedsvc.web.filters import LONG_MINUTES, SHORT_MINUTES, SPANS, known_pairs, span_of, tidied
from feedsvc.web.language import gettext as _
from feedsvc.web.selection import KINDS, PARAMETERS, read_selection, shown
from feedsvc.web.site import Site, base_url, root_path, site

blueprint = Blueprint("subscribe", __name__)

FORMAT_NAMES: Final[Mapping[str, str]] = {"xml": "Atom", "rss": "RSS", "json": "JSON Feed"}
_OWN: Final = ("newsletter", "format")


@dataclass(frozen=True, slots=True)
class Ready:
    """A feed that is offered: its id on the page, what it is, and its path."""

    id: str
    name: str
    words: str
    path: str


@blueprint.get("/subscribe")
def subscribe() -> str | BaseResponse:
    """Show the addresses; where the form was sent, the one that it makes first."""
    here, base = site(), base_url()
    query = request.query_string.decode("utf-8", "replace")
    tidy = tidied(query)
    if tidy is not None:
        return redirect(f"{root_path()}/subscribe{'?' if tidy else ''}{tidy}", 302)
    given = _given(query)
    made = _made(here, given)
    return render_template(
        "subscribe.html",
        base=base,
        formats=FORMAT_NAMES,
        ready=_ready_made(),
        rows=here.overview().rows,
        given=given,
        made=made,
        span=span_of(given),
        preview=_on_today(given),
        all_kinds=",".join(KINDS),
        needs_token=here.settings.access_token is not None,
    )


def _given(query: str) -> dict[str, str]:
    pairs = known_pairs(query, (*_OWN, *PARAMETERS))
    given = dict(pairs)
    if len(given) < len(pairs):
        raise BadRequest(_("A parameter stands twice in this address."))
    if given.get("format", "xml") not in FORMATS:
        raise BadRequest(
            _("format cannot be “%(value)s”: it is one of %(known)s.")
            % {"value": shown(given["format"]), "known": ", ".join(FORMATS)}
        )
    return given


def _made(here: Site, given: Mapping[str, str]) -> str:
    """Return the path of the feed that the form asks for, "" where it was not sent."""
    if not given:
        return ""
    slug = given.get("newsletter")
    if slug is not None and (not slug.isprintable() or here.store.get_newsletter(slug) is None):
        raise NotFound(_("There is no newsletter “%(slug)s” here.") % {"slug": shown(slug)})
    asked = {name: value for name, value in given.items() if name not in _OWN}
    selection = read_selection(urlencode(asked), slug)
    know(here, selection)
    return selection.path(given.get("format", "xml"))


def _ready_made() -> tuple[Ready, ...]:
    short, long, everything = SPANS["short"], SPANS["long"], ",".join(KINDS)
    return (
        Ready(
            "short",
            _("Short reads"),
            _("What takes under %(num)s minutes.") % {"num": SHORT_MINUTES},
            read_selection(urlencode(short)).path("xml"),
        ),
        Ready(
            "long",
            _("Long reads"),
            _("What takes more than %(num)s minutes.") % {"num": LONG_MINUTES},
            read_selection(urlencode(long)).path("xml"),
        ),
        Ready(
            "issues",
            _("One entry an issue"),
            _("Each issue with its articles as a table of contents."),
            read_selection("group=issue").path("xml"),
        ),
        Ready(
            "sponsors",
            _("Sponsors and jobs too"),
            _("All that the newsletters hold; each entry says what it is."),
            read_selection(urlencode({"kinds": everything})).path("xml"),
        ),
    )


def _on_today(given: Mapping[str, str]) -> str:
    """Return the path of the front page that lists the same."""
    same = {name: value for name, value in given.items() if name not in ("format", "group", "limit")}
    return f"/?{urlencode(same)}" if same else "/"
