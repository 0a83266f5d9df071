"""What the envelope of a message says, kept in the message itself, as a delivering server does (RFC 5321 section 4.4).

    Return-Path: <bounce@example.org>
    Delivered-To: k3j9…+weekly@home.example

No time and no name of a connection is added: a message that is sent again after its answer was lost has the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedsvc.intake.spool import LMTP, SMTP

_NOT_IN_ADDRESSES = re.compile(r"[^\x21-\x7e\x80-\U0010ffff]|[<>]")
_RETURN_PATH = re.compile(rb"Return-Path: <[^\r\n]*>\r?\n")
_DELIVERED_TO = re.compile(rb"Delivered-To: (?P<address>[^\r\n]+)\r?\n")


def with_envelope(data: bytes, sender: str | None, recipients: Iterable[str]) -> bytes:
    """The message with its envelope before it, in the line ends that it has."""
    end = b"\r\n" if b"\r\n" in data[:1000] else b"\n"
    lines = [f"Return-Path: <{_clean(sender or '')}>", *(f"Delivered-To: {_clean(one)}" for one in recipients)]
    return b"".join(line.encode("utf-8", "replace") + end for line in lines) + data


def recipient_of(head: bytes, way: str) -> str | None:
    """Whom the envelope named first, of a message that came by SMTP or LMTP; None for others: theirs may be anybody's."""
    if way not in (SMTP, LMTP):
        return None
    path = _RETURN_PATH.match(head)
    found = _DELIVERED_TO.match(head, path.end() if path else 0)
    return found["address"].decode("utf-8", "replace") if found else None


def given_name(recipient: str) -> str | None:
    """The name that an address gives its newsletter: `k3j9+weekly-digest@…` says "weekly digest"."""
    _, plus, tag = recipient.partition("@")[0].partition("+")
    name = " ".join(tag.replace("-", " ").replace("_", " ").split())
    return name[:100] if plus and name else None


def _clean(address: str) -> str:
    return _NOT_IN_ADDRESSES.sub("", address)
