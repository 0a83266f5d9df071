"""Click-trackers and link scanners that carry their target: one step of unwrapping.

A wrapper is known by the shape of its path and by what the payload decodes to, since senders put them on hosts of their own;
the host counts only where the shape alone would also be a share link, a log-in or an archive (wrappers.toml).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from functools import cache, lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts, parse, parse_cached
from feedsvc.links.rules import parents, table

MAX_DEPTH = 6
_MAX_INFLATED = 65_536

# Nothing is decoded without one of these in the address: a scheme in clear, the first letters of `http` or of `{"` in
# base64, zlib's first bytes in base64, or Postmark's shape, which leaves the scheme out. Most links stop here, so it is
# done with plain searches, which take a fifth of the time of one regular expression.
_POSTMARK_HINT = re.compile(r"/[23][mts]{1,2}/")
_B64 = re.compile(r"[A-Za-z0-9+/_\-]+={0,2}")
_HTTP = re.compile(r"https?(?::|%3A)", re.IGNORECASE)
# Amazon SES: `/CL0/<target>/<n>/<message id>-<6 digits>/<signature>`, `/L0/` the same.
# Some mails hold it decoded; then the target ends where the message id starts.
_SES = re.compile(
    r"/C?L0/(?:(http[^/]*%2F[^/]*)|(https?:/.+?)(?:/\d+/[0-9a-f]{16}-[0-9a-f-]+(?:/[^/]*)?)?$)", re.IGNORECASE
)
_POSTMARK = re.compile(r"/[23](m?s?|t?s?|s[mt])/([^/]+)(/[^/]+/[^/]+.*|/?)$")
_BARE_TARGET = re.compile(r"[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,24}(?::\d+)?(?:[/?#].*)?$", re.IGNORECASE | re.DOTALL)
_PROOFPOINT_V3 = re.compile(r"/v3/__(.+?)__;([A-Za-z0-9_\-]*={0,2})!")
_PROOFPOINT_RUN = re.compile(r"\*(?:\*(.))?")
_RUN_LENGTHS = {c: n + 2 for n, c in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")}
_AVANAN = re.compile(r"/___(https?:.+?)___\.")
_YAHOO = re.compile(r"/RU=([^/]+)/RK=", re.IGNORECASE)
_IMAGE_HOST = re.compile(r"(?:img|image|images|imgproxy|cdn|camo|media|proxy|thumb|thumbs|assets)\d*[.\-]")
_JSON_KEYS = ("href", "url", "e", "u", "target_url", "target", "redirect_url", "redirect", "destination", "link", "l")


class Step(NamedTuple):
    """An address on the way to where a link leads: mended, and cut in its canonical form."""

    url: str
    parts: Parts


@lru_cache(maxsize=2048)
def chain(url: str) -> tuple[Step, ...]:
    """A mended address, and each that the one before it carries; the last may be one that is wrapped `MAX_DEPTH` + 1 times.

    Empty where the address cannot be read. Remembered: several questions are asked of each link of a mail.
    """
    parts = parse(url)
    steps: list[Step] = []
    while parts is not None:
        steps.append(Step(url, parts))
        inner = unwrap_parts(parts) if len(steps) < MAX_DEPTH + 2 else None
        if inner is None:
            break
        url, parts = inner, parse_cached(inner)  # unwrapping has parsed it already
    return tuple(steps)


def unwrap(url: str) -> str | None:
    """The address that the click-tracker `url` carries, mended but not yet canonical; None where it carries none."""
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    return unwrap_parts(parts) if parts else None


def unwrap_parts(parts: Parts) -> str | None:
    """One step of unwrapping, for an address that is parsed already."""
    rest = parts.path + parts.query
    if (
        "http" not in rest.lower()
        and not ("aHR0c" in rest or "SFRUU" in rest or "eyJ" in rest or "eyA" in rest or "ewo" in rest or "/eJ" in rest)
        and not (("/2" in rest or "/3" in rest) and _POSTMARK_HINT.search(rest))
    ):
        return None
    if kept_as_it_is(parts):
        return None
    for decode in (_path_target, _scanner_target, _query_target):
        target = decode(parts)
        if target is not None:
            return target
    return None


def kept_as_it_is(parts: Parts) -> bool:
    """Whether an address that holds another one is itself what the reader wants (a share link, a log-in, an archive)."""
    hosts, words = _kept()
    return any(h in hosts for h in parents(parts.host)) or bool(words.search(parts.path.lower()))


@cache
def _kept() -> tuple[frozenset[str], re.Pattern[str]]:
    rules = table("wrappers")["kept"]
    words = "|".join(re.escape(w) for w in rules["words"])
    return frozenset(rules["hosts"]), re.compile(rf"/(?:{words})(?:[/.;]|$)")


@cache
def _redirects() -> tuple[frozenset[str], frozenset[str], dict[str, tuple[str, ...]]]:
    rules = table("wrappers")["redirect"]
    hosts = {host: tuple(row["names"]) for host, row in rules["hosts"].items()}
    return frozenset(rules["words"]), frozenset(rules["names"]), hosts


def _target(text: str | None) -> str | None:
    """`text` if it is an http(s) address with a host, mended; else None."""
    if not text:
        return None
    text = text.strip()
    if not _HTTP.match(text):
        return None
    mended = mend(text)[0]
    if mended is None:
        return None
    parts = parse_cached(mended)
    return mended if parts is not None and ("." in parts.host or parts.host.startswith("[")) else None


def _base64(text: str) -> bytes | None:
    """Decode base64 in either alphabet, with or without its padding; None if it is not that."""
    if "%" in text:
        text = unquote(text)
    if not _B64.fullmatch(text):
        return None
    text = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(text) % 4 == 1:
        text = text[:-1]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None


def _base64_text(text: str) -> str | None:
    data = _base64(text)
    try:
        return data.decode("utf-8") if data is not None else None
    except UnicodeDecodeError:
        return None


def _base64_url(text: str) -> str | None:
    if not text.startswith(("aHR0c", "SFRUU")):
        return None
    decoded = _base64_text(text)
    if decoded is None:  # a segment with some characters of a signature after the address
        return None
    return _target(decoded) if decoded.isprintable() else None


def _json_url(text: str) -> str | None:
    """The address in base64 JSON, or in a JWT's payload (RFC 7519), under one of the keys that trackers use."""
    if not text.startswith("e"):
        return None
    pieces = unquote(text).split(".")
    for piece in pieces[1:2] + pieces[:1] if len(pieces) == 3 else pieces[:1]:
        decoded = _base64_text(piece)
        if decoded is None:
            continue
        try:
            value = json.loads(decoded, strict=False)
        except (ValueError, RecursionError):
            continue
        found = _search_json(value, 0)
        if found:
            return found
    return None


def _search_json(value: Any, depth: int) -> str | None:
    if not isinstance(value, dict) or depth > 2:
        return None
    for key in _JSON_KEYS:
        item = value.get(key)
        if isinstance(item, str):
            found = _target(item)
            if found:
                return found
    for key in ("p", "v", "data", "payload"):  # Mandrill puts JSON in a string of JSON
        item = value.get(key)
        if isinstance(item, str) and item[:1] == "{":
            try:
                item = json.loads(item, strict=False)
            except (ValueError, RecursionError):
                continue
        found = _search_json(item, depth + 1)
        if found:
            return found
    return None


def _inflate(text: str) -> str | None:
    data = _base64(text)
    if data is None:
        return None
    try:
        return zlib.decompressobj().decompress(data, _MAX_INFLATED).decode("utf-8")
    except (zlib.error, UnicodeDecodeError):
        return None


def _path_target(parts: Parts) -> str | None:
    path = parts.path
    ses = _SES.search(path)
    if ses:
        found = _target(unquote(ses[1]) if ses[1] else ses[2] + parts.query)
        if found:
            return found
    segments = path.split("/")[1:]
    for n, segment in enumerate(segments):
        if segment.startswith(("aHR0c", "SFRUU")):
            if not _IMAGE_HOST.match(parts.host):
                found = _base64_url(segment) or _base64_url("/".join(segments[n:]))
                if found:
                    return found
        elif segment.startswith(("eyJ", "eyA", "ewo")):
            if n:
                found = _json_url(segment)
                if found:
                    return found
        elif segment.startswith("eJ") and n and segments[n - 1] == "c":  # Mailgun: zlib of a query string
            inflated = _inflate(segment)
            if inflated:
                for pair in inflated.split("&"):
                    name, _, value = pair.partition("=")
                    if name == "l":
                        found = _target(unquote_plus(value))
                        if found:
                            return found
        elif n and segment[:4].lower() == "http" and "%2f" in segment.lower():  # Cisco: the whole target as a segment
            found = _target(unquote(segment))
            if found:
                return found
    postmark = _POSTMARK.search(path)
    if (
        postmark
        and (postmark[3].count("/") > 1 or parts.host.endswith("pstmrk.it"))
        and "/" not in path[: postmark.start()]
    ):
        bare = unquote(postmark[2])
        if _BARE_TARGET.match(bare):
            return _target(f"http{'s' if 's' in postmark[1] else ''}://{bare}")
    return None


def _scanner_target(parts: Parts) -> str | None:
    """Link scanners of mail gateways with encodings of their own."""
    path = parts.path
    if "/v3/__" in path:
        return _proofpoint_v3(path + parts.query + parts.fragment)
    if "/v2/url" in path:
        for name, value in _pairs(parts.query):
            if name == "u":
                return _target(unquote(value.replace("-", "%").replace("_", "/")))
    avanan = _AVANAN.search(path + parts.query)
    if avanan:
        return _target(avanan[1])
    yahoo = _YAHOO.search(path)
    if yahoo:
        return _target(unquote(yahoo[1]))
    return None


def _proofpoint_v3(text: str) -> str | None:
    """Proofpoint URL Defense v3: `*` stands for one byte of the base64 list, `**X` for a run of them."""
    found = _PROOFPOINT_V3.search(text)
    if not found:
        return None
    held = _base64_text(found[2]) if found[2] else ""
    if held is None:
        return None
    at = 0

    def put_back(match: re.Match[str]) -> str:
        nonlocal at
        count = _RUN_LENGTHS.get(match[1], 1) if match[1] else 1
        piece = held[at : at + count]
        at += count
        return piece

    url = found[1]
    if "%2A" in url.upper():
        url = re.sub("%2A", "*", url, flags=re.IGNORECASE)
    if held:
        url = _PROOFPOINT_RUN.sub(put_back, url)
    if re.match(r"https?:/[^/]", url):  # some gateways fold the double slash
        url = url.replace(":/", "://", 1)
    return _target(url)


def _pairs(query: str) -> list[tuple[str, str]]:
    """The parameters of a query as they stand, names in lower case."""
    found = []
    for piece in query[1:].split("&"):
        name, _, value = piece.partition("=")
        found.append((name.lower(), value))
    return found


def _query_target(parts: Parts) -> str | None:
    if not parts.query:
        return None
    words, names, hosts = _redirects()
    allowed: tuple[str, ...] | frozenset[str] | None = None
    for host in parents(parts.host):
        if host in hosts:
            allowed = hosts[host]
            break
    else:
        last = parts.path.rstrip("/").rpartition("/")[2].lower()
        for ending in (".php", ".aspx", ".asp", ".jsp", ".html", ".cgi", ".do", ".ashx"):
            last = last.removesuffix(ending)
        if last in words or "/track/click/" in parts.path:  # Mandrill puts account and host behind its click path
            allowed = names
    if allowed is None:
        return None
    for name, value in _pairs(parts.query):
        if name in allowed or not value:
            found = _value_target(value or name)
            if found:
                return found
    if "" in allowed:  # `https://href.example/?https://...`
        return _target(parts.query[1:])
    return None


def _value_target(value: str) -> str | None:
    if _HTTP.match(value):
        plain = unquote(value)
        if not re.match("https?:", plain, re.IGNORECASE):
            plain = unquote(plain)
        return _target(plain)
    if value.startswith(("aHR0c", "a1aHR0c")):
        return _base64_url(unquote(value).removeprefix("a1"))
    return _json_url(value)
