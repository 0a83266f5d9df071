"""The one gate through which everything passes before it is published.

An address goes out only if it is a web address that says nothing about the subscriber: no click-tracker, nothing that
is still wrapped in one, no unsubscribe, preference or referral link, nothing that holds a recipient's address or token,
no credentials, no image that is there to be counted. What is refused loses its address only: the words of a link stay.
Text goes out without the recipients' addresses, and without such links where they are printed in it.

This is the first of two looks. The second reads the finished bytes (`leaks`), whatever made them. Addresses that
feedsvc makes itself (`/go/...`, `/issues/...`) are the only ones that do not come through here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

import ada_url

from feedsvc.links import is_personal, is_pixel, is_tracker, unwrap

NOBODY: frozenset[str] = frozenset()

# What RFC 3986 does not allow behind the host though browsers let it stand (WHATWG): a few characters, a percent sign
# that encodes nothing, a second number sign. Percent-encoded, it means the same.
_NOT_RFC_3986 = re.compile(r"""[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})""", re.ASCII)
# An address within an address: as a parameter, or encoded.
_INNER = re.compile(r"https?(?::|%(?:25)*3A)(?:/|%(?:25)*2F){2}", re.IGNORECASE)
# An image this thin shows nothing: it is a spacer, or it counts who opens the mail.
THINNEST_PX = 2
_MAX_CHARS = 8192
_MAX_INNER = 6


def link(href: str | None, recipients: frozenset[str] = NOBODY) -> str | None:
    """Return the address as it may be published, or None where it must not be.

    `recipients` are the addresses and tokens of those whom the message was sent to.
    """
    address = _web_address(href)
    return None if address is None or refusal(address, recipients) else address


def tracked_link(href: str | None, recipients: frozenset[str] = NOBODY) -> str | None:
    """Return a link that may be a click-tracker, for `feedsvc convert`, which has no server to hide it; else None."""
    address = _web_address(href)
    return None if address is None or is_personal(address, recipients) else address


def image(
    src: str | None, width: int | None = None, height: int | None = None, recipients: frozenset[str] = NOBODY
) -> str | None:
    """Return the image's address as it may be published, or None; sizes are in CSS pixels, where declared."""
    if any(size is not None and size <= THINNEST_PX for size in (width, height)):
        return None
    address = link(src, recipients)
    return None if address is None or is_pixel(address) else address


def redirect_target(href: str | None) -> str | None:
    """Return where `/go/` may send somebody who asks: any web address, trackers too, for that is what it hides."""
    return _web_address(href)


@lru_cache(maxsize=32_768)
def refusal(address: str, recipients: frozenset[str] = NOBODY) -> str | None:
    """Return why a web address must not be published ("tracker", "wrapped", "personal"), or None where it may be.

    An address that it holds in a parameter or in its path counts as if it stood by itself.
    """
    if is_personal(address, recipients):
        return "personal"
    if unwrap(address) is not None:
        return "wrapped"
    if is_tracker(address):
        return "tracker"
    inner = address
    for _ in range(_MAX_INNER):
        found = _INNER.search(inner, 1)
        if found is None:
            return None
        inner = inner[found.start() :]
        plain = inner
        while not plain[:8].lower().startswith(("http://", "https:/")) and "%" in plain[:12]:
            plain = unquote(plain)
        # Alone, up to where the parameter that holds it ends.
        for candidate in (plain, plain.partition("&")[0]):
            if is_tracker(candidate) or is_personal(candidate, recipients):
                return "tracker" if is_tracker(candidate) else "personal"
    return None


def _web_address(href: str | None) -> str | None:
    """Return the normal form of an absolute http(s) address without credentials, in ASCII."""
    if not href or len(href) > _MAX_CHARS:
        return None
    try:
        url = ada_url.URL(href.strip())
    except (ValueError, UnicodeError):
        return None
    if url.protocol not in ("http:", "https:") or not url.hostname or url.username or url.password:
        return None
    rest, mark, fragment = url.href.removeprefix(url.origin).partition("#")
    return url.origin + _encode(rest) + mark + _encode(fragment)


def _encode(part: str) -> str:
    return _NOT_RFC_3986.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), part)
