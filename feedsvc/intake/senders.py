"""Whose mail is taken: the lists `allow` and `deny`, and what the receiving server found out about the sender.

A line of a list is an address (`news@example.org`), a domain with all below it (`example.org`), or a List-Id
(`weekly.example.org`), with or without angle brackets, in any letter case. `deny` goes before `allow`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from email.parser import BytesHeaderParser

from feedsvc.config import Settings
from feedsvc.errors import MessageError
from feedsvc.intake.spool import COMMAND
from feedsvc.model import Issue

HEAD_BYTES = 1 << 17
_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"^\s*(dmarc|dkim|spf)(?:/\d+)?\s*=\s*(\w+)", re.IGNORECASE)


class Senders:
    """What the settings say about whose mail is taken."""

    def __init__(self, settings: Settings) -> None:
        self._allow = [_bare(line) for line in settings.allow or ()]
        self._deny = [_bare(line) for line in settings.deny or ()]
        self._hold = settings.hold_failed_auth

    @property
    def looks_into_headers(self) -> bool:
        """Whether `refusal` needs the head of the message."""
        return self._hold

    def refusal(self, issue: Issue, way: str, head: bytes = b"") -> MessageError | None:
        """Why this message is not taken, or None; `head` is its headers, with as much of its text as there happens to be.

        What a person takes in by command is not held back: it is how what was held back is let in.
        """
        names = [name for name in (issue.newsletter.address, issue.newsletter.list_id) if name]
        who = " and ".join(names) or issue.newsletter.name
        if (line := _first_match(self._deny, names)) is not None:
            return MessageError(
                f"the sender ({who}) is on the list `deny`, by the line {line!r}. Take that line out of the settings to let "
                "this newsletter in.",
                code="denied",
            )
        if self._allow and _first_match(self._allow, names) is None:
            return MessageError(
                f"the sender ({who}) is not on the list `allow`. Add the address, its domain or the List-Id to the settings "
                "to let this newsletter in.",
                code="not-allowed",
            )
        if self._hold and way != COMMAND and (failed := failed_checks(head)):
            return MessageError(
                f"the server that received it could not confirm the sender ({failed}), and the setting hold_failed_auth is on. "
                "If you trust it, let it in: feedsvc ingest, and the name of this file.",
                code="held-back",
            )
        return None


def failed_checks(head: bytes) -> str | None:
    """Which checks of the sender failed, by the topmost Authentication-Results (RFC 8601); None where it may be trusted.

    DMARC decides where it was checked; else DKIM and SPF, of which one that passed is enough. Only the topmost field is
    read: the receiving server puts its own there, and those below may be the sender's.
    """
    fields = BytesHeaderParser().parsebytes(head).get_all("Authentication-Results") or []
    if not fields:
        return None
    results: dict[str, list[str]] = {}
    for part in _COMMENT.sub(" ", str(fields[0])).split(";")[1:]:
        if found := _RESULT.match(part):
            results.setdefault(found[1].lower(), []).append(found[2].lower())
    if "dmarc" in results:
        return "dmarc=fail" if "fail" in results["dmarc"] and "pass" not in results["dmarc"] else None
    said = [(check, result) for check in ("dkim", "spf") for result in results.get(check, ())]
    if any(result == "pass" for _, result in said):
        return None
    return (
        ", ".join(f"{check}={result}" for check, result in said if result in ("fail", "softfail", "permerror")) or None
    )


def _bare(line: str) -> str:
    return line.strip().strip("<>").removeprefix("@").lower()


def _first_match(lines: Iterable[str], names: Iterable[str]) -> str | None:
    """The first line that names the sender: wholly, or as the domain of the address or of the List-Id."""
    for line in lines:
        for name in (_bare(name) for name in names):
            domain = name.rpartition("@")[2]
            if line == name or ("@" not in line and (domain == line or domain.endswith(f".{line}"))):
                return line
    return None
