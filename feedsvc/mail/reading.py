"""From bytes to one Message: which kind of file it is, then headers and parts, or the head of a saved body.

The strategy rests on three facts. A file's suffix is a hint and its first lines are evidence: a `.txt` that begins
with mail headers is a message. What stands before the headers (BOM, blank lines, an mbox `From ` line) makes a parser
see no headers at all. And whatever the bytes, the next message must not be held up: nothing but MessageError leaves
this module.
"""

from __future__ import annotations

import codecs
import email
import email.parser
import hashlib
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message as MimeMessage

import mailparser
from mailparser.exceptions import MailParserError

from feedsvc.errors import MessageError, TooLarge, UnreadableMessage
from feedsvc.mail import identity
from feedsvc.mail.charset import decode, repair_mojibake
from feedsvc.mail.clean import clean_line, clean_text
from feedsvc.mail.dates import is_plausible, sent_date
from feedsvc.mail.flat import text_parts
from feedsvc.mail.forward import forwarded_date, forwarded_html, forwarded_text, says_forward
from feedsvc.mail.headers import Headers, addresses_in
from feedsvc.mail.parts import Bodies, is_html, read_parts
from feedsvc.mail.saved import file_stem, read_saved
from feedsvc.model import Message, Problem

MAX_MESSAGE_BYTES = 50_000_000

_BODY_SUFFIXES = (".html", ".htm", ".xhtml", ".txt", ".text", ".md", ".markdown")
_MESSAGE_SUFFIXES = (".eml", ".mail", ".mbox", ".mime")
_HEADER = re.compile(rb"(?!<)([!-9;-~]{1,80})[ \t]*:(?!//)")  # neither a tag nor an address on the web
_BEFORE_HEADERS = re.compile(rb"(?:[ \t]*\r?\n|\r)*")
_MBOX_LINE = re.compile(rb">?From [^\r\n]*\r?\n")
# Headers that nearly every message has, and hardly any prose begins with two of.
_MAIL_HEADERS = frozenset(
    b"from to cc subject date received message-id mime-version content-type content-transfer-encoding return-path "
    b"delivered-to list-id reply-to sender x-mailer envelope-to list-unsubscribe dkim-signature x-received arc-seal "
    b"x-original-to authentication-results".split()
)
_HEADERS_END = re.compile(rb"\n[ \t]*\r?\n")
_ODD_LINE = re.compile(rb"^(?![!-9;-~]+:|[ \t]|From |\r?$)", re.M)
_SPACED_NAME = re.compile(rb"([!-9;-~]{1,80})[ \t]+:")
_MAX_HEADER_BYTES = 1_000_000
# Parsers take quadratic time over the parameters and mailboxes of one field. What stands beyond is cut off.
_MAX_FIELD_BYTES = 32_768
_LONG_FIELD = re.compile(rb"^([!-9;-~]{1,80}:(?:[^\n]|\n[ \t]){32000})(?:[^\n]|\n[ \t])+", re.M)
_MAX_BOUNDARY_LINES = 10_000
_MANY_EMPTY = re.compile(rb"\n\r?\n\r?\n\r?\n\r?\n\r?\n\r?\n\r?\n\r?\n")
_EMPTY_LINES = re.compile(rb"(\r?\n)(?:\r?\n){100,}")
_MAX_COMMENT_WORDS = 60  # of one's own above a message that one forwards as an attachment
_TAG = re.compile(r"<[^>]{0,2000}>")
_FOREIGN_FILES = (
    (b"\xd0\xcf\x11\xe0", "an Outlook .msg file; save it as .eml"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)

logging.getLogger("mailparser").setLevel(logging.CRITICAL)  # it logs what odd headers hold


def parse_message(data: bytes, *, received: datetime, filename: str | None = None) -> Message:
    """Read one e-mail (RFC 5322) or saved body.

    `received` is when it came in (aware; UTC is taken where it is naive), `filename` what its file was called. Raises
    TooLarge over 50 MB, and UnreadableMessage where there is no text to be read, nothing else.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise TooLarge(f"The message has {len(data):,} bytes; at most {MAX_MESSAGE_BYTES:,} are read.")
    received = received.astimezone(UTC) if received.tzinfo else received.replace(tzinfo=UTC)
    try:
        return _read(data, received, filename)
    except MessageError:
        raise
    except Exception as error:  # a defect here or in a parser must not hold up the next message
        raise UnreadableMessage(
            f"Reading the message failed ({type(error).__name__}); please report it with the file."
        ) from error


def _read(data: bytes, received: datetime, filename: str | None) -> Message:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.strip(b"\0 \t\r\n"):
        raise UnreadableMessage("The file is empty.", code="empty")
    for magic, what in _FOREIGN_FILES:
        if data.startswith(magic):
            raise UnreadableMessage(f"The file is {what}, not a message.", code="not-a-message")
    start = headers_start(data, filename)
    if start is None:
        return _read_saved_body(data, received, filename)
    return _read_mail(data[start:], received, filename)


def headers_start(data: bytes, filename: str | None) -> int | None:
    """Return where the headers of a message begin, None where `data` is a saved body."""
    blank = _BEFORE_HEADERS.match(data)
    start = blank.end() if blank else 0
    if data.startswith(codecs.BOM_UTF8, start):
        start += 3
    for _ in range(3):
        mbox = _MBOX_LINE.match(data, start)
        if mbox is None:
            break
        start = mbox.end()
    known, others = 0, 0
    lines = data[start : start + 65_536].splitlines()
    # A first header that lost its own first line leaves a folded line: it is passed over.
    for line in lines[:400]:
        if not line.strip():
            break
        if line[:1] in b" \t":
            continue
        header = _HEADER.match(line)
        if header is None:
            break
        if header[1].lower() in _MAIL_HEADERS:
            known += 1
        else:
            others += 1
    name = (filename or "").lower()
    if name.endswith(_MESSAGE_SUFFIXES):
        needed = 0 if others else 1
    elif name.endswith(_BODY_SUFFIXES):
        needed = 2
    else:
        needed = 1
    return start if known >= needed and known + others else None


def mend_headers(data: bytes) -> bytes:
    """Return a message with header lines that parsers accept: `Name :` becomes `Name:`, a stray line a folded one.

    The parser ends the headers at the first line that is none, and all below would be lost as body.
    """
    found = _HEADERS_END.search(data, 0, _MAX_HEADER_BYTES)
    head = data[: found.start() + 1] if found else data[:_MAX_HEADER_BYTES]
    if len(head) > _MAX_FIELD_BYTES:
        short = _LONG_FIELD.sub(rb"\1", head.replace(b"\r\n", b"\n"))
        data, head = short + data[len(head) :], short
    if not _ODD_LINE.search(head):
        return data
    lines = head.split(b"\n")
    for n, line in enumerate(lines):
        header = _SPACED_NAME.match(line)
        if header is not None:
            lines[n] = header[1] + b":" + line[header.end() :]
        elif n and line.strip() and not _HEADER.match(line) and line[:1] not in b" \t":
            # Only where mail headers follow is it a stray line among them; else it is the body, with no
            # blank line before it.
            below = sum(
                1 for later in lines[n + 1 : n + 40] if (h := _HEADER.match(later)) and h[1].lower() in _MAIL_HEADERS
            )
            if below < 2:
                break
            lines[n] = b" " + line
    return b"\n".join(lines) + data[len(head) :]


def _read_mail(data: bytes, received: datetime, filename: str | None) -> Message:
    mime, problems = _parse(_without_empty_lines(mend_headers(data)))
    outer: Headers | None = None
    bodies = read_parts(mime)
    if len(bodies.attached) == 1 and _only_carries(Headers(mime), bodies):
        outer = Headers(mime)
        mime = bodies.attached[0]
        bodies = read_parts(mime)
        problems += (Problem("forward-attached", "The message was sent for the one attached to it, which was read."),)
    elif bodies.html is None and bodies.text is None and bodies.attached:
        bodies = _join_digest(bodies)
    headers = Headers(mime)
    subject = headers.first_filled("subject") or ""
    if bodies.html is None and bodies.text is None:
        if not subject and headers.mailbox("from") is None:
            raise UnreadableMessage("The message has neither text nor subject nor sender.", code="empty")
        problems += (Problem("body-missing", "The message has no text.", lost=False),)
    sent, date_problems = sent_date(headers.first("date"), headers.all("received"), received)
    message_id = _message_id(headers)
    unsubscribe = identity.unsubscribe_of(headers)
    message = Message(
        key=message_id or content_key(data),
        newsletter=identity.newsletter_of(headers, file_stem(filename) or subject),
        subject=subject,
        sent=sent,
        html=bodies.html,
        text=bodies.text if bodies.text is not None or bodies.html is not None else "",
        message_id=message_id,
        recipients=identity.recipients_of(headers),
        unsubscribe=unsubscribe.targets,
        one_click=unsubscribe.one_click,
        bulk=identity.is_bulk(headers),
        inline_images=bodies.images,
        problems=problems + date_problems + bodies.problems,
        web_url=_web_url(headers),
    )
    if outer is not None:
        return _hide_forwarder(message, outer)
    return message if message.bulk else _unforward(message, headers, received)


def _without_empty_lines(data: bytes) -> bytes:
    """Return a message without the greater part of very long runs of empty lines: the parser takes each line by itself."""
    return _EMPTY_LINES.sub(rb"\1" * 8, data) if _MANY_EMPTY.search(data) else data


def _only_carries(headers: Headers, bodies: Bodies) -> bool:
    """Tell whether a message was sent for the sake of the one attached to it: it has no words, or a forwarder's few."""
    if bodies.html is None and bodies.text is None:
        return True
    words = len((bodies.text if bodies.text is not None else _TAG.sub(" ", bodies.html or "")).split())
    return (
        words <= _MAX_COMMENT_WORDS and not identity.is_bulk(headers) and says_forward(headers.first("subject") or "")
    )


def _hide_forwarder(message: Message, outer: Headers) -> Message:
    """Return a message with its forwarder among its recipients, because what is published must not name them."""
    people = identity.recipients_of(outer) | outer.addresses("from") | outer.addresses("reply-to")
    return replace(message, recipients=message.recipients | people)


def _unforward(message: Message, headers: Headers, received: datetime) -> Message:
    """Return the newsletter that a message forwards inline; else the message as it is."""
    in_text = forwarded_text(message.text, subject=message.subject) if message.text else None
    in_html = forwarded_html(message.html, subject=message.subject) if message.html else None
    said = in_html or in_text
    if said is None or (message.html is not None and in_html is None):
        return message
    inner = MimeMessage()
    inner["From"] = clean_line(said.sender)
    newsletter = identity.newsletter_of(Headers(inner), message.subject)
    moment = forwarded_date(said.date)
    sent = moment if moment is not None and is_plausible(moment, received) else message.sent
    who = "The newsletter was forwarded; its own sender, subject and date stand in the body."
    forwarded = replace(
        message,
        newsletter=newsletter,
        subject=clean_line(said.subject) or message.subject,
        sent=sent,
        html=in_html.body if in_html else None,
        text=in_text.body if in_text else None,
        recipients=message.recipients | addresses_in(said.to),
        problems=(*message.problems, Problem("forward-inline", who)),
    )
    return _hide_forwarder(forwarded, headers)


def _parse(data: bytes) -> tuple[MimeMessage, tuple[Problem, ...]]:
    """Return the tree of parts, by mail-parser.

    By the standard library where that gives up; flat where the tree is too deep.
    """
    if data.count(b"\n--") > _MAX_BOUNDARY_LINES and data.count(b"\nContent-") > _MAX_BOUNDARY_LINES:
        return _parse_flat(data), (
            Problem("parts-too-many", "Only the first 100 texts of the message were read.", lost=True),
        )
    try:
        parsed = _Tree.from_bytes(data).message
        if isinstance(parsed, MimeMessage):
            return parsed, ()
    except (MailParserError, RecursionError):
        return _parse_flat(data), (
            Problem("nesting-too-deep", "Parts lie too deep in one another; their texts were read one by one."),
        )
    except Exception:
        pass
    try:
        return email.message_from_bytes(data), (
            Problem("parser-failed", "mail-parser could not read the message; a simpler parser did."),
        )
    except RecursionError:
        return _parse_flat(data), (
            Problem("nesting-too-deep", "Parts lie too deep in one another; their texts were read one by one."),
        )


class _Tree(mailparser.MailParser):  # type: ignore[misc]
    """A message as mail-parser reads it, without what it goes on to make of headers and bodies: that is decoded here (parts.py)."""

    def parse(self) -> _Tree:
        return self


def _parse_flat(data: bytes) -> MimeMessage:
    """Return the headers of a message with each of its text parts beside the others, however deep they lie."""
    outer = email.parser.BytesParser().parsebytes(data[:1_000_000], headersonly=True)
    flat = MimeMessage()
    for name, value in outer.raw_items():
        if not name.lower().startswith("content-"):
            flat[name] = value
    flat["Content-Type"] = "multipart/mixed"
    flat.set_payload([*text_parts(data)])
    return flat


def _join_digest(bodies: Bodies) -> Bodies:
    """Return the texts of several attached messages (RFC 2046, section 5.1.5) in order, each under its subject."""
    texts, htmls, problems = [], [], list(bodies.problems)
    for inner in bodies.attached[:200]:
        read = read_parts(inner)
        problems.extend(read.problems)
        subject = Headers(inner).first_filled("subject") or ""
        if read.text is not None:
            texts.append(f"{subject}\n\n{read.text.strip()}".strip())
        elif read.html is not None:
            htmls.append(read.html)
    return Bodies("\n".join(htmls) or None, "\n\n".join(texts) or None, bodies.images, (), tuple(problems))


def _message_id(headers: Headers) -> str | None:
    raw = headers.first_filled("message-id") or ""
    found = re.search(r"<([^<>]+)>", raw)
    message_id = (found[1] if found else raw).strip("<> ").replace(" ", "")
    return message_id[:500] or None


def _web_url(headers: Headers) -> str | None:
    """Return the issue's page: Archived-At (RFC 5064), or the https List-Post with which Substack names the post."""
    for name in ("archived-at", "list-post"):
        found = re.search(r"https?://[^\s<>\"]+", headers.first(name) or "")
        if found:
            return found[0]
    return None


def content_key(data: bytes) -> str:
    """Return the identity of a message that names none: a hash of its bytes, the same for every kind of line end."""
    return "sha256:" + hashlib.sha256(data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").strip(b"\n")).hexdigest()


def _read_saved_body(data: bytes, received: datetime, filename: str | None) -> Message:
    name = (filename or "").lower()
    said_html = name.endswith((".html", ".htm", ".xhtml"))
    decoded = decode(data, None, is_html=said_html or b"<meta" in data[:4096].lower())
    _refuse_binary(data, decoded.text)
    body = clean_text(repair_mojibake(decoded.text)).lstrip("\ufeff")
    html_body = is_html(body) or (said_html and "<" in body)
    saved = read_saved(body, is_html=html_body, received=received, filename=filename)
    problems = saved.problems if decoded.problem is None else (decoded.problem, *saved.problems)
    message = Message(
        key=content_key(data),
        newsletter=saved.newsletter,
        subject=saved.subject,
        sent=saved.sent,
        html=saved.body if html_body else None,
        text=None if html_body else saved.body,
        bulk=True,
        problems=problems,
        web_url=saved.web_url,
    )
    return _unforward(message, Headers(MimeMessage()), received)


def _refuse_binary(data: bytes, text: str) -> None:
    """Raise UnreadableMessage where bytes are no text in any charset.

    They are full of control characters, or have no letter.
    """
    sample = data[:100_000]
    controls = len(sample) - len(sample.translate(None, bytes(c for c in range(32) if c not in (9, 10, 12, 13, 27))))
    if controls * 20 > len(sample):
        raise UnreadableMessage("The file is not text: it is full of control characters.", code="not-a-message")
    if not any(c.isalnum() for c in text[:1_000_000]):
        raise UnreadableMessage("The file holds no words.", code="empty")
