"""How feedsvc is doing: for people, and for programs that watch it."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template, request
from werkzeug.exceptions import NotFound, ServiceUnavailable
from werkzeug.wrappers import Response as BaseResponse

from feedsvc import __version__
from feedsvc.intake.rejects import find_rejected, rejected_files, try_again
from feedsvc.intake.spool import Spool
from feedsvc.publish import published_line
from feedsvc.store import RejectionRow
from feedsvc.web import metrics as prometheus
from feedsvc.web.figures import TROUBLES
from feedsvc.web.language import gettext, ngettext
from feedsvc.web.notices import PARAMETER
from feedsvc.web.privacy import everybody
from feedsvc.web.site import root_path, site
from feedsvc.web.ways_in import ways_in

blueprint = Blueprint("status", __name__)

_MAX_REJECTED: Final = 50
_MAX_RETRIED: Final = 1000
_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


@blueprint.get("/status")
def status() -> str:
    """Show each way in, what it brought, and what failed; what was rejected, and what there is."""
    here = site()
    figures = here.board.figures(here.settings, here.store, fresh=True)
    spool = Spool(here.settings.spool)
    rejected = [
        (_shown(row), spool.find(row.sha256) is not None) for row in here.store.newest_rejections(_MAX_REJECTED)
    ]
    logs_here = TROUBLES in logging.getLogger("feedsvc").handlers
    return render_template(
        "status.html",
        ways=ways_in(here.settings, figures.intakes),
        figures=figures,
        rejected=rejected,
        more_rejected=figures.counts.rejected - len(rejected),
        troubles=TROUBLES.newest_first() if logs_here else None,
        started=here.board.started,
        uptime=_uptime(here.board.started, datetime.now(UTC)),
        size=size_words,
        folder=here.settings.rejected,
    )


@blueprint.post("/status/retry")
def retry() -> BaseResponse:
    """Put a rejected message into the spool again, or with `id=all` each of them.

    One leads to what becomes of it. Raises NotFound where its file was taken away, which is forgotten then.
    """
    here = site()
    asked = request.form.get("id", "")
    if asked == "all":
        files = rejected_files(here.settings.rejected)
        for row in here.store.newest_rejections(_MAX_RETRIED):
            _try_again(row, files.get(row.sha256))
        return redirect(f"{root_path()}/status?{PARAMETER}=retried", 303)
    one = here.store.get_rejection(asked)
    file = None if one is None else find_rejected(here.settings.rejected, one.filename or "message", one.sha256)
    if one is None or not _try_again(one, file):
        raise NotFound(gettext("Its file is no longer among the rejected ones, so it cannot be tried again."))
    return redirect(f"{root_path()}/add/{asked}", 303)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Tell Prometheus."""
    here = site()
    body, media_type = prometheus.exposition(
        here.board.figures(here.settings, here.store), here.board.started, request.headers.get("Accept", "")
    )
    return Response(body, content_type=media_type, headers={"Cache-Control": "no-store"})


@blueprint.get("/healthz")
def health() -> Response:
    """Say whether the store answers, with its counts; 503 where it does not."""
    try:
        counts = site().store.counts()
    except Exception:
        current_app.logger.exception("the store does not answer")
        response = jsonify(status="error", version=__version__, detail="The store does not answer; see the log.")
        response.status_code = 503
    else:
        response = jsonify(
            status="ok",
            version=__version__,
            newsletters=counts.newsletters,
            issues=counts.issues,
            articles=counts.articles,
            messages=counts.messages,
            rejected=counts.rejected,
        )
    response.headers["Cache-Control"] = "no-store"
    return response


def size_words(size: int) -> str:
    """A number of bytes, for people: "1.4 MB"."""
    number, unit = float(size), 0
    while number >= 999.5 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.{1 if unit and number < 99.95 else 0}f} {_UNITS[unit]}"


def _shown(row: RejectionRow) -> RejectionRow:
    """The same in words that name no recipient: files are named by whoever saved them."""
    people = everybody()
    filename = None if row.filename is None else published_line(row.filename, people)
    return replace(row, filename=filename, detail=published_line(row.detail, people))


def _try_again(row: RejectionRow, file: Path | None) -> bool:
    """Put it into the spool, if its file is there; else forget it."""
    here = site()
    spool = Spool(here.settings.spool)
    if spool.find(row.sha256) is not None:
        return True  # asked for twice
    try:
        if file is not None:
            try_again(spool, file, row)
            return True
    except FileNotFoundError:
        pass  # somebody else was quicker
    except OSError as failure:
        raise ServiceUnavailable(
            gettext("It cannot be moved on the disk now: %(why)s.") % {"why": failure.strerror}
        ) from failure
    here.store.forget_rejection(row.sha256)
    return False


def _uptime(since: datetime, now: datetime) -> str:
    """How long ago that was, as "3 days 4 hours"; nothing within the first minute."""
    minutes = max(0, int((now - since).total_seconds() // 60))
    days, hours = minutes // 1440, minutes // 60 % 24
    parts = (
        ngettext("%(num)s day", "%(num)s days", days) % {"num": days} if days else "",
        ngettext("%(num)s hour", "%(num)s hours", hours) % {"num": hours} if hours else "",
        ngettext("%(num)s minute", "%(num)s minutes", minutes % 60) % {"num": minutes % 60}
        if minutes % 60 and not days
        else "",
    )
    return " ".join(filter(None, parts))
