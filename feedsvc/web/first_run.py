"""How mail comes in, for who has just begun: each way with what it takes to use it, and how it is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from feedsvc.intake.maildir import way_of
from feedsvc.intake.spool import COMMAND, FOLDER, HTTP, LMTP, SMTP, STDIN
from feedsvc.web.language import gettext as _
from feedsvc.web.site import Site

State = Literal["ready", "off", "failing"]


@dataclass(frozen=True, slots=True)
class Way:
    """A way in: what it is called, what to do, and its state. `code` is what one types or looks at, such as a folder."""

    name: str
    words: str
    state: State
    code: str = ""
    problem: str = ""
    brought: int = 0


def ways_in(here: Site) -> tuple[Way, ...]:
    """Return every way in, whether it is set up or not, the simplest first."""
    settings = here.settings
    rows = {row.way: row for row in here.store.intakes()}

    def way(name: str, words: str, *of: str, on: bool = True, code: str = "") -> Way:
        found = [rows[one] for one in of if one in rows]
        problem = next((row.problem for row in found if row.problem), "")
        state: State = "failing" if problem else "ready" if on else "off"
        return Way(name, words, state, code, problem, sum(row.brought for row in found))

    accounts = [f"imap-{name}" for name in settings.imap or ()]
    maildirs = [way_of(path) for path in settings.maildirs or ()]
    return (
        way(
            _("Upload"),
            _("Drop saved mails on the page “Add”, as many at once as you like."),
        ),
        way(
            _("Inbox folder"),
            _("What is put into this folder is read as soon as it is complete, while feedsvc serve is running."),
            FOLDER,
            code=str(settings.inbox),
        ),
        way(
            _("Files and archives"),
            _("Reads mails, mbox files, zip and tar archives and whole folders at once."),
            COMMAND,
            STDIN,
            code="feedsvc ingest FILE…",
        ),
        way(
            _("Mail account (IMAP)"),
            _("Fetches new mail from a folder of your account, as it arrives.")
            if accounts
            else _("Fetches new mail from a folder of your account. Set it up in feedsvc.toml."),
            *accounts,
            on=bool(accounts),
            code=", ".join(settings.imap or ()) or "[imap.home]",
        ),
        way(
            _("Maildir"),
            _("Watches folders that another mail program fills, and changes nothing in them."),
            *maildirs,
            on=bool(maildirs),
            code=", ".join(map(str, settings.maildirs or ())) or "maildirs = […]",
        ),
        way(
            _("Own address (SMTP, LMTP)"),
            _("Takes mail for secret addresses, one for each newsletter if you like."),
            SMTP,
            LMTP,
            on=bool(settings.smtp or settings.lmtp),
            code=", ".join(filter(None, (settings.smtp, settings.lmtp))) or "feedsvc addresses add NAME",
        ),
        way(
            _("HTTP"),
            _("Takes mail from programs and mail services that know the token."),
            HTTP,
            on=settings.inbox_token is not None,
            code="POST /inbox",
        ),
    )
