"""WebSub (w3.org/TR/websub): tell a hub that feeds have changed, so that it tells readers at once.

One thread looks at the store's revision, which costs next to nothing, and posts to the hub. What fails is tried again,
each time later; a newer change takes the place of an older one. Nothing here can hold up or harm anything else: the
hub's answers are only read for their status, and what goes wrong is a line in the log.
"""

from __future__ import annotations

import http.client
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from feedsvc import __version__
from feedsvc.config import Settings
from feedsvc.errors import StoreError
from feedsvc.publish import newsletter_path
from feedsvc.store import Store
from feedsvc.web.feeds import FORMATS

logger = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 2.0
TIMEOUT_S: Final = 10.0
# After these many seconds each; then the hub is given up until something new comes in.
RETRY_AFTER_S: Final = (5.0, 30.0, 120.0, 600.0, 3600.0)


class _NoRedirect(HTTPRedirectHandler):
    """A hub that sends us elsewhere is not where its owner said it was."""

    def redirect_request(self, *given: object) -> None:
        return None


class HubPinger:
    """Tells one hub of changes in one store, from a thread of its own."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        look_every_s: float = LOOK_EVERY_S,
        retry_after_s: tuple[float, ...] = RETRY_AFTER_S,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        assert settings.hub is not None
        self._hub = settings.hub
        self._base = settings.public_url
        self._store = store
        self._look_every_s = look_every_s
        self._retry_after_s = retry_after_s
        self._timeout_s = timeout_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._pending: dict[str, None] = {}
        self._failures = 0
        self._not_before = 0.0

    def start(self) -> None:
        """Begin: what is in the store by now is not told of."""
        self._revision, self._number = self._store.revision(), self._store.last_number()
        self._thread.start()

    def stop(self) -> None:
        """End; a request that is under way is left to itself."""
        self._stopping.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        while not self._stopping.wait(self._look_every_s):
            try:
                self._look()
                if self._pending and time.monotonic() >= self._not_before:
                    self._tell()
            except StoreError as failure:
                logger.warning("the hub is not told of changes: %s", failure.detail)
            except Exception:
                logger.exception("the hub is not told of changes")

    def _look(self) -> None:
        """Note which feeds have changed since the last look."""
        revision = self._store.revision()
        if revision == self._revision:
            return
        number = self._store.last_number()
        changed = self._store.newsletter_names(after=self._number) if number > self._number else ()
        self._revision, self._number = revision, number
        if not changed:
            return  # an article became another: readers find out when they ask
        folders = ["", *(newsletter_path(one.slug).rpartition("/")[0] for one in changed)]
        self._pending.update({f"{self._base}{folder}/feed.{form}": None for folder in folders for form in FORMATS})
        self._failures, self._not_before = 0, 0.0

    def _tell(self) -> None:
        for topic in list(self._pending):
            reason = self._post(topic)
            if reason is None:
                del self._pending[topic]
                continue
            if self._failures >= len(self._retry_after_s):
                logger.warning("the hub is given up until something new comes in: %s", reason)
                self._pending.clear()
            else:
                wait_s = self._retry_after_s[self._failures]
                logger.info("the hub did not take it, next try in %d seconds: %s", wait_s, reason)
                self._failures += 1
                self._not_before = time.monotonic() + wait_s
            return

    def _post(self, topic: str) -> str | None:
        """Publish one topic; returns why it failed, or None."""
        # `hub.url` is what hubs have read since PubSubHubbub 0.3, `hub.topic` what some ask for today.
        body = urlencode({"hub.mode": "publish", "hub.url": topic, "hub.topic": topic}).encode()
        request = Request(self._hub, body, {"User-Agent": f"feedsvc/{__version__}"}, method="POST")
        try:
            with build_opener(_NoRedirect).open(request, timeout=self._timeout_s):
                return None
        except HTTPError as refusal:
            refusal.close()
            return f"{urlsplit(self._hub).hostname} answered {refusal.code}"
        except (OSError, http.client.HTTPException, ValueError) as failure:
            return f"{urlsplit(self._hub).hostname}: {failure or type(failure).__name__}"


@contextmanager
def telling_the_hub(settings: Settings, store: Store) -> Iterator[None]:
    """Within, the hub, if one is set, hears of what comes in."""
    if settings.hub is None:
        yield
        return
    pinger = HubPinger(settings, store)
    pinger.start()
    try:
        yield
    finally:
        pinger.stop()
