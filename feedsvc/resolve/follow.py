"""What happens when somebody follows `/go/...`: the target is known, or found out, or the person is asked."""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from feedsvc.config import RESOLVE_MODES, ResolveMode, Settings
from feedsvc.errors import ResolveError
from feedsvc.links import canonical, is_personal
from feedsvc.model import StoredArticle
from feedsvc.publish import gate
from feedsvc.resolve.fetch import Fetcher
from feedsvc.resolve.guard import Guard
from feedsvc.resolve.tracker import resolve_link
from feedsvc.store import Found, Store

logger = logging.getLogger(__name__)

# So many at once: each takes a thread of the server for up to ten seconds.
_AT_ONCE: Final = 3
_FORGET_FAILURE_S: Final = 60.0
_MAX_FAILURES: Final = 500


@dataclass(frozen=True, slots=True)
class Hidden:
    """A link that is not followed for the person: `url` as it stands in the message, and why, in a sentence."""

    url: str
    reason: str


def guard_of(settings: Settings) -> Guard:
    """Return the guard that these settings ask for."""
    return Guard(loopback_ports=frozenset(settings.resolve_loopback_ports))


class Follower:
    """Finds targets for those who click. Safe for threads."""

    def __init__(self, settings: Settings, store: Store, fetcher: Fetcher | None = None) -> None:
        self._settings = settings
        self._store = store
        self._fetcher = fetcher or Fetcher(guard_of(settings))
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}
        self._failed: OrderedDict[str, tuple[float, ResolveError]] = OrderedDict()

    def target(self, stored: StoredArticle, number: int | None = None) -> str | Hidden | None:
        """Return where an article's link leads, or the `number`-th hidden link of its text; Hidden where it is for the
        person to decide; None where there is no such link.
        """
        article = stored.article
        if number is None:
            raw = article.url
        else:
            raw = article.go_links[number] if number < len(article.go_links) else None
        address = gate.redirect_target(raw)
        if raw is None or address is None:
            return None
        known = canonical(raw, stored.recipients)
        if known.state == "canonical" and (clean := gate.link(known.url, stored.recipients)) is not None:
            return clean
        if is_personal(address) or known.state == "canonical":
            return Hidden(address, "This link is your own: whoever opens it acts in your name, or is known as you.")
        found = self._store.target(raw)
        if found is not None and (clean := gate.link(found.url, stored.recipients)) is not None:
            return clean
        if resolve_mode(self._settings, stored.newsletter.slug, self._store.resolve_modes()) == "never":
            return Hidden(address, "feedsvc was told not to look up where the links of this newsletter lead.")
        try:
            return self._find(stored, raw)
        except ResolveError as failure:
            return Hidden(address, f"Where this link leads could not be found out. {failure.detail}")

    def _find(self, stored: StoredArticle, link: str) -> str:
        with self._lock:
            failed = self._failed.get(link)
            if failed is not None and time.monotonic() - failed[0] < _FORGET_FAILURE_S:
                raise failed[1]
            asking = self._asking.setdefault(link, threading.Lock())
        with asking:  # whoever clicks twice asks once
            try:
                found = self._store.target(link)
                if found is None:
                    found = self._ask(stored, link)
            finally:
                with self._lock:
                    self._asking.pop(link, None)
        return found.url

    def _ask(self, stored: StoredArticle, link: str) -> Found:
        if not self._free.acquire(blocking=False):
            raise ResolveError("Too many links are being looked up; try again in a moment.", code="busy")
        try:
            found = resolve_link(
                link, self._fetcher, recipients=stored.recipients, measure=self._settings.measure_read_time
            )
        except ResolveError as failure:
            with self._lock:
                self._failed[link] = (time.monotonic(), failure)
                while len(self._failed) > _MAX_FAILURES:
                    self._failed.popitem(last=False)
            logger.info("a link of %s could not be resolved: %s", stored.newsletter.name, failure.detail)
            raise
        finally:
            self._free.release()
        self._store.record_target(stored.article.id, link, found)
        return found


def resolve_mode(settings: Settings, slug: str, chosen: Mapping[str, str]) -> ResolveMode:
    """Return how the links of the newsletter with this slug are looked up.

    `chosen` are the modes that a person chose on the pages (`Store.resolve_modes`): they go before the settings.
    """
    if (mode := chosen.get(slug)) in RESOLVE_MODES:
        return mode
    own = settings.newsletters.get(slug)
    return own.resolve if own is not None and own.resolve is not None else settings.resolve
