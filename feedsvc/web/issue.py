"""The page of one issue."""

from __future__ import annotations

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound

from feedsvc.web.site import base_url, site
from feedsvc.web.views import issue_views

blueprint = Blueprint("issue", __name__)


@blueprint.get("/issues/<issue_id>")
def issue(issue_id: str) -> str:
    """Show the articles of one issue, with all their text."""
    found = issue_views(site().store.issue_articles(issue_id), base_url())
    if not found:
        raise NotFound("There is no such issue here.")
    return render_template("issue.html", issue=found[0])
