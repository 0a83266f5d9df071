"""Mail that a person gives by hand."""

from __future__ import annotations

from flask import Blueprint, render_template

from feedsvc.web.site import base_url, site

blueprint = Blueprint("add", __name__)


@blueprint.get("/add")
def add() -> str:
    """Show the page."""
    here = site()
    return render_template("add.html", newsletters=here.store.newsletters(), inbox=here.settings.inbox, base=base_url())
