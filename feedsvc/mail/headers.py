"""Header values as text: unfolded, RFC 2047 decoded, with what real mail does to both; and the addresses in them.

mail-parser keeps folds in subjects, gives a list where a header stands twice, and nothing for `From: Newsletter`; so
headers are read here from the raw values of the message that it parsed.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from dataclasses import dataclass
from email.message import Message as MimeMessage

from feedsvc.mail.charset import codec_name, decode, repair_mojibake
from feedsvc.mail.clean import clean_line

# RFC 2047 allows 75 characters and no spaces in an encoded word; senders keep to neither. The lazy run ends at the
# first "?="; its bound keeps a header full of openings from taking quadratic time.
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?(.{0,1500}?)\?=", re.S)
_FOLD = re.compile(r"[ \t]*[\r\n]+[ \t]*")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@]{1,128}@[^\s<>,;:\"()\[\]\\@]{1,190}")
_ANGLE = re.compile(r"<\s*([^<>]*?)\s*>")
_COMMENT = re.compile(r"\(([^()]*)\)")
_MAX_HEADER_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A name and an address of an address header (RFC 5322, section 3.4).

    Either may be empty. The address is lower case.
    """

    name: str
    address: str


class Headers:
    """The headers of one message: looked up without regard to case, decoded when asked for."""

    def __init__(self, message: MimeMessage) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in message.raw_items():
            self._values.setdefault(name.lower().strip(), []).append(str(value))

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> frozenset[str]:
        """Return the names of all headers, in lower case."""
        return frozenset(self._values)

    def first(self, name: str) -> str | None:
        """Return the first header of this (lower-case) name, decoded to one line; None where there is none."""
        values = self._values.get(name)
        return decode_header(values[0]) if values else None

    def first_filled(self, name: str) -> str | None:
        """Return the first header of this name that is not empty."""
        return next((text for raw in self._values.get(name, ())[:20] if (text := decode_header(raw))), None)

    def all(self, name: str) -> list[str]:
        """Return all headers of this name, decoded, at most 100."""
        return [decode_header(raw) for raw in self._values.get(name, ())[:100]]

    def mailbox(self, name: str) -> Mailbox | None:
        """Return the first mailbox of the first header of this name that is not empty."""
        for raw in self._values.get(name, ())[:20]:
            if (box := first_mailbox(raw)) is not None:
                return box
        return None

    def addresses(self, name: str) -> frozenset[str]:
        """Return every address in the headers of this name, in lower case."""
        found: set[str] = set()
        for text in self.all(name):
            found |= addresses_in(text)
        return frozenset(found)


def addresses_in(text: str) -> frozenset[str]:
    """Return every address that stands in `text`, in lower case."""
    return frozenset(found[0].lower().strip("'.") for found in _ADDRESS.finditer(text))


def _as_text(raw: str) -> str:
    """Return a raw value with its 8-bit bytes decoded: the parser hands them on as lone surrogates (PEP 383)."""
    raw = raw[:_MAX_HEADER_CHARS]
    if raw.isascii():
        return raw
    return repair_mojibake(decode(raw.encode("utf-8", "surrogateescape")).text)


def decode_header(raw: str) -> str:
    """Return a header's value as one clean line: unfolded, 8-bit bytes and encoded words decoded (RFC 2047)."""
    text = _FOLD.sub(" ", _as_text(raw))
    if "=?" in text:
        text = _decode_words(text)
    return clean_line(text)


def _decode_words(text: str) -> str:
    out: list[str] = []
    pending: list[bytes] = []  # bytes of neighbouring words in one charset: senders cut characters in two
    charset = ""
    end = 0

    def flush() -> None:
        if pending:
            out.append(repair_mojibake(decode(b"".join(pending), charset).text))
            pending.clear()

    for word in _ENCODED_WORD.finditer(text):
        data = _word_bytes(word[2], word[3])
        between = text[end : word.start()]
        end = word.end()
        if data is None:
            flush()
            out.append(between + word[0])
            continue
        label = word[1].split("*")[0].lower()  # RFC 2231, section 5: charset*language
        if not pending or between.strip():
            flush()
            # Space between two encoded words is not text (RFC 2047, section 6.2); beside other text it is.
            out.append(between if between.strip() or not out else "")
        elif label != charset or _stateful_label(label):
            flush()
        charset = label
        pending.append(data)
    flush()
    out.append(text[end:])
    return "".join(out)


def _stateful_label(label: str) -> bool:
    return (codec_name(label) or "").startswith(("iso2022", "utf-7"))


def _word_bytes(encoding: str, payload: str) -> bytes | None:
    raw = payload.encode("utf-8", "replace")
    if encoding in "qQ":
        return quopri.decodestring(raw, header=True)
    raw = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
    if len(raw) % 4 == 1:
        raw = raw[:-1]
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4))
    except (binascii.Error, ValueError):
        return None


def first_mailbox(raw: str) -> Mailbox | None:
    """Return the first mailbox of an address header's raw value, None where it names nobody."""
    # The address is looked for before encoded words are decoded: a decoded name may itself hold "<", "," or "@".
    text = _FOLD.sub(" ", _as_text(raw)[:20_000]).strip()
    angle = next((found for found in _ANGLE.finditer(text) if "@" in found[1]), None) or _ANGLE.search(text)
    if angle is not None:
        name = text[: angle.start()]
        address = _ADDRESS.search(angle[1])
        if not name.strip(' "'):
            comment = _COMMENT.match(text, angle.end() + 1)
            name = comment[1] if comment else ""
        return _mailbox(name, address[0] if address else angle[1] if "@" in angle[1] else "")
    address = _ADDRESS.search(text)
    if address is None:
        return _mailbox(text, "")
    comment = _COMMENT.search(text, address.end())
    name = comment[1] if comment else text[: address.start()]
    return _mailbox(name, address[0])


def _mailbox(name: str, address: str) -> Mailbox | None:
    name = name.strip()
    if len(name) >= 2 and name[0] == name[-1] == '"':
        name = name[1:-1]
    name = re.sub(r"\\(.)", r"\1", name) if "\\" in name else name
    name = decode_header(name).strip("\"' \t,;")
    address = clean_line(address).lower().strip("'.")
    if name.lower() == address:
        name = ""
    return Mailbox(name, address) if name or address else None
