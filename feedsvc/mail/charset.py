"""Bytes to text: the charset that a body is really in, and the repair of text that was decoded in a wrong one.

What is declared is often wrong; UTF-8 that decodes is hardly ever a coincidence. So UTF-8 is tried first, unless the
declared charset is stateful (its bytes are ASCII, and so valid UTF-8, but mean something else). The web's reading of
labels is followed (WHATWG Encoding, section 4.2): iso-8859-1 and ascii mean cp1252, gb2312 means gb18030, shift_jis
means cp932.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from functools import cache

from feedsvc.model import Problem

_ALIASES = {
    "ascii": "cp1252",
    "us-ascii": "cp1252",
    "ansi_x3.4-1968": "cp1252",
    "646": "cp1252",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "l1": "cp1252",
    "ansi": "cp1252",
    "x-ansi": "cp1252",
    "windows-31j": "cp932",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "euc-kr": "cp949",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601": "cp949",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "big5": "big5hkscs",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-7": "utf-7",
    "utf8": "utf-8",
    "cp-850": "cp850",
}
_STATEFUL = re.compile(r"iso2022|utf-?7|utf-?16|utf-?32|^hz$", re.I)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{2,40})", re.I)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

# What UTF-8 looks like when read as cp1252 or latin-1, and as mac_roman. Each is cheap to look for and hardly ever
# meant.
_SIGNS = ("Ã", "Â", "â€", "ðŸ", "ï¿½", "ï»¿", "â‚¬", "Ð", "Å", "√", "¬†", "‚Ä", "ü§", "üî", "â\x80", "ð\x9f")
_MAX_REPAIR_CHARS = 200_000  # ftfy takes 4 microseconds a character
_ASCII = bytes(range(128))
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded body, with what had to be guessed to decode it (None where it was as declared)."""

    text: str
    problem: Problem | None = None


@cache
def codec_name(label: str) -> str | None:
    """Return Python's name of the text codec that the charset `label` means, None where there is no such charset."""
    label = label.strip().strip("\"'").split("*")[0].lower()
    if not label or "\0" in label or not label.isascii():
        return None
    try:
        info = codecs.lookup(_ALIASES.get(label, label))
    except (LookupError, ValueError):
        return None
    # "hex", "zip", "rot13" are codecs and no charsets; "idna" and the escapes would decode, but no mail means them.
    text_codec = getattr(info, "_is_text_encoding", True)
    if not text_codec or info.name in {
        "idna",
        "punycode",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
        "unicode-escape",
    }:
        return None
    return info.name


def decode(data: bytes, declared: str | None = None, *, is_html: bool = False) -> Decoded:
    """Decode a body, never failing.

    BOM, stateful charset, UTF-8, declared charset, `<meta charset>`, cp1252, in this order.
    """
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return Decoded(data.decode(codec, "replace"))
    codec_declared = codec_name(declared) if declared else None
    if codec_declared and _STATEFUL.search(codec_declared):
        text = _strict(data, codec_declared)
        if text is not None:
            return Decoded(text)
    if data.isascii():
        if b"\x1b$" in data or b"\x1b(J" in data:  # Japanese mail that lost its charset parameter
            text = _strict(data, "iso2022_jp_ext")
            if text is not None:
                return Decoded(text, _guessed(declared, "iso-2022-jp"))
        return Decoded(data.decode("ascii"))
    text = _strict(data, "utf-8")
    if text is not None:
        honest = declared is None or codec_declared == "utf-8"
        return Decoded(text, None if honest else _guessed(declared, "utf-8"))
    if codec_declared and codec_declared != "utf-8":
        text = _strict(data, codec_declared)
        if text is not None:
            return Decoded(text)
    if is_html and (found := _META.search(data[:4096])):
        codec_meta = codec_name(found[1].decode("ascii"))
        if (
            codec_meta
            and codec_meta not in {"utf-8", codec_declared}
            and (text := _strict(data, codec_meta)) is not None
        ):
            return Decoded(text, _guessed(declared, codec_meta))
    return _decode_damaged(data, declared, codec_declared)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, LookupError, ValueError):
        return None


def _guessed(declared: str | None, used: str) -> Problem:
    said = f"said {declared[:40]!r}" if declared else "said nothing"
    return Problem("charset-guessed", f"The part {said}; it was read as {used}.")


def _decode_damaged(data: bytes, declared: str | None, codec_declared: str | None) -> Decoded:
    """Decode what is valid in no candidate.

    In the one that leaves the fewest holes, bad bytes read as cp1252 where UTF-8.
    """
    in_utf8 = data.decode("utf-8", "replace")
    holes = in_utf8.count("\ufffd")
    beyond_ascii = sum(1 for c in in_utf8 if c > "\x7f") - holes
    if beyond_ascii > 2 * holes:
        text = data.decode("utf-8", "feedsvc-cp1252")
        return Decoded(text, Problem("charset-damaged", f"{holes} bytes are not UTF-8; they were read as cp1252."))
    if codec_declared and codec_declared not in {"utf-8", "cp1252"}:
        text = data.decode(codec_declared, "replace")
        if text.count("\ufffd") * 20 < sum(1 for c in text if c > "\x7f"):
            lost = text.count("\ufffd")
            return Decoded(text, Problem("charset-damaged", f"{lost} characters are not {declared}.", lost=True))
    text = data.decode("cp1252", "feedsvc-cp1252")
    honest = codec_declared == "cp1252"
    return Decoded(text, None if honest else _guessed(declared, "cp1252"))


def _bad_byte_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", "ignore"), error.end


def _c1_as_byte(error: UnicodeError) -> tuple[bytes, int]:
    if not isinstance(error, UnicodeEncodeError) or not "\x80" <= error.object[error.start] <= "\x9f":
        raise error
    return bytes([ord(error.object[error.start])]), error.start + 1


codecs.register_error("feedsvc-cp1252", _bad_byte_as_cp1252)
codecs.register_error("feedsvc-c1", _c1_as_byte)


def repair_mojibake(text: str) -> str:
    """Return `text` with UTF-8 that was read as mac_roman, cp1252 or latin-1 put right; sound text comes back as it is.

    The whole text is tried first: where every character of it goes back through one charset to valid UTF-8, that is
    what happened (a sound text with characters beyond ASCII practically never does). Else ftfy mends single lines.
    """
    first = None if text.isascii() else _BEYOND_ASCII.search(text)
    if first is None:
        return text
    for codec in ("mac_roman", "cp1252", "latin-1"):
        # The first characters beyond ASCII decide nearly always: they are one whole character of UTF-8, or none of this is.
        if not any(_round_trip(text[first.start() : first.start() + length], codec) for length in (2, 3, 4)):
            continue
        whole = _round_trip(text, codec)
        if whole is not None:
            return whole
    # What is not ASCII is taken out first, at memory speed: bodies are long, and have little of it. Where it stands closer together for
    # that, a sign too many is seen, and the lines are looked at.
    beyond = text.encode("utf-8", "surrogatepass").translate(None, _ASCII).decode("utf-8", "surrogatepass")
    if not any(sign in beyond for sign in _SIGNS):
        return text
    return _repair_lines(text)


def _round_trip(text: str, codec: str) -> str | None:
    try:
        # cp1252 leaves five bytes undefined; who decodes with it mostly lets them through as C1 controls.
        return text.encode(codec, "feedsvc-c1" if codec == "cp1252" else "strict").decode("utf-8")
    except UnicodeError:
        return None


def _repair_lines(text: str) -> str:
    import ftfy  # 60 ms to import, and few messages need it
    from ftfy.badness import is_bad

    lines = text.split("\n")
    budget = _MAX_REPAIR_CHARS
    for n, line in enumerate(lines):
        if not line.isascii() and any(sign in line for sign in _SIGNS) and is_bad(line):
            budget -= len(line)
            if budget < 0:
                break
            lines[n] = ftfy.fix_encoding(line)
    return "\n".join(lines)
