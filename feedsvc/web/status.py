"""How feedsvc is doing: for people, and for programs that watch it."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, render_template

from feedsvc import __version__
from feedsvc.web.site import site

blueprint = Blueprint("status", __name__)


@blueprint.get("/status")
def status() -> str:
    """Show each way in, what it brought, and what failed."""
    here = site()
    return render_template("status.html", intakes=here.store.intakes(), counts=here.store.counts())


@blueprint.get("/healthz")
def health() -> Response:
    """Say whether the store answers, with its counts; 503 where it does not."""
    try:
        counts = site().store.counts()
    except Exception:
        current_app.logger.exception("the store does not answer")
        response = jsonify(status="error", version=__version__, detail="The store does not answer; see the log.")
        response.status_code = 503
    else:
        response = jsonify(
            status="ok",
            version=__version__,
            newsletters=counts.newsletters,
            issues=counts.issues,
            articles=counts.articles,
            messages=counts.messages,
            rejected=counts.rejected,
        )
    response.headers["Cache-Control"] = "no-store"
    return response
