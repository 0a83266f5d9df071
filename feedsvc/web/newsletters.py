"""The newsletters, and what a person wants of each."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.config import RESOLVE_MODES
from feedsvc.publish import published_line, redirect_target
from feedsvc.store import NewsletterRow, Place
from feedsvc.unsubscribe import NotUnsubscribed, WaysOut, unsubscribe, ways_out
from feedsvc.web import cadence, mend
from feedsvc.web.feeds import FORMATS
from feedsvc.web.filters import read_place, written_place
from feedsvc.web.headers import SECURITY_HEADERS
from feedsvc.web.language import gettext as _
from feedsvc.web.notices import PARAMETER
from feedsvc.web.overview import WEEKS
from feedsvc.web.privacy import called, everybody, mention
from feedsvc.web.selection import shown
from feedsvc.web.site import base_url, root_path, site

blueprint = Blueprint("newsletters", __name__)

ISSUES_A_PAGE: Final = 20
MAX_NAME_CHARS: Final = 200
_ORDERS: Final = ("name", "latest", "articles")
# From the page that asks, a browser follows the redirect of a form only where its policy lets forms lead.
_LEAVING_POLICY: Final = SECURITY_HEADERS["Content-Security-Policy"].replace(
    "form-action 'self'", "form-action 'self' https: http: mailto:"
)


@blueprint.get("/newsletters")
def newsletters() -> str:
    """List them with what there is of each and how often it comes, in the order that `by` says."""
    here, order = site(), request.args.get("by", "name")
    if order not in _ORDERS:
        raise BadRequest(_("by cannot be “%(value)s”: it is one of name, latest, articles.") % {"value": shown(order)})
    overview = here.overview()
    rows = overview.latest if order == "latest" else overview.rows
    if order == "articles":
        rows = tuple(sorted(rows, key=lambda row: -row.articles))
    none = (0,) * WEEKS
    plots = {
        row.newsletter.slug: (cadence.bars(weeks), cadence.in_words(weeks))
        for row in rows
        for weeks in (overview.weeks.get(row.newsletter.slug, none),)
    }
    return render_template(
        "newsletters.html",
        rows=rows,
        plots=plots,
        plot_size=(WEEKS * cadence.STEP, cadence.HEIGHT),
        order=order,
        orders=_ORDERS,
    )


@blueprint.get("/newsletters/<slug>")
def newsletter(slug: str) -> str:
    """Show one: its feeds, what a person wants of it, and its past issues, page by page."""
    here, row = site(), _row(slug)
    place, newer = _place()
    people = everybody()
    issues, newer_place, older_place = here.store.issues_of(slug, ISSUES_A_PAGE, place, newer=newer)
    for issue in issues:
        mention(issue.recipients)
    own = here.settings.newsletters.get(slug)
    return render_template(
        "newsletter.html",
        row=row,
        name=called(row.newsletter),
        own_name=published_line(row.own_name or "", people),
        issues=[(issue, published_line(issue.subject, issue.recipients | people)) for issue in issues],
        newer=None if newer_place is None else f"/newsletters/{slug}?after={written_place(newer_place)}",
        older=None if older_place is None else f"/newsletters/{slug}?before={written_place(older_place)}",
        feeds=[(f"/newsletters/{slug}/feed.{extension}", extension) for extension in FORMATS],
        modes=RESOLVE_MODES,
        usual_mode=own.resolve if own is not None and own.resolve is not None else here.settings.resolve,
        mending=mend.mending(row.newsletter, whole=row.whole),
        rereading_words=mend.rereading_words,
        is_first=place is None,
        base=base_url(),
    )


@blueprint.post("/newsletters/<slug>/settings")
def change(slug: str) -> BaseResponse:
    """Keep what the form of a newsletter's page says."""
    here, row, form = site(), _row(slug), request.form
    name = " ".join(form.get("name", "").split())
    if len(name) > MAX_NAME_CHARS or not name.isprintable():
        raise BadRequest(_("A name has at most %(num)s characters, all of them visible.") % {"num": MAX_NAME_CHARS})
    mode = form.get("resolve") or None
    if mode is not None and mode not in RESOLVE_MODES:
        raise BadRequest(_("resolve cannot be “%(value)s”.") % {"value": shown(mode)})
    own_name = row.newsletter.name if row.own_name is None else row.own_name
    if name != called(row.newsletter):  # as the page showed it
        here.store.rename_newsletter(slug, None if name in ("", own_name) else name)
    here.store.mute_newsletter(slug, "muted" in form)
    here.store.show_sponsors(slug, "sponsors" in form)
    here.store.set_resolve(slug, mode)
    whole = "whole" in form
    if whole != row.whole:
        mend.keep_whole(row.newsletter, whole)
    done = "resplit" if whole != row.whole else "saved"
    return redirect(f"{root_path()}/newsletters/{slug}?{PARAMETER}={done}", 303)


@blueprint.get("/newsletters/<slug>/unsubscribe")
def ask_to_leave(slug: str) -> Response:
    """Ask whether the person means it, and say what will happen."""
    return _leaving_page(_row(slug), ways_out(site().settings, site().store, slug))


@blueprint.post("/newsletters/<slug>/unsubscribe")
def leave(slug: str) -> BaseResponse:
    """Leave by the one request that the newsletter's mails offer; where that fails, say why and what else there is."""
    here, row = site(), _row(slug)
    try:
        unsubscribe(here.settings, here.store, slug)
    except NotUnsubscribed as refusal:
        return _leaving_page(row, ways_out(here.settings, here.store, slug), problem=refusal.reason, status=502)
    return redirect(f"{root_path()}/newsletters/{slug}?{PARAMETER}=left", 303)


@blueprint.post("/newsletters/<slug>/unsubscribe/<any(page, mail):way>")
def leave_by_hand(slug: str, way: str) -> Response:
    """Lead to the private address that the newsletter's mails name; it stands on no page."""
    _row(slug)
    found = ways_out(site().settings, site().store, slug)
    address = redirect_target(found.page) if way == "page" else found.mail
    if address is None or not address.isprintable():
        raise NotFound(_("Its mails name no such address."))
    response = Response(status=303)
    response.headers["Location"] = address
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _leaving_page(row: NewsletterRow, ways: WaysOut, *, problem: str = "", status: int = 200) -> Response:
    page = render_template("unsubscribe.html", row=row, name=called(row.newsletter), ways=ways, problem=problem)
    response = make_response(page, status)
    response.headers["Content-Security-Policy"] = _LEAVING_POLICY
    return response


def _row(slug: str) -> NewsletterRow:
    row = site().store.newsletter(slug) if slug.isprintable() else None
    if row is None:
        raise NotFound(_("There is no newsletter “%(slug)s” here.") % {"slug": shown(slug)})
    return row


def _place() -> tuple[Place | None, bool]:
    """The place that the address names, and whether what is newer is asked for."""
    newer = "after" in request.args
    given = request.args.get("after" if newer else "before")
    if given is None:
        return None, False
    try:
        return read_place(given), newer
    except ValueError as wrong:
        raise BadRequest(_("This address names no place in the list: %(reason)s.") % {"reason": wrong}) from None
