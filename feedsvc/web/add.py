"""Mail that a person gives by hand: files dropped on a page, and what became of each.

A form does all of it. A script (`static/add.js`) sends the files one by one and asks for JSON, to show how far each is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, render_template, request
from werkzeug.exceptions import BadRequest, HTTPException, NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.intake.spool import PAGE
from feedsvc.web.language import gettext, ngettext
from feedsvc.web.site import root_path, site
from feedsvc.web.uploads import Fate, fate_of, form_files, limit_request, put_uploads

blueprint = Blueprint("add", __name__)

_FIELD: Final = "file"
_MAX_SHOWN: Final = 100
# From then on it is likely that nothing takes in what waits: `feedsvc serve` looks every two seconds.
_LONG_S: Final = 20.0


@blueprint.get("/add")
def add() -> str:
    """Show the form, and what became of the files that the address names by `?of=`."""
    asked = list(dict.fromkeys(request.args.getlist("of")))
    fates = []
    for upload_id in asked[:_MAX_SHOWN]:
        try:
            fates.append(fate_of(upload_id))
        except NotFound:
            continue
    return render_template(
        "add.html",
        fates=fates,
        more=max(0, len(asked) - _MAX_SHOWN),
        again=any(_is_under_way(fate) for fate in fates),
        words=fate_words,
        max_bytes=site().settings.max_message_bytes,
        inbox=site().settings.inbox,
    )


@blueprint.post("/add")
def receive() -> BaseResponse:
    """Put the files into the spool, and lead to what becomes of them; a script gets JSON with the id of each."""
    try:
        limit_request()
        uploads = [upload for field, upload in form_files() if field == _FIELD]
        if not uploads:
            raise BadRequest(gettext("No file was chosen. Choose one or several, and send them."))
        put_uploads(uploads, PAGE)
    except HTTPException as refusal:
        if not _wants_json():
            raise
        answer = jsonify(error=refusal.description)
        answer.status_code = refusal.code or 500
        return answer
    ids = list(dict.fromkeys(upload.id for upload in uploads))
    if _wants_json():
        taken = jsonify(files=[_told(fate_of(one)) for one in ids])
        taken.status_code = 202
        return taken
    return redirect(f"{root_path()}/add?{urlencode([('of', one) for one in ids])}", 303)


@blueprint.get("/add/<upload_id>")
def fate(upload_id: str) -> Response | str:
    """Show what became of one file; as JSON where that is asked for."""
    found = fate_of(upload_id)
    if _wants_json():
        response = jsonify(_told(found))
        response.headers["Cache-Control"] = "no-store"
        return response
    return render_template("add_one.html", fate=found, again=_is_under_way(found), words=fate_words)


def fate_words(fate: Fate) -> str:
    """Say what became of a file, in a sentence."""
    if fate.state == "taken":
        words = ngettext("%(num)s article", "%(num)s articles", fate.articles) % {"num": fate.articles}
        return (
            gettext("%(words)s from %(name)s") % {"words": words, "name": fate.newsletter} if fate.newsletter else words
        )
    if fate.state == "rejected":
        return fate.detail or gettext("It could not be read.")
    if fate.state == "unpacked":
        counted = ngettext("%(num)s message in it", "%(num)s messages in it", fate.messages) % {"num": fate.messages}
        kinds = (
            (fate.taken, gettext("%(num)s taken in")),
            (fate.rejected, gettext("%(num)s not taken")),
            (fate.waiting, gettext("%(num)s waiting")),
        )
        parts = [words % {"num": number} for number, words in kinds if number]
        of_first = gettext("of the first %(num)s") % {"num": fate.taken + fate.rejected + fate.waiting}
        return f"{counted}; {f'{of_first}: ' if _is_cut(fate) else ''}{', '.join(parts)}"
    if fate.received is not None and (datetime.now(UTC) - fate.received).total_seconds() > _LONG_S:
        return gettext("It is safe, and waits until “feedsvc serve” runs on this data folder.")
    return gettext("It is safe, and is taken in within seconds.")


def _is_cut(fate: Fate) -> bool:
    return fate.messages > fate.taken + fate.rejected + fate.waiting


def _is_under_way(fate: Fate) -> bool:
    return fate.state == "waiting" or (fate.state == "unpacked" and fate.waiting > 0)


def _told(fate: Fate) -> dict[str, object]:
    """What the script is told of a file: its state, the sentence, and where it is shown."""
    shown = replace(fate, state="waiting") if _is_under_way(fate) else fate
    return {
        "id": fate.id,
        "name": fate.name,
        "state": shown.state,
        "words": fate_words(fate),
        "subject": fate.subject,
        "url": f"{root_path()}/issues/{fate.issue_id}" if fate.issue_id else None,
    }


def _wants_json() -> bool:
    return request.accept_mimetypes.best_match(("text/html", "application/json")) == "application/json"
