"""The last look at a text or a finished document, whatever made it: what in it gives the reader away, and its removal.

It reads feeds and pages as bytes and knows nothing of the model behind them, so a mistake in any room before this one
does not reach a reader. It sees through the escapes of XML, HTML, JSON and URLs, and through markup within an address.
What it finds it replaces: a link by its canonical address, where that is fit to be published, else by a word; an
address by "[subscriber]"; an image that is there to be counted by nothing. What it cannot mend it refuses.
"""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from feedsvc.errors import PublishError
from feedsvc.links import LONG_TOKEN, canonical, is_pixel, recipients_of
from feedsvc.publish import gate

logger = logging.getLogger(__name__)

SUBSCRIBER: Final = "[subscriber]"
HIDDEN_LINK: Final = "(link)"
NO_ADDRESS: Final = "about:invalid"
_ROUNDS = 4

# `<`, `>`, `"`, `'` as they stand in XML, in HTML within XML, and in JSON.
_ESCAPED_MARK = (
    r"(?:&(?:amp;)*(?:lt|gt|quot|apos|nbsp|#(?:0*3[49]|0*6[02]|0*160|x0*(?:2[27]|3[ce]|a0)));|\\u00(?:22|27|3[ce]))"
)
_URL = re.compile(rf"https?:(?:\\?/){{2}}(?:(?!{_ESCAPED_MARK})[^\s<>\"'`\\])+", re.IGNORECASE)
# A run without space or quotes: what is base64, percent-encoded or a parameter stands whole within one. JSON's escapes
# stand between runs.
_RUN = re.compile(
    rf"\\(?:u[0-9a-f]{{4}}|.)|{_ESCAPED_MARK}|(?P<run>(?:(?!{_ESCAPED_MARK})[^\s<>\"'`\\])+)", re.IGNORECASE
)
_JSON_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|.)", re.IGNORECASE)
_IMAGE = re.compile(r"(?:<|&(?:amp;)*lt;)img\b(.{0,4000}?)(?:>|&(?:amp;)*gt;)", re.IGNORECASE | re.DOTALL)
_THIN = re.compile(
    rf"\b(?:width|height)(?:\s*[=:]\s*)(?:\\?[\"']|{_ESCAPED_MARK})?\s*0*[0-{gate.THINNEST_PX}](?:px)?(?![\w.%])",
    re.IGNORECASE,
)
_SRC = re.compile(rf"\bsrc\s*=\s*(?:\\?[\"']|{_ESCAPED_MARK})?((?:(?!{_ESCAPED_MARK})[^\s<>\"'`])+)", re.IGNORECASE)
# Before an address that is the value of an attribute: a word there would lead back to ourselves.
_IN_ATTRIBUTE = re.compile(rf"=\s*(?:\\?[\"']|{_ESCAPED_MARK})?$|\"(?:url|image|icon)\":\s*\"$")
# Before the address of an image: in markup, in RSS and Atom (a thumbnail, an enclosure), in JSON Feed.
_AS_IMAGE = re.compile(rf"(?:src|url)\s*=\s*(?:\\?[\"']|{_ESCAPED_MARK})?$|\"(?:image|icon)\":\s*\"$")
# What may stand between two characters of an address and show nothing: tags, and characters without width.
_BETWEEN = r"(?:<[^<>]{0,300}>|&(?:amp;)*lt;(?:(?!&(?:amp;)*[lg]t;).){0,300}&(?:amp;)*gt;|[\u00ad\u200b-\u200d\u2060\ufeff]|&(?:amp;)*(?:shy|zwnj|zwj);)*"
_SHOWS_NOTHING = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")
_SPELT_SIGN = re.compile(r"\s?[\[(](at|dot)[\])]\s?", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,300}>|&(?:amp;)*lt;(?:(?!&(?:amp;)*[lg]t;).){0,300}&(?:amp;)*gt;", re.DOTALL)
_SPELT = {
    "@": r"(?:@|&(?:amp;)*(?:#0*64|#x0*40|commat);|%(?:25)*40|\\u0040|＠|\s?[\[(]at[\])]\s?)",
    ".": r"(?:\.|&(?:amp;)*(?:#0*46|#x0*2e|period);|%(?:25)*2e|\\u002e|\s?[\[(]dot[\])]\s?)",
    "+": r"(?:\+| |&(?:amp;)*(?:#0*43|#x0*2b|plus);|%(?:25)*2b|\\u002b)",
    "-": r"(?:-|&(?:amp;)*(?:#0*45|#x0*2d);|%(?:25)*2d)",
    "_": r"(?:_|&(?:amp;)*(?:#0*95|#x0*5f|lowbar);|%(?:25)*5f)",
}


@dataclass(frozen=True, slots=True)
class Leak:
    """Where a text gives its reader away (`start`, `end` in it), how ("tracker", "wrapped", "personal", "recipient",
    "pixel"), and what may stand there instead."""

    start: int
    end: int
    kind: str
    instead: str


def find_leaks(
    text: str, recipients: frozenset[str] = gate.NOBODY, allowed: Callable[[str], bool] = lambda url: False
) -> tuple[Leak, ...]:
    """Return what in a text, or in the text of a finished document, must not be published, in its order.

    `allowed` says of an address that it is feedsvc's own.
    """
    leaks: list[Leak] = []
    recipients = _named(text, recipients)
    for found in _IMAGE.finditer(text):
        src = _SRC.search(found[1])
        if _THIN.search(found[1]) or (src and is_pixel(_plain(src[1]))):
            leaks.append(Leak(found.start(), found.end(), "pixel", ""))
    for found in _URL.finditer(text):
        if allowed(_plain(found[0])):
            continue
        before = text[max(0, found.start() - 12) : found.start()]
        if kind := _refused(found[0], recipients, _AS_IMAGE.search(before) is not None):
            instead = _canonical(found[0], recipients) or (NO_ADDRESS if _IN_ATTRIBUTE.search(before) else HIDDEN_LINK)
            leaks.append(Leak(found.start(), found.end(), kind, instead))
    leaks += _recipients_in(text, recipients)
    return tuple(_apart(leaks))


def scrub(text: str, recipients: frozenset[str] = gate.NOBODY) -> str:
    """Return a text of an entry (or its HTML) without what gives the reader away.

    Raises PublishError where that is not possible.
    """
    return _cleared(text, recipients, lambda url: False, whole=False)[0]


def release(
    document: bytes, recipients: frozenset[str], *, own: str | None = None, shown: frozenset[str] = frozenset()
) -> bytes:
    """Return the finished document, in UTF-8, as it may be published: every feed, page and export passes here.

    `recipients` are those of all that stands in it, `own` the address of this server. `shown` are addresses that
    are let pass: `feedsvc convert`, which has no server to hide a click-tracker behind, prints it. What is found is
    logged, for it ought not to have come so far. Raises PublishError where it cannot be mended.
    """
    prefix = None if own is None else f"{own}/"
    text = document.decode("utf-8", "surrogatepass")
    clean, leaks = _cleared(
        text,
        recipients,
        lambda url: url in shown or (prefix is not None and (url.startswith(prefix) or url == own)),
        whole=True,
    )
    if not leaks:
        return document
    kinds = sorted({leak.kind for leak in leaks})
    logger.error("%d places of a document gave its reader away (%s); they were taken out", len(leaks), ", ".join(kinds))
    return clean.encode("utf-8", "surrogatepass")


def _cleared(
    text: str, recipients: frozenset[str], allowed: Callable[[str], bool], *, whole: bool
) -> tuple[str, list[Leak]]:
    """Return the text without its leaks, and these; a `whole` document is not replaced altogether."""
    removed: list[Leak] = []
    for _ in range(_ROUNDS):
        leaks = find_leaks(text, recipients, allowed)
        if not leaks:
            return text, removed
        if whole and any(leak.start == 0 and leak.end == len(text) for leak in leaks):
            break
        removed += leaks
        pieces: list[str] = []
        at = 0
        for leak in leaks:
            pieces += [text[at : leak.start], leak.instead]
            at = leak.end
        text = "".join([*pieces, text[at:]])
    raise PublishError("What is to be published holds what tells who its reader is, and it could not be taken out.")


def _apart(leaks: list[Leak]) -> Iterator[Leak]:
    """Yield the leaks in order, each that overlaps with one before it left out: the next round finds what is left of it."""
    at = 0
    for leak in sorted(leaks, key=lambda leak: (leak.start, -leak.end)):
        if leak.start >= at:
            yield leak
            at = leak.end


@lru_cache(maxsize=32_768)
def _refused(written: str, recipients: frozenset[str], is_image: bool) -> str | None:
    """Return why an address as it stands in a document must not be there, or None."""
    plain = _plain(written)
    return gate.refusal(plain, recipients) or ("pixel" if is_image and is_pixel(plain) else None)


def _canonical(written: str, recipients: frozenset[str]) -> str | None:
    target = canonical(_plain(written), recipients)
    if target.state != "canonical" or (address := gate.link(target.url, recipients)) is None or "&" in address:
        return None  # with an ampersand, each format would want it escaped in its own way
    return None if is_pixel(address) else address


def _plain(written: str) -> str:
    """Return an address without the escapes of the document that it stands in."""
    text = written.replace("\\/", "/")
    for _ in range(3):
        if "&" not in text:
            break
        text = html.unescape(text)
    return text.rstrip(".,;:!)]}\\")


def _named(text: str, recipients: frozenset[str]) -> frozenset[str]:
    """Return those recipients whom a text names, however it is written, and the numbers that count only as a whole parameter."""
    if not recipients:
        return recipients
    plain = _JSON_ESCAPE.sub(" ", text.replace("\\u0040", "@")).replace("＠", "@")
    for _ in range(3):
        if "&" not in plain:
            break
        plain = html.unescape(plain)
    if not plain.isascii():
        plain = _SHOWS_NOTHING.sub("", plain)
    if _SPELT_SIGN.search(plain):
        plain = _SPELT_SIGN.sub(lambda sign: "@" if sign[1].lower() == "at" else ".", plain)
    if "<" in plain:
        plain = f"{plain}\n{_TAG.sub('', plain)}"
    short = frozenset(each for each in recipients if "@" not in each and len(each) < LONG_TOKEN)
    return recipients_of(recipients).named_in(plain) | short


def _recipients_in(text: str, named: frozenset[str]) -> Iterator[Leak]:
    """Yield where a text names these recipients; all of it, where it does so in a way that is spread over it."""
    finder = recipients_of(named)
    if not finder.is_named:
        return
    found_any = False
    pattern = _spelt_out(named)
    if pattern is not None:
        for found in pattern.finditer(text):
            found_any = True
            # Tags that stood within stay, or their partners would be left alone.
            yield Leak(found.start(), found.end(), "recipient", SUBSCRIBER + "".join(_TAG.findall(found[0])))
    for found in _RUN.finditer(text):
        run = found["run"]
        if run is None or len(run) < 6 or (pattern is not None and pattern.search(run)):
            continue
        plain = _plain(run)
        if finder.found_in(plain) or finder.named_in(plain):
            found_any = True
            yield Leak(found.start(), found.end(), "recipient", SUBSCRIBER)
    if not found_any:
        yield Leak(0, len(text), "recipient", SUBSCRIBER)


@lru_cache(maxsize=256)
def _spelt_out(recipients: frozenset[str]) -> re.Pattern[str] | None:
    """Return a pattern for the recipients' addresses in all the ways in which a document may spell them, or None."""
    forms: set[str] = set()
    for address in recipients:
        if "@" in address and len(address) >= 6:
            local, _, domain = address.strip().rpartition("@")
            forms |= {f"{local}@{domain}", f"{local}={domain}", f"{local.partition('+')[0]}@{domain}"}
    words = [_BETWEEN.join(_SPELT.get(c, re.escape(c)) for c in form) for form in sorted(forms, key=len, reverse=True)]
    return re.compile("|".join(words), re.IGNORECASE) if words else None
