"""Strings made safe for every later room: no control characters, surrogates or noncharacters, one kind of line end.

XML 1.0 (section 2.2) forbids most of them and SQLite and nh3 raise on some, so they are dropped here, once, and
nobody else looks.
"""

from __future__ import annotations

import re

# C0 and C1 without tab and line feed, DEL, surrogates, and the noncharacters of the basic plane (Unicode 23.7).
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_CONTROLS = bytes(c for c in range(128) if (c < 32 and c not in (9, 10)) or c == 127)
# In UTF-8 the forbidden characters beyond ASCII, and U+2028 and U+2029, all hold one of these; hardly any text does.
_RARE_BYTES = (b"\xed", b"\xef\xb7", b"\xbf\xbe", b"\xbf\xbf", b"\xe2\x80\xa8", b"\xe2\x80\xa9")
_C1_BYTES = re.compile(rb"\xc2[\x80-\x9f]")
_ASCII = bytes(range(128))
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile(r"\s+")
_MAX_LINE_CHARS = 20_000


def clean_text(text: str) -> str:
    """Return `text` with line ends as line feeds and without characters that XML or a database refuses."""
    # Bytes are searched and translated in C at memory speed; the pattern over a str takes 20 ns a character.
    raw = text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        beyond = raw.translate(None, _ASCII)
        if any(rare in beyond for rare in _RARE_BYTES) or _C1_BYTES.search(beyond):
            return _FORBIDDEN.sub("", _LINE_ENDS.sub("\n", text))
    clean = raw
    if b"\r" in raw:
        clean = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\x0b" in raw or b"\x0c" in raw:
        clean = clean.replace(b"\x0b", b"\n").replace(b"\x0c", b"\n")
    clean = clean.translate(None, _CONTROLS)
    return text if clean == raw else clean.decode("utf-8")


def clean_line(text: str) -> str:
    """Return `text` as one clean line.

    Runs of white space are single spaces, none at the ends, 20,000 characters at most.
    """
    return _SPACES.sub(" ", clean_text(text[:_MAX_LINE_CHARS])).strip().lstrip("\ufeff")
