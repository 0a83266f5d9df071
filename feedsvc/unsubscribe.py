"""Leaving a newsletter, when a person asks for it: one request, as RFC 8058 has it, to the address that its mail names.

Nothing else ever asks these addresses. They are private: what says who is leaving is in them.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from feedsvc.config import Settings
from feedsvc.errors import FeedsvcError, ResolveError
from feedsvc.resolve import Fetcher, guard_of
from feedsvc.resolve.fetch import Clock
from feedsvc.store import Store, Unsubscribing

ONE_CLICK = b"List-Unsubscribe=One-Click"


class NotUnsubscribed(FeedsvcError):
    """The newsletter could not be left; the detail says what a person can do, with the private address in it.

    `reason` says only why, and may be shown on a page.
    """

    code = "not-unsubscribed"

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason} {remedy}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WaysOut:
    """How a newsletter can be left. The addresses are private; their hosts are not.

    `one_click` takes the one request of RFC 8058, `page` is opened in a browser, `mail` is a `mailto:` address; each is
    None where its mails offer no such way.
    """

    one_click: str | None = None
    page: str | None = None
    mail: str | None = None

    @property
    def one_click_host(self) -> str:
        """Whom the request goes to."""
        return _host(self.one_click)

    @property
    def page_host(self) -> str:
        """Whose page it is."""
        return _host(self.page)


def ways_out(settings: Settings, store: Store, slug: str) -> WaysOut:
    """Return how the newsletter with this slug can be left, as its newest mails say."""
    found = store.unsubscribing(slug)
    if found is None:
        return WaysOut()
    return WaysOut(
        one_click=_one_click(found, settings),
        page=next((one for one in found.addresses if one.lower().startswith(("https:", "http:"))), None),
        mail=next((one for one in found.addresses if one.lower().startswith("mailto:")), None),
    )


def unsubscribe(settings: Settings, store: Store, slug: str) -> str:
    """Leave the newsletter with this slug; returns the host that said yes. Raises NotUnsubscribed."""
    ways = ways_out(settings, store, slug)
    if ways == WaysOut():
        raise NotUnsubscribed("its mails do not say how to unsubscribe.", "Look for a link in their last lines.")
    if ways.one_click is None:
        raise NotUnsubscribed("its mails offer no one-click way.", _by_hand(ways))
    try:
        answer = Fetcher(guard_of(settings)).get(
            ways.one_click, Clock.of(), wants=lambda media_type: False, form=ONE_CLICK
        )
    except ResolveError as failure:
        raise NotUnsubscribed(failure.detail, _by_hand(ways)) from failure
    if not 200 <= answer.status < 300:  # redirects too: RFC 8058 section 3.1 forbids them
        raise NotUnsubscribed(f"{ways.one_click_host} answered with status {answer.status}.", _by_hand(ways))
    return ways.one_click_host


def _by_hand(ways: WaysOut) -> str:
    """What a person can do instead."""
    if ways.page is not None:
        return f"Open this in a browser: {ways.page}"
    if ways.mail is not None:
        return f"Send an empty mail to {ways.mail[7:]}"
    return "Look for a link in the last lines of an issue."


def _one_click(found: Unsubscribing, settings: Settings) -> str | None:
    return next((one for one in found.addresses if found.one_click and _may_be_posted_to(one, settings)), None)


def _host(address: str | None) -> str:
    try:
        return urlsplit(address or "").hostname or ""
    except ValueError:
        return ""


def _may_be_posted_to(address: str, settings: Settings) -> bool:
    """RFC 8058 wants https; plain http is for the tests, which name the port."""
    try:
        scheme, port = urlsplit(address).scheme, urlsplit(address).port
    except ValueError:
        return False
    return scheme == "https" or (scheme == "http" and port in settings.resolve_loopback_ports)
