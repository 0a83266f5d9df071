"""How mail comes in, for who has just begun: each way with what it takes to use it, and how it is doing."""

from __future__ import annotations

from dataclasses import dataclass

from feedsvc.intake.maildir import way_of
from feedsvc.intake.spool import COMMAND, FOLDER, HTTP, LMTP, PAGE, SMTP, STDIN
from feedsvc.web.language import gettext as _
from feedsvc.web.site import Site
from feedsvc.web.ways_in import WayIn, ways_in


@dataclass(frozen=True, slots=True)
class Explained:
    """A way in: what it is called, what it does, and what is set up of it.

    `code` is what one types or looks at, such as a folder; `page` is the path of the page that it is done on.
    """

    name: str
    words: str
    set_up: tuple[WayIn, ...]
    code: str = ""
    page: str = ""


def explained(here: Site) -> tuple[Explained, ...]:
    """Return every way in, whether it is set up or not, the simplest first."""
    settings = here.settings
    known = {found.way: found for found in ways_in(settings, here.store.intakes()) if found.state != "off"}

    def way(name: str, words: str, *of: str, code: str = "", page: str = "") -> Explained:
        return Explained(name, words, tuple(known[one] for one in of if one in known), code, page)

    return (
        way(_("Upload"), _("Drop saved mails on the page “Add”, as many at once as you like."), PAGE, page="/add"),
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
            _("Fetches new mail from a folder of your account as it arrives. Set up in feedsvc.toml."),
            *(f"imap-{name}" for name in settings.imap or ()),
            code="[imap.home]",
        ),
        way(
            _("Maildir"),
            _("Watches folders that another mail program fills, and changes nothing in them. Set up in feedsvc.toml."),
            *map(way_of, settings.maildirs or ()),
            code="maildirs = […]",
        ),
        way(
            _("Own address (SMTP, LMTP)"),
            _("Takes mail for secret addresses, one for each newsletter if you like."),
            SMTP,
            LMTP,
            code="feedsvc addresses add NAME",
        ),
        way(
            _("HTTP"),
            _("Takes mail from programs and mail services that know the setting inbox_token."),
            HTTP,
            code="POST /inbox",
        ),
    )
