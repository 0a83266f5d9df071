"""What arrives, when, and how much there is to read."""

from __future__ import annotations

from flask import Blueprint, render_template

from feedsvc.web.site import base_url, site

blueprint = Blueprint("statistics", __name__)


@blueprint.get("/statistics")
def statistics() -> str:
    """Show the page."""
    here = site()
    return render_template(
        "statistics.html", newsletters=here.store.newsletters(), inbox=here.settings.inbox, base=base_url()
    )
