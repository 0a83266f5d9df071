"""The bodies of a message: which leaf parts are its HTML and its text, each decoded here and not by mail-parser.

mail-parser takes an HTML part with a `name=` for an attachment, mixes the parts of an attached message with the outer
one's, joins alternatives, and believes the declared charset. So the tree of parts is walked here.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from email.message import Message as MimeMessage

from feedsvc.mail.charset import decode, repair_mojibake
from feedsvc.mail.clean import clean_line, clean_text
from feedsvc.mail.flat import text_parts
from feedsvc.model import InlineImage, Problem

_MAX_PARTS = 2_000
_MAX_IMAGES = 50
_MAX_IMAGE_BYTES = 5_000_000
_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]*")
_CTE = re.compile(r"\s*([A-Za-z0-9-]+)")
_HTML_START = re.compile(
    r"\s*(?:<!--.{0,2000}?-->\s*|<\?xml[^>]{0,200}>\s*)*<(?:!doctype\s+html|html|head|body|meta|title|style)\b",
    re.I | re.S,
)
_HTML_TAGS = re.compile(r"</?(?:table|td|tr|div|span|p|a|br|img|font|center|h[1-6]|ul|li)\b[^<>]{0,2000}>", re.I)
_BOILERPLATE = re.compile(r"multi-?part\s+message\s+in\s+MIME|MIME\s+format", re.I)
_BODY_TYPES = ("text/plain", "text/html")


@dataclass(frozen=True, slots=True)
class Bodies:
    """What a message's leaf parts come to; `attached` are messages inside it (message/rfc822), not looked into."""

    html: str | None
    text: str | None
    images: tuple[InlineImage, ...] = ()
    attached: tuple[MimeMessage, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(slots=True)
class _Found:
    """What the walk has found so far."""

    html: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    images: list[InlineImage] = field(default_factory=list)
    attached: list[MimeMessage] = field(default_factory=list)
    put_aside: list[MimeMessage] = field(
        default_factory=list
    )  # text marked as attachment: the body, where nothing else is
    problems: dict[str, Problem] = field(default_factory=dict)
    image_bytes: int = 0
    images_left_out: int = 0


def read_parts(message: MimeMessage) -> Bodies:
    """Read the bodies and inline images of a message; it never raises for what the parts hold."""
    found = _Found()
    _walk(message, found)
    if not found.html and not found.text:
        for part in found.put_aside:
            _take_body(part, found)
    if not found.html and not found.text and not found.attached:
        _take_outside(message, found)
    if found.images_left_out:
        detail = f"{found.images_left_out} inline images were left out; {_MAX_IMAGES} with 5 MB in all are kept."
        found.problems["images-left-out"] = Problem("images-left-out", detail, lost=True)
    return Bodies(
        html="\n".join(found.html) if found.html else None,
        text="\n\n".join(found.text) if found.text else None,
        images=tuple(found.images),
        attached=tuple(found.attached),
        problems=tuple(found.problems.values()),
    )


def _walk(message: MimeMessage, found: _Found) -> None:
    """Visit the parts in order, without recursion and without entering attached messages."""
    stack = [message]
    visited = 0
    while stack:
        part = stack.pop()
        visited += 1
        if visited > _MAX_PARTS:
            found.problems["parts-left-out"] = Problem(
                "parts-left-out", f"Only the first {_MAX_PARTS} parts were read.", lost=True
            )
            return
        kind = part.get_content_type()
        if part.is_multipart():
            payload = part.get_payload()
            if part.get_content_maintype() == "message":
                if kind in {"message/rfc822", "message/global"}:
                    found.attached.extend(_messages(payload))
                continue
            stack.extend(reversed(_messages(payload)))
        elif kind in _BODY_TYPES:
            _visit_text(part, kind, found)
        elif part.get_content_maintype() == "image":
            _take_image(part, kind, found)


def _visit_text(part: MimeMessage, kind: str, found: _Found) -> None:
    disposition = str(part.get("content-disposition", "")).split(";")[0].strip().lower()
    has_name = disposition and _parameter(part, "filename", "content-disposition") is not None
    already = found.html if kind == "text/html" else found.text
    if disposition == "attachment" or (has_name and already):
        found.put_aside.append(part)
    else:
        _take_body(part, found)


def _take_body(part: MimeMessage, found: _Found) -> None:
    declared_html = part.get_content_type() == "text/html"
    data = part_bytes(part)
    decoded = decode(data, _parameter(part, "charset", "content-type"), is_html=declared_html)
    if decoded.problem is not None:
        found.problems.setdefault(decoded.problem.code, decoded.problem)
    text = clean_text(repair_mojibake(decoded.text)).lstrip("\ufeff")
    if not text.strip():
        return
    if is_html(text) if not declared_html else "<" in text or "&" in text:
        found.html.append(text)
    else:
        found.text.append(text)


def _take_image(part: MimeMessage, kind: str, found: _Found) -> None:
    content_id = clean_line(str(part.get("content-id", ""))).strip("<> ")
    if not content_id:
        return
    room = _MAX_IMAGE_BYTES - found.image_bytes
    if len(found.images) >= _MAX_IMAGES or room <= 0:
        found.images_left_out += 1
        return
    data = part_bytes(part)
    if not data or len(data) > room:
        found.images_left_out += 1
        return
    found.image_bytes += len(data)
    found.images.append(InlineImage(content_id=content_id, media_type=kind, data=data))


def _take_outside(message: MimeMessage, found: _Found) -> None:
    """Take what stands outside the declared boundaries, where nothing stands between them.

    Parts with other boundaries, else words.
    """
    if message.is_multipart():
        outside = b"\n".join(_raw(words) for words in (message.preamble, message.epilogue) if isinstance(words, str))
    elif message.get_content_maintype() == "multipart":
        outside = _payload_bytes(message)
    else:
        return
    for part in text_parts(outside):
        _visit_text(part, part.get_content_type(), found)
    if not found.html and not found.text:
        text = clean_text(repair_mojibake(decode(outside).text))
        text = "\n".join(line for line in text.split("\n") if not _BOILERPLATE.search(line)).strip()
        if text:
            (found.html if is_html(text) else found.text).append(text)
    if found.html or found.text:
        detail = "The parts are not parted as the headers say; what could be read was kept."
        found.problems["parts-broken"] = Problem("parts-broken", detail)


def _parameter(part: MimeMessage, name: str, header: str) -> str | None:
    try:
        value = part.get_param(name, None, header)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    if isinstance(value, tuple):
        value = value[2]
    return value if isinstance(value, str) else None


def part_bytes(part: MimeMessage) -> bytes:
    """Return a leaf part's bytes with its Content-Transfer-Encoding (RFC 2045, section 6) undone, where it has one."""
    found = _CTE.match(str(part.get("content-transfer-encoding", "")))
    encoding = found[1].lower() if found else ""
    if encoding in {"x-uuencode", "uuencode", "uue", "x-uue"}:
        data = part.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    raw = _payload_bytes(part)
    if encoding == "base64":
        return _from_base64(raw)
    if encoding == "quoted-printable":
        return binascii.a2b_qp(raw)
    return raw


def _payload_bytes(part: MimeMessage) -> bytes:
    """Return a leaf's payload as it stands in the message.

    `get_payload()` would decode 8-bit bytes by the declared charset, which is not to be believed; with `decode=True`
    it gives the bytes, once there is no transfer encoding for it to undo.
    """
    del part["content-transfer-encoding"]
    try:
        data = part.get_payload(decode=True)
    except (ValueError, TypeError, LookupError):  # a charset parameter that is no charset
        del part["content-type"]
        data = part.get_payload(decode=True)
    return data if isinstance(data, bytes) else b""


def _raw(words: str) -> bytes:
    return words.encode("utf-8", "surrogateescape")


def _messages(payload: object) -> list[MimeMessage]:
    return [inner for inner in payload if isinstance(inner, MimeMessage)] if isinstance(payload, list) else []


def _from_base64(raw: bytes) -> bytes:
    """Decode base64, also where a list server has written its footer below it in clear.

    What is not base64 at all stays as it is.
    """
    end = len(raw)
    found = _BASE64.match(raw)
    if found is not None and found.end() < len(raw):
        end = raw.rfind(b"\n", 0, found.end()) + 1
    clear = raw[end:]
    letters = raw[:end].translate(None, b"\r\n\t =")
    if not letters or len(letters) % 4 == 1:
        if len(letters) < 80:
            return raw
        letters = letters[: len(letters) // 4 * 4]
    try:
        data = base64.b64decode(letters + b"=" * (-len(letters) % 4))
    except (binascii.Error, ValueError):
        return raw
    return data + (b"\n" + clear if clear.strip() else b"")


def is_html(text: str) -> bool:
    """Tell whether a body that says it is plain text, or says nothing, is plainly HTML."""
    if "<" not in text[:20_000]:
        return False
    if _HTML_START.match(text[:5_000]):
        return True
    head = text[:20_000]
    return head.lstrip().startswith("<") and len(_HTML_TAGS.findall(head)) >= 5
