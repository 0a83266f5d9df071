"""The page of one issue: its articles beside the mail, how much of it was understood, and where to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound

from feedsvc.model import Problem, Reading, Role
from feedsvc.publish.leaks import scrub
from feedsvc.publish.text import clean_line
from feedsvc.store import IssueSheet
from feedsvc.web import mend
from feedsvc.web.language import gettext
from feedsvc.web.original import SANDBOX, original, shows_pictures
from feedsvc.web.privacy import everybody, mention
from feedsvc.web.reading import IssueReading, read_again
from feedsvc.web.site import base_url, site
from feedsvc.web.views import IssueView, issue_views

blueprint = Blueprint("issue", __name__)

# Marked for translation where they are shown.
_ROLES: Final[dict[Role, str]] = {
    "section": "Heading",
    "sponsor": "Announces a sponsor",
    "furniture": "Housekeeping",
    "preheader": "Hidden text",
    "unused": "Not used",
    "title": "Title",
    "text": "Text",
    "meta": "By-line",
}


@dataclass(frozen=True, slots=True)
class Leftover:
    """A block that belongs to no article: its words, what it was taken for, and why."""

    words: str
    role: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a mail that lie elsewhere: how many, on which hosts, and whether they are shown."""

    count: int
    hosts: tuple[str, ...]
    shown: bool


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the articles where the mail is in the archive; `places` and `menus` are by an entry's uuid."""

    places: dict[str, str]
    menus: dict[str, mend.Menu]
    leftovers: tuple[Leftover, ...]
    pictures: Pictures


@blueprint.get("/issues/<issue_id>")
def issue(issue_id: str) -> str:
    """Show the articles of one issue, with all their text."""
    here = site()
    found = issue_views(here.store.issue_articles(issue_id), base_url())
    sheet = here.store.get_issue(issue_id)
    if not found or sheet is None:
        raise NotFound("There is no such issue here.")
    beside = mending = None
    if here.follow:  # a copy elsewhere changes nothing, and holds no mail
        reading = read_again(sheet)
        beside = None if reading is None else _beside(found[0], sheet, reading)
        mending = mend.mending(sheet.newsletter, whole=sheet.whole, issue=issue_id)
    return render_template(
        "issue.html",
        issue=found[0],
        sheet=sheet,
        beside=beside,
        mending=mending,
        problems=[_safe(problem) for problem in sheet.problems],
        rereading_words=mend.rereading_words,
        image_policy=here.settings.images,
        sandbox=SANDBOX,
    )


def _beside(view: IssueView, sheet: IssueSheet, reading: IssueReading) -> Beside:
    mention(reading.issue.recipients)
    shown = shows_pictures()
    mail = original(sheet, reading, with_pictures=shown)
    counted = mend.census(sheet.newsletter)
    places, menus = {}, {}
    for entry in (*view.entries, *view.folded):
        number = reading.number(entry.id)
        if number is None:
            continue
        if (place := mail.places[number]) is not None:
            places[entry.uuid] = place
        menus[entry.uuid] = mend.menu(reading, number, counted)
    people = everybody() | reading.issue.recipients
    one = mend.is_one(reading)
    left = [each for each in reading.issue.readings if each.article is None]
    if one:  # what is no housekeeping is the entry's text
        kept = () if reading.issue.articles[0].kind == "message" else ("furniture", "preheader")
        left = [each for each in left if each.role in kept]
    leftovers = tuple(found for each in left if (found := _leftover(each, people)).words)
    return Beside(places, menus, leftovers, Pictures(len(mail.pictures), mail.picture_hosts, shown))


def _leftover(one: Reading, people: frozenset[str]) -> Leftover:
    words = one.block.text or " ".join(image.alt for image in one.block.images)
    return Leftover(clean_line(scrub(clean_line(words), people)), gettext(_ROLES[one.role]), one.reason)


def _safe(problem: Problem) -> str:
    return clean_line(scrub(clean_line(problem.detail), everybody()))
