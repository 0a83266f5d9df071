"""The headers that are on every answer."""

from __future__ import annotations

from typing import Final

SECURITY_HEADERS: Final = {
    # Everything that a page needs comes from here; nothing is inline, nothing from another host, and nobody frames us.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Nothing to other sites. Our own forms need it: with "no-referrer" a browser would send them with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A person's mail is nothing for a search engine, should it ever reach this.
    "X-Robots-Tag": "noindex, nofollow",
}
