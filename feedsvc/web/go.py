"""Where a hidden link leads: `/go/<article>` and `/go/<article>/<n>`."""

from __future__ import annotations

from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from flask import Blueprint, current_app, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.publish import redirect_target
from feedsvc.resolve import Follower, Hidden
from feedsvc.web.site import root_path, site

blueprint = Blueprint("go", __name__)

EXTENSION: Final = "feedsvc-follower"


@blueprint.get("/go/<uuid:entry>")
@blueprint.get("/go/<uuid:entry>/<int:number>")
def go(entry: UUID, number: int | None = None) -> BaseResponse:
    """Lead on to an article whose address is not published, or to the `number`-th such link of its text.

    The target comes from the store, or from the tracker that the store has, so nobody can make this a redirect to a
    place of their choice. Where it is not known, the person decides whether to be known instead.
    """
    stored = site().store.get_article(str(entry))
    if stored is None:
        raise NotFound("There is no such article here.")
    target = _follower().target(stored, number)
    if target is None:
        raise NotFound("This article has no such link.")
    if isinstance(target, Hidden):
        if request.args.get("anyway") != "1":
            return _ask(stored.article.title, target, entry, number)
        target = redirect_target(target.url)
        if target is None:
            raise NotFound("This article has no such link.")
    return _private(redirect(target, 302))


def _follower() -> Follower:
    """Return what follows links for this application, made when it is first needed."""
    follower = current_app.extensions.get(EXTENSION)
    if follower is None:
        follower = current_app.extensions.setdefault(EXTENSION, Follower(site().settings, site().store))
    return cast(Follower, follower)


def _ask(title: str, hidden: Hidden, entry: UUID, number: int | None) -> BaseResponse:
    own = url_for("go.go", entry=entry, number=number, anyway="1")
    page = render_template(
        "go.html",
        title=title,
        reason=hidden.reason,
        host=urlsplit(hidden.url).hostname or "",
        anyway=f"{root_path()}{own.removeprefix(request.script_root)}",
    )
    return _private(make_response(page))


def _private(response: BaseResponse) -> BaseResponse:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-store"
    return response
