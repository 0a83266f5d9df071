"""Mending how a newsletter is split: what is said of an item becomes a rule, which past issues follow at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args
from urllib.parse import quote

from flask import Blueprint, Response, current_app, jsonify, redirect, request
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.links import site_name
from feedsvc.model import Correction, Newsletter, Scope, Verdict
from feedsvc.publish import entry_uuid, published_line
from feedsvc.publish.leaks import scrub
from feedsvc.publish.text import clean_line
from feedsvc.reprocess import reprocess
from feedsvc.store import CorrectionRow, Rereading
from feedsvc.web.language import gettext, ngettext
from feedsvc.web.notices import PARAMETER
from feedsvc.web.privacy import everybody
from feedsvc.web.reading import IssueReading, read_again
from feedsvc.web.redo import Redo, redo_of
from feedsvc.web.scopes import Census, Suggestion, traits_of
from feedsvc.web.site import root_path, site

blueprint = Blueprint("mend", __name__)

# Marked for translation where they are shown.
VERDICTS: Final[dict[Verdict, str]] = {
    "article": "An article",
    "sponsor": "A sponsor",
    "job": "A job",
    "nothing": "Not an article",
    "joined": "Part of the one above",
}
_MAX_NUMBER: Final = 2**63 - 1  # that a database can hold
_COUNTED: Final = 5000  # the newest articles, whose number says how far a rule goes


@dataclass(frozen=True, slots=True)
class RuleView:
    """A rule in words: what is meant, and what was said of it. `issue` is the id of the issue that it was made on."""

    number: int
    which: str
    what: str
    issue: str


@dataclass(frozen=True, slots=True)
class MendingView:
    """What was mended of a newsletter, for `_rules.html`. `issue` is the id of the issue whose page shows it, if any."""

    slug: str
    whole: bool
    rules: tuple[RuleView, ...]
    rereading: Rereading | None
    issue: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One way of saying how far a correction goes, in words, with how many articles it touches."""

    scope: Scope
    words: str
    articles: str


@dataclass(frozen=True, slots=True)
class Menu:
    """What can be said of an article: `verdicts` with their words, and how far."""

    verdicts: tuple[tuple[Verdict, str], ...]
    choices: tuple[Choice, ...]


def mending(newsletter: Newsletter, *, whole: bool, issue: str = "") -> MendingView:
    """Return what `_rules.html` shows, as `mending`."""
    store = site().store
    rules = tuple(map(_in_words, store.corrections_of(newsletter.key)))
    return MendingView(newsletter.slug, whole, rules, store.rereading_of(newsletter.key), issue)


def census(newsletter: Newsletter) -> Census:
    """Return what the newest articles of a newsletter share."""
    here = site()
    key = newsletter.key
    return here.census.get((key, here.store.revision()), lambda: Census(here.store.newest_traits(key, _COUNTED)))


def menu(reading: IssueReading, number: int, counted: Census) -> Menu:
    """Return what can be said of this article of an issue."""
    kind = reading.issue.articles[number].kind
    possible: list[Verdict] = [one for one in get_args(Verdict) if one != kind]
    if is_one(reading):
        possible = [one for one in possible if one not in ("nothing", "joined")]
    elif number == 0:
        possible.remove("joined")
    choices = [
        Choice(one.scope, _which(one.scope, one.value), _counted(one)) for one in _suggestions(reading, number, counted)
    ]
    return Menu(tuple((one, gettext(VERDICTS[one])) for one in possible), tuple(choices))


def keep_whole(newsletter: Newsletter, whole: bool) -> None:
    """Make each issue of a newsletter one entry, or split it again; its past issues follow in the background."""
    site().store.keep_newsletter_whole(newsletter.slug, whole)
    _redo().ask(newsletter.key)


@blueprint.post("/issues/<issue_id>/mend")
def mend(issue_id: str) -> BaseResponse:
    """Keep what was said of an article, have this issue follow at once, and its newsletter after that."""
    here = site()
    sheet = here.store.get_issue(issue_id)
    if sheet is None:
        raise NotFound("There is no such issue here.")
    reading = read_again(sheet)
    if reading is None:
        raise NotFound("The mail of this issue is not in the archive any more, so it cannot be read again.")
    uuid = request.form.get("article", "")
    number = reading.number(f"urn:uuid:{uuid}")
    if number is None:
        raise BadRequest("This issue has no such article any more. Go back and load its page again.")
    verdict, scope = request.form.get("verdict"), request.form.get("scope", "item")
    if verdict not in VERDICTS:
        raise BadRequest("Choose what it is.")
    counted = census(sheet.newsletter) if scope == "begins" else Census(())
    chosen = next((one for one in _suggestions(reading, number, counted) if one.scope == scope), None)
    if chosen is None:
        raise BadRequest("Choose how far it goes.")
    title = reading.issue.articles[number].title
    here.store.add_correction(sheet.newsletter.key, chosen.correction(verdict), title=title, issue=issue_id)
    reprocess(here.settings, here.store, issue=issue_id)
    if chosen.scope != "item":
        _redo().ask(sheet.newsletter.key)
    return _back_to(f"/issues/{issue_id}", "mended", entry_uuid(f"urn:uuid:{uuid}"))


@blueprint.post(f"/newsletters/<slug>/rules/<int(max={_MAX_NUMBER}):number>/undo")
def undo(slug: str, number: int) -> BaseResponse:
    """Forget a rule, and have the issues follow."""
    here = site()
    newsletter = _newsletter(slug)
    rule = here.store.remove_correction(newsletter.key, number)
    if rule is not None:
        reprocess(here.settings, here.store, issue=rule.issue)
        if rule.correction.scope != "item":
            shown = request.form.get("issue", "")
            if shown and shown != rule.issue:
                reprocess(here.settings, here.store, issue=shown)
            _redo().ask(newsletter.key)
    return _back(slug, "undone")


@blueprint.post("/newsletters/<slug>/whole")
def whole(slug: str) -> BaseResponse:
    """Keep a newsletter whole (`whole=1`), or split it again."""
    newsletter = _newsletter(slug)
    keep_whole(newsletter, request.form.get("whole") == "1")
    if shown := request.form.get("issue", ""):
        reprocess(site().settings, site().store, issue=shown)
    return _back(slug, "mended")


@blueprint.post("/newsletters/<slug>/reread")
def reread(slug: str) -> BaseResponse:
    """Go on with what was interrupted."""
    _newsletter(slug)
    _redo().go_on()
    return _back(slug, "rereading")


@blueprint.get("/newsletters/<slug>/rereading")
def progress(slug: str) -> Response:
    """Tell how far the newsletter is read again, in words; empty once that is done."""
    found = site().store.rereading_of(_newsletter(slug).key)
    response: Response = jsonify(words="" if found is None else rereading_words(found))
    response.headers["Cache-Control"] = "no-store"
    return response


def rereading_words(found: Rereading) -> str:
    """Return how far past issues are read again."""
    if found.problem is not None:
        problem = published_line(found.problem, everybody())
        return gettext("Past issues could not be read again: %(problem)s") % {"problem": problem}
    return gettext("Reading past issues again: %(done)s of %(total)s.") % {"done": found.done, "total": found.total}


def _suggestions(reading: IssueReading, number: int, counted: Census) -> tuple[Suggestion, ...]:
    article = reading.issue.articles[number]
    link = article.url if article.url_state == "canonical" else None
    traits = traits_of(article, reading.issue, site_name(link) or None if link else None)
    found = counted.suggestions(traits)
    return found[:1] if is_one(reading) else found


def is_one(reading: IssueReading) -> bool:
    """Whether the issue is one entry that holds the mail as a whole, without items in it."""
    return len(reading.issue.articles) == 1 and all(one.article is None for one in reading.issue.readings)


def _in_words(row: CorrectionRow) -> RuleView:
    correction: Correction = row.correction
    which = _which(correction.scope, row.title if correction.scope == "item" else correction.value, row.title)
    return RuleView(row.id, which, gettext(VERDICTS[correction.verdict]), row.issue)


def _which(scope: Scope, value: str, title: str | None = None) -> str:
    shown = clean_line(scrub(clean_line(value), everybody()))
    if scope == "item":
        return gettext("Only this one") if title is None else gettext("Only “%(value)s”") % {"value": shown}
    words = {
        "section": gettext("Every item in the section “%(value)s”"),
        "label": gettext("Every item with the label “%(value)s”"),
        "site": gettext("Every item that links to %(value)s"),
        "begins": gettext("Every item that begins with “%(value)s”"),
    }[scope]
    return words % {"value": shown}


def _counted(one: Suggestion) -> str:
    if one.scope == "item":
        return ""
    return ngettext("%(num)s article so far", "%(num)s articles so far", one.articles) % {"num": one.articles}


def _newsletter(slug: str) -> Newsletter:
    found = site().store.get_newsletter(slug)
    if found is None:
        raise NotFound("There is no such newsletter here.")
    return found


def _redo() -> Redo:
    return redo_of(current_app._get_current_object())  # type: ignore[attr-defined]


def _back(slug: str, done: str) -> BaseResponse:
    """Lead back to the issue's page, or the newsletter's, from where it was asked for."""
    issue = request.form.get("issue", "")
    known = bool(issue) and site().store.get_issue(issue) is not None
    return _back_to(f"/issues/{issue}" if known else f"/newsletters/{quote(slug, safe='')}", done)


def _back_to(path: str, done: str, place: str = "") -> BaseResponse:
    return redirect(f"{root_path()}{path}?{PARAMETER}={done}{f'#{place}' if place else ''}", 303)
