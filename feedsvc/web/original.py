"""The mail of an issue beside its articles: `/issues/<id>/original`, in a frame in which nothing runs.

Three walls stand one behind the other. The sender's markup passes by an allowlist (`publish.original`). The answer's
Content-Security-Policy lets in one style sheet, named by its hash, and the pictures that were asked for; with `sandbox`
it has no origin of its own, no scripts and no forms, also where it is opened by itself. The frame has `sandbox` too.
Links open a page that is free of the sandbox, or no site would work in it; only a person's click can open one.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request
from werkzeug.exceptions import NotFound

from feedsvc.links import canonical, is_personal
from feedsvc.model import StoredArticle
from feedsvc.publish import gate, published_line
from feedsvc.publish.entry import go_url
from feedsvc.publish.images import image_token
from feedsvc.publish.original import Original, Rules, Wanted, original_of_html, original_of_text
from feedsvc.store import IssueSheet
from feedsvc.web.access import key_of
from feedsvc.web.pictures import fetched
from feedsvc.web.privacy import everybody, mention
from feedsvc.web.reading import IssueReading, read_again
from feedsvc.web.site import base_url, root_path, site

blueprint = Blueprint("original", __name__)

PICTURES: Final = "pictures"
SANDBOX: Final = "allow-popups allow-popups-to-escape-sandbox"
_MAX_HOSTS: Final = 60
_BASE_STYLE: Final = (
    "html{color-scheme:light;background:#fff}"
    "body{margin:0;padding:1rem;color:#222;font:16px/1.5 system-ui,sans-serif;overflow-wrap:break-word}"
    "*{box-sizing:border-box;max-width:100%}img{height:auto}td,th{min-width:0}pre{white-space:pre-wrap;font:14px/1.55 ui-monospace,monospace;margin:0}"
    "a{color:#8a3216}:target{background:#ffe9a8;color:#1f1b18;outline:.3rem solid #ffe9a8;scroll-margin-top:20vh}"
)


@blueprint.get("/issues/<issue_id>/original")
def show(issue_id: str) -> Response:
    """Show the mail as it came, as far as that is harmless."""
    sheet, reading = _asked(issue_id)
    with_pictures = shows_pictures()
    found = original(sheet, reading, with_pictures=with_pictures)
    style = _BASE_STYLE + found.css
    page = render_template(
        "original.html",
        subject=published_line(reading.issue.subject, everybody() | reading.issue.recipients),
        style=style,
        body=found.body,
        language=sheet.language,
    )
    response = Response(page, mimetype="text/html")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src {' '.join(_image_sources(found, with_pictures))}; "
        f"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox {SANDBOX}"
    )
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.get("/issues/<issue_id>/picture/<token>")
def proxied(issue_id: str, token: str) -> Response:
    """Serve a picture of the mail, had from the newsletter's server: only what the mail shows, nothing else."""
    if site().settings.images != "proxy":
        raise NotFound("There is no such picture here.")
    found = original(*_asked(issue_id), with_pictures=False)
    address = next((one for one in found.pictures if image_token(one) == token), None)
    return fetched(address, issue_id)


def shows_pictures() -> bool:
    """Whether this request asks for pictures, and they are shown at all."""
    return request.args.get(PICTURES) == "1" and site().settings.images != "strip"


def original(sheet: IssueSheet, reading: IssueReading, *, with_pictures: bool) -> Original:
    """Return the mail of an issue to look at; its places are those of the issue's articles, in order."""
    recipients = everybody() | reading.issue.recipients
    mention(recipients)
    hrefs = _own_links(site().store.issue_articles(sheet.id), recipients)

    def link(href: str) -> str | None:
        if href in hrefs:
            return hrefs[href]
        target = canonical(href, recipients)
        return gate.link(target.url, recipients) if target.state == "canonical" else None

    def shown(address: str) -> str | None:
        if not with_pictures:
            return None
        if site().settings.images != "proxy":
            return address
        path = f"/issues/{sheet.id}/picture/{image_token(address)}"
        return f"{root_path()}{path}?key={key_of(path)}"

    rules = Rules(link, shown, recipients, reading.message.inline_images)
    wanted = _wanted(reading)
    if reading.message.html is not None:
        return original_of_html(reading.message.html, wanted, rules)
    return original_of_text(reading.message.text or "", wanted, rules)


def _asked(issue_id: str) -> tuple[IssueSheet, IssueReading]:
    sheet = site().store.get_issue(issue_id)
    reading = None if sheet is None else read_again(sheet)
    if sheet is None or reading is None:
        raise NotFound("The mail of this issue is not in the archive.")
    return sheet, reading


def _wanted(reading: IssueReading) -> tuple[Wanted, ...]:
    """What tells the place of each article: its first line as it stands in the mail, then its title."""
    first: dict[int, str] = {}
    for one in reading.issue.readings:
        if one.article is not None and one.block.text:
            first.setdefault(one.article, one.block.text)
    return tuple(
        Wanted(
            article.raw_link if article.url != reading.issue.web_url else None,
            tuple(filter(None, (first.get(number), article.title))),
        )
        for number, article in enumerate(reading.issue.articles)
    )


def _own_links(stored: Sequence[StoredArticle], recipients: frozenset[str]) -> dict[str, str]:
    """The links of articles, as they stand in the mail, with where they lead: to their targets, or to `/go/`."""
    found: dict[str, str] = {}
    base = base_url()
    for one in (each.article for each in stored):
        for number, href in enumerate(one.go_links):
            found.setdefault(href, f"{go_url(base, one.id)}/{number}")
    for one in (each.article for each in stored):
        address = gate.link(one.url, recipients) if one.url_state == "canonical" else None
        if address is None and (hidden := gate.redirect_target(one.url)) is not None and not is_personal(hidden):
            address = go_url(base, one.id)
        if one.raw_link and address is not None:
            found[one.raw_link] = address
    return found


def _image_sources(found: Original, with_pictures: bool) -> list[str]:
    """What pictures may come from, as the policy says it."""
    if not with_pictures:
        return ["data:"]
    if site().settings.images == "proxy":
        own = urlsplit(base_url())
        return ["data:", f"{own.scheme}://{own.netloc}"]
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, found.pictures)})
    return ["data:", *origins[:_MAX_HOSTS]]
