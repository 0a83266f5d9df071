"""The one gate through which every address passes before it is published.

An address goes out only if it is a web address that says nothing about the subscriber: no click-tracker, no
unsubscribe, preference or referral link, no credentials, no image that is there to be counted. What is refused loses
its address only: the words of a link stay. Addresses that feedsvc makes itself (`/go/...`, `/issues/...`) are the only
ones that do not come through here.
"""

from __future__ import annotations

import re

import ada_url

from feedsvc.links import is_personal, is_tracker

# What RFC 3986 does not allow behind the host though browsers let it stand (WHATWG): a few characters, a percent sign
# that encodes nothing, a second number sign. Percent-encoded, it means the same.
_NOT_RFC_3986 = re.compile(r"""[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%]|%(?![0-9A-Fa-f]{2})""", re.ASCII)
# An image this thin shows nothing: it is a spacer, or it counts who opens the mail.
_THINNEST_PX = 2
_MAX_CHARS = 8192


def link(href: str | None) -> str | None:
    """Return the address as it may be published, or None where it must not be."""
    address = _web_address(href)
    if address is None or is_tracker(address) or is_personal(address):
        return None
    return address


def tracked_link(href: str | None) -> str | None:
    """Return a link that may be a click-tracker, for `feedsvc convert`, which has no server to hide it; else None."""
    address = _web_address(href)
    return None if address is None or is_personal(address) else address


def image(src: str | None, width: int | None = None, height: int | None = None) -> str | None:
    """Return the image's address as it may be published, or None; sizes are in CSS pixels, where declared."""
    if any(size is not None and size <= _THINNEST_PX for size in (width, height)):
        return None
    return link(src)


def redirect_target(href: str | None) -> str | None:
    """Return where `/go/` may send somebody who asks: any web address, trackers too, for that is what it hides."""
    return _web_address(href)


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
