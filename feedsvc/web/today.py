"""The front page: what came in last, issue by issue."""

from __future__ import annotations

from flask import Blueprint, render_template

from feedsvc.web.site import base_url, site
from feedsvc.web.views import ALL_KINDS, issue_views

blueprint = Blueprint("today", __name__)


@blueprint.get("/")
def front() -> str:
    """Show the latest articles, issue by issue, and how to subscribe."""
    here, base = site(), base_url()
    return render_template(
        "today.html",
        issues=issue_views(here.store.latest_articles(here.settings.feed_limit, kinds=ALL_KINDS), base),
        newsletters=here.store.newsletters(),
        counts=here.store.counts(),
        inbox=here.settings.inbox if here.follow else None,  # a copy elsewhere takes in nothing
        base=base,
    )
