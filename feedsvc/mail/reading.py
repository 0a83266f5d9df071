"""From bytes to one Message: which kind of file it is, then headers and parts, or the head of a saved body.

The strategy rests on three facts. A file's suffix is a hint and its first lines are evidence: a `.txt` that begins with mail headers is a
message. What stands before the headers (BOM, blank lines, an mbox `From ` line) makes a parser see no headers at all. And whatever the
bytes, the next message must not be held up: nothing but MessageError leaves this module.
"""

from __future__ import annotations

import codecs
import email
import email.parser
import hashlib
import logging
import re
from datetime import UTC, datetime
from email.message import Message as MimeMessage

import mailparser
from mailparser.exceptions import MailParserError

from feedsvc.errors import MessageError, TooLarge, UnreadableMessage
from feedsvc.mail import identity
from feedsvc.mail.charset import decode, repair_mojibake
from feedsvc.mail.clean import clean_text
from feedsvc.mail.dates import sent_date
from feedsvc.mail.headers import Headers
from feedsvc.mail.parts import Bodies, is_html, read_parts
from feedsvc.mail.saved import file_stem, read_saved
from feedsvc.model import Message, Problem

MAX_MESSAGE_BYTES = 50_000_000

_BODY_SUFFIXES = (".html", ".htm", ".xhtml", ".txt", ".text", ".md", ".markdown")
_MESSAGE_SUFFIXES = (".eml", ".mail", ".mbox", ".mime")
_HEADER = re.compile(rb"([!-9;-~]{1,80})[ \t]*:")
_BEFORE_HEADERS = re.compile(rb"(?:[ \t]*\r?\n|\r)*")
_MBOX_LINE = re.compile(rb">?From [^\r\n]*\r?\n")
# Headers that nearly every message has, and hardly any prose begins with two of.
_MAIL_HEADERS = frozenset(
    b"from to cc subject date received message-id mime-version content-type content-transfer-encoding return-path delivered-to list-id "
    b"reply-to sender x-mailer envelope-to list-unsubscribe dkim-signature x-received arc-seal x-original-to authentication-results".split()
)
_FOREIGN_FILES = (
    (b"\xd0\xcf\x11\xe0", "an Outlook .msg file; save it as .eml"),
    (b"%PDF", "a PDF file"),
    (b"PK\x03\x04", "a zip archive; unpack it"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
)

logging.getLogger("mailparser").setLevel(logging.ERROR)  # it logs a line for each odd part; odd parts are Problems here


def parse_message(data: bytes, *, received: datetime, filename: str | None = None) -> Message:
    """Read one e-mail (RFC 5322) or saved body.

    `received` is when it came in (aware; UTC is taken where it is naive), `filename` what its file was called. Raises TooLarge over 50 MB, and
    UnreadableMessage where there is no text to be read, nothing else.
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


def _read_mail(data: bytes, received: datetime, filename: str | None) -> Message:
    mime, problems = _parse(data)
    bodies = read_parts(mime)
    if bodies.html is None and bodies.text is None and len(bodies.attached) == 1:
        mime = bodies.attached[0]
        bodies = read_parts(mime)
        problems += (Problem("forward-attached", "The message only carries another one, which was read."),)
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
    return Message(
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


def _parse(data: bytes) -> tuple[MimeMessage, tuple[Problem, ...]]:
    """Return the tree of parts, by mail-parser; by the standard library where that gives up; flat where the tree is too deep."""
    try:
        parsed = mailparser.parse_from_bytes(data).message
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


_FLAT_PART = re.compile(rb"^content-type:[ \t]*text/(?:plain|html)", re.I | re.M)
_MAX_FLAT_PARTS = 100


def _parse_flat(data: bytes) -> MimeMessage:
    """Return the headers of a message with each of its text parts beside the others, however deep they lie."""
    outer = email.parser.BytesParser().parsebytes(data[:1_000_000], headersonly=True)
    flat = MimeMessage()
    for name, value in outer.raw_items():
        if not name.lower().startswith("content-"):
            flat[name] = value
    flat["Content-Type"] = "multipart/mixed"
    found = 0
    for piece in re.split(rb"(?:\A|\r?\n)--[^\r\n]{0,100}\r?\n", data):
        head = piece[:2_000]
        if found < _MAX_FLAT_PARTS and _FLAT_PART.search(head) and (b"\n\n" in piece or b"\r\n\r\n" in piece):
            part = email.parser.BytesParser().parsebytes(piece, headersonly=True)
            if part.get_content_maintype() == "text":
                flat.attach(part)
                found += 1
    if not found:
        flat.set_payload([])
    return flat


def _join_digest(bodies: Bodies) -> Bodies:
    """Return the texts of several attached messages (RFC 2046, section 5.1.5) one after the other, each under its subject."""
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
    """Return the identity of a message that names none: `sha256:` and a hash of its bytes, the same for every kind of line end."""
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
    return Message(
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


def _refuse_binary(data: bytes, text: str) -> None:
    """Raise UnreadableMessage where bytes are no text in any charset: they are full of control characters, or have no letter."""
    sample = data[:100_000]
    controls = len(sample) - len(sample.translate(None, bytes(c for c in range(32) if c not in (9, 10, 12, 13, 27))))
    if controls * 20 > len(sample):
        raise UnreadableMessage("The file is not text: it is full of control characters.", code="not-a-message")
    if not any(c.isalnum() for c in text[:1_000_000]):
        raise UnreadableMessage("The file holds no words.", code="empty")
