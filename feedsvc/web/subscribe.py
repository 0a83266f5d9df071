"""Where every feed is, to be copied into a reader."""

from __future__ import annotations

from flask import Blueprint, render_template

from feedsvc.web.site import base_url, site

blueprint = Blueprint("subscribe", __name__)


@blueprint.get("/subscribe")
def subscribe() -> str:
    """Show the page."""
    here = site()
    return render_template(
        "subscribe.html", newsletters=here.store.newsletters(), inbox=here.settings.inbox, base=base_url()
    )
