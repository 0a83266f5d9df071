"""From a link as it stands in a message to a string that a URL parser may see.

Newsletters hold links with entities left in, zero-width characters, line breaks, doubled or broken schemes. What can be mended
without guessing is mended; the rest is refused with a reason. Mending a mended link changes nothing.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

# Characters that show nothing: mail editors paste them into addresses. WHATWG would keep them, percent-encoded.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f]"
)
# Controls and lone surrogates. Tab, CR and LF are dropped inside an address as WHATWG does.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]+")
# What such a character looks like once a tool has percent-encoded it.
_INVISIBLE_ENCODED = re.compile("%E2%80%8[B-F]|%E2%81%A0|%EF%BB%BF|%C2%AD", re.IGNORECASE)
# Entities with their semicolon only: `&copy=1` is a parameter. Only those that stand for ASCII punctuation.
_ENTITY = re.compile(r"&(?:amp|#0*38|#x0*26);", re.IGNORECASE)
_ENTITY_OTHER = re.compile(
    r"&(?:#0*(?:6[01]|47|58|63|35|37|45|46|95|61)|#x0*(?:3[acdf]|2[f35de]|5f)|equals|quest|sol|colon|num);", re.I
)
_OTHER = {"equals": "=", "quest": "?", "sol": "/", "colon": ":", "num": "#"}
# The rest of an entity whose `&` was decoded as a separator: `?amp;a=1`, and `&aamp;a=1`, seen in TLDR.
_HALF_ENTITY = re.compile(r"(?<=[?&])(?:a*amp;)+", re.IGNORECASE)
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
# One or more schemes, with any number of slashes of either kind, as far as they are http(s).
_HTTP = re.compile(
    r"(?:https?(?::|%3A)?[/\\]+(?=https?(?:(?::|%3A)[/\\]*|[/\\]{2})))*(https?)(?:(?::|%3A)[/\\]*|[/\\]{2,})",
    re.IGNORECASE,
)
_ENCODED_SCHEME = re.compile(r"https?%3A%2F", re.IGNORECASE)
# A host without a scheme: labels, a top level of letters, then the end, a port, a path, a query.
_BARE_HOST = re.compile(
    r"(?:[^\W_](?:[\w\-]{0,61}[^\W_])?\.)+(?:[^\W\d_]{2,24}|xn--[a-z0-9\-]+)\.?(?::\d{1,5})?(?=[/?#]|$)", re.IGNORECASE
)
# File names look like hosts: `report.pdf`, `image.png`. No registry has these as top levels that newsletters link to bare.
_FILE_NAME = re.compile(
    r"[^/?#]+\.(?:html?|php|aspx?|jsp|cgi|pdf|png|jpe?g|gif|svg|webp|txt|xml|json|css|js|docx?|xlsx?|ics|eml)(?=[?#]|$)",
    re.IGNORECASE,
)
# Markdown around an address: an unmatched bracket with only emphasis, brackets and stops after it (`...)**`, `...)]`).
_MARKDOWN_END = re.compile(r"[)\]][)\]*_^.,;:!>~'\"]*$")
_QUOTES = "\"'<>«»“”„‘’`"
# Nothing to mend: one scheme in small letters, and none of what is looked for below (no `;`, brackets or quotes, and of
# percent-encodings only whole ones that begin no invisible character). Most links are so.
_SOUND = re.compile(
    r"https?://(?![/]|https?(?::|%3A|//))(?:[A-Za-z0-9\-_.~!$*+,=:@/?&#]++|%(?![Ee][2Ff]|[Cc]2)[0-9A-Fa-f]{2})++",
)

MAX_LENGTH = 16_384


@lru_cache(maxsize=2048)  # several questions are asked of each link of a mail
def mend(href: str) -> tuple[str | None, str | None]:
    """The address that `href` means, with its scheme, and None; or None and why there is none.

    Both are None for what is no link to a page (`mailto:`, `tel:`, `cid:`, `#part`, empty).
    """
    if len(href) <= MAX_LENGTH and _SOUND.fullmatch(href):
        return href, None
    return mend_step_by_step(href)


def mend_step_by_step(href: str) -> tuple[str | None, str | None]:
    """`mend`, for what is not plainly sound."""
    text = href
    if not text.isascii() or not text.isprintable():
        text = _CONTROL.sub(lambda m: "" if set(m[0]) <= {"\t", "\n", "\r"} else " ", text)
        text = _INVISIBLE.sub("", text).replace("\u00a0", " ")
    if "%" in text:
        text = _INVISIBLE_ENCODED.sub("", text)
    if "&" in text and ";" in text:
        text = decode_entities(text)
    if "amp;" in text:
        text = _HALF_ENTITY.sub("", text)
    text = text.strip(" " + _QUOTES)
    if not text or text[0] == "#":
        return None, None
    if len(text) > MAX_LENGTH:
        return None, f"the link is longer than {MAX_LENGTH} characters"
    text, problem = _with_scheme(text)
    if text and ")" in text[-12:]:
        text = _without_markdown(text).rstrip(" " + _QUOTES)
    if text and "%" in text:
        text = _STRAY_PERCENT.sub("%25", text)
    return text or None, problem


def decode_entities(text: str) -> str:
    """`text` with the character references that were left in it decoded, also those that were encoded twice."""
    for _ in range(8):
        decoded = _ENTITY.sub("&", text)
        if "&#" in decoded or "&" in decoded:
            decoded = _ENTITY_OTHER.sub(_reference, decoded)
        if decoded == text:
            break
        text = decoded
    return text


def _reference(match: re.Match[str]) -> str:
    name = match[0][1:-1].lower()
    if name in _OTHER:
        return _OTHER[name]
    return chr(int(name[2:], 16) if name[1] == "x" else int(name[1:]))


def _without_markdown(text: str) -> str:
    """`text` up to an unmatched bracket, where only Markdown follows it; matched brackets belong to the address."""
    depth = 0
    for at, character in enumerate(text):
        if character == "(":
            depth += 1
        elif character == ")":
            depth -= 1
            if depth < 0:
                return text[:at] if _MARKDOWN_END.fullmatch(text, at) else text
    return text


def _with_scheme(text: str) -> tuple[str, str | None]:
    if _ENCODED_SCHEME.match(text):
        text = unquote(text)
    if text.startswith(("//", "\\\\")):
        text = "https://" + text.lstrip("/\\")
    found = _HTTP.match(text)
    if found:
        rest = text[found.end() :].lstrip("/\\ ")
        return (f"{found[1].lower()}://{rest}", None) if rest else ("", "the link has a scheme and nothing after it")
    if _BARE_HOST.match(text) and not _FILE_NAME.match(text):
        return f"https://{text}", None
    scheme = _SCHEME.match(text)
    if scheme:
        return "", None  # mailto:, tel:, cid:, javascript:, data:, an app's own scheme
    if "@" in text.partition("/")[0]:
        return "", None  # an address without mailto:
    return "", "the link has no host, and a message has no base address"
