"""The newsletters, and what a person wants of each."""

from __future__ import annotations

from flask import Blueprint, render_template

from feedsvc.web.site import base_url, site

blueprint = Blueprint("newsletters", __name__)


@blueprint.get("/newsletters")
def newsletters() -> str:
    """Show the page."""
    here = site()
    return render_template(
        "newsletters.html", newsletters=here.store.newsletters(), inbox=here.settings.inbox, base=base_url()
    )
