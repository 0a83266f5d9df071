"""Leaving a newsletter, when a person asks for it: one request, as RFC 8058 has it, to the address that its mail names.

Nothing else ever asks these addresses. They are private: what says who is leaving is in them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from feedsvc.config import Settings
from feedsvc.errors import FeedsvcError, ResolveError
from feedsvc.resolve import Fetcher, guard_of
from feedsvc.resolve.fetch import Clock
from feedsvc.store import Store, Unsubscribing

ONE_CLICK = b"List-Unsubscribe=One-Click"


class NotUnsubscribed(FeedsvcError):
    """The newsletter could not be left; the detail says what a person can do."""

    code = "not-unsubscribed"


def unsubscribe(settings: Settings, store: Store, slug: str) -> str:
    """Leave the newsletter with this slug; returns the host that said yes. Raises NotUnsubscribed."""
    found = store.unsubscribing(slug)
    if found is None:
        raise NotUnsubscribed("its mails do not say how to unsubscribe. Look for a link in their last lines.")
    address = next((one for one in found.addresses if found.one_click and _may_be_posted_to(one, settings)), None)
    if address is None:
        raise NotUnsubscribed(f"its mails offer no one-click way. {by_hand(found)}")
    host = urlsplit(address).hostname or ""
    try:
        answer = Fetcher(guard_of(settings)).get(address, Clock.of(), wants=lambda media_type: False, form=ONE_CLICK)
    except ResolveError as failure:
        raise NotUnsubscribed(f"{failure.detail} {by_hand(found)}") from failure
    if not 200 <= answer.status < 300:  # redirects too: RFC 8058 section 3.1 forbids them
        raise NotUnsubscribed(f"{host} answered with status {answer.status}. {by_hand(found)}")
    return host


def by_hand(found: Unsubscribing) -> str:
    """What a person can do instead."""
    web = [one for one in found.addresses if one.lower().startswith(("https:", "http:"))]
    mail = [one for one in found.addresses if one.lower().startswith("mailto:")]
    if web:
        return f"Open this in a browser: {web[0]}"
    if mail:
        return f"Send an empty mail to {mail[0][7:]}"
    return "Look for a link in the last lines of an issue."


def _may_be_posted_to(address: str, settings: Settings) -> bool:
    """RFC 8058 wants https; plain http is for the tests, which name the port."""
    try:
        scheme, port = urlsplit(address).scheme, urlsplit(address).port
    except ValueError:
        return False
    return scheme == "https" or (scheme == "http" and port in settings.resolve_loopback_ports)
