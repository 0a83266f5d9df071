"""Text parts found one by one, where boundaries are not the declared ones or the tree is too deep to build."""

from __future__ import annotations

import email.parser
import re
from email.message import Message as MimeMessage

# A boundary line is taken for one where a Content- header stands below it, whatever boundary the headers declare.
_OPENING = re.compile(rb"^(--[^\r\n]{1,200}?)[ \t]*\r?\n(?=content-[a-z-]{2,30}:)", re.I | re.M)
_MAX_OPENINGS = 3_000
_MAX_TEXTS = 100


def text_parts(data: bytes) -> list[MimeMessage]:
    """Return every text part of a message's bytes in order, at most 100, without regard to how they are nested."""
    openings = []
    for found in _OPENING.finditer(data):
        openings.append(found)
        if len(openings) >= _MAX_OPENINGS:
            break
    boundaries = {found[1].rstrip(b"-") for found in openings}
    texts: list[MimeMessage] = []
    for n, found in enumerate(openings):
        end = openings[n + 1].start() if n + 1 < len(openings) else len(data)
        piece = data[found.end() : end]
        at = 0
        for line in piece.splitlines(keepends=True):
            if line.startswith(b"--") and line.rstrip(b"\r\n\t -") in boundaries:
                piece = piece[:at]
                break
            at += len(line)
        part = email.parser.BytesParser().parsebytes(piece, headersonly=True)
        if part.get_content_type() in {"text/plain", "text/html"}:
            texts.append(part)
            if len(texts) >= _MAX_TEXTS:
                break
    return texts
