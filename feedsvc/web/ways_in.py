"""The ways in, as pages show them: those that are set up, and those that brought something before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from feedsvc.config import Settings
from feedsvc.intake.maildir import way_of
from feedsvc.intake.spool import COMMAND, FOLDER, HTTP, LMTP, PAGE, SMTP, STDIN
from feedsvc.publish import published_line
from feedsvc.store import IntakeRow
from feedsvc.web.language import gettext
from feedsvc.web.privacy import everybody

State = Literal["works", "waits", "fails", "off"]


@dataclass(frozen=True, slots=True)
class WayIn:
    """A way in: its name, what it is set to, what it did (`row`), and how it is.

    "works": it brought something; "waits": it is set up, and has brought nothing yet; "fails": it cannot look for mail
    now; "off": it brought something once, and is not set up any more.
    """

    way: str
    name: str
    place: str
    row: IntakeRow
    state: State

    @property
    def state_words(self) -> str:
        """The state, for people."""
        return {
            "works": gettext("works"),
            "waits": gettext("nothing yet"),
            "fails": gettext("fails"),
            "off": gettext("not set up"),
        }[self.state]


def ways_in(settings: Settings, rows: Sequence[IntakeRow]) -> tuple[WayIn, ...]:
    """Every way in, with what the store knows of it."""
    known = {row.way: row for row in rows}
    set_up = _set_up(settings)
    found = [
        _way_in(way, name, place, known.pop(way, IntakeRow(way, 0, 0, *(None,) * 6)))
        for way, (name, place) in set_up.items()
    ]
    return (*found, *(_way_in(way, _plain_name(way), "", row, set_up=False) for way, row in known.items()))


def _set_up(settings: Settings) -> dict[str, tuple[str, str]]:
    """The ways in that can bring something now: name and place of each."""
    ways = {
        FOLDER: (gettext("Folder"), str(settings.inbox)),
        PAGE: (gettext("The page “Add”"), ""),
        COMMAND: ("feedsvc ingest", ""),
    }
    for name, account in (settings.imap or {}).items():
        ways[f"imap-{name}"] = (gettext("IMAP account %(name)s") % {"name": name}, f"{account.host}, {account.folder}")
    for path in settings.maildirs or ():
        ways[way_of(path)] = (gettext("Maildir"), str(path))
    if settings.smtp is not None:
        ways[SMTP] = ("SMTP", settings.smtp)
    if settings.lmtp is not None:
        ways[LMTP] = ("LMTP", settings.lmtp)
    if settings.inbox_token is not None:
        ways[HTTP] = ("POST /inbox", "")
    return ways


def _way_in(way: str, name: str, place: str, row: IntakeRow, *, set_up: bool = True) -> WayIn:
    state: State = "works" if row.brought or row.checked else "waits"
    if row.problem is not None:
        state = "fails"
    elif not set_up and way != STDIN:
        state = "off"
    return WayIn(way, name, place, _shown(row), state)


def _shown(row: IntakeRow) -> IntakeRow:
    """The same in words that name no recipient: they may hold the name of a file, or of an account."""
    people = everybody()
    problem, failure = (
        None if words is None else published_line(words, people) for words in (row.problem, row.failure)
    )
    return replace(row, problem=problem, failure=failure)


def _plain_name(way: str) -> str:
    return {
        STDIN: "feedsvc ingest -",
        SMTP: "SMTP",
        LMTP: "LMTP",
        HTTP: "POST /inbox",
    }.get(way, way)
