"""Trackers resolved before anybody clicks, for those who want it so: in the background, slowly, and not for ever."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from feedsvc.config import Settings
from feedsvc.errors import ResolveError, StoreError
from feedsvc.model import StoredArticle
from feedsvc.resolve.fetch import Fetcher
from feedsvc.resolve.follow import guard_of, resolve_mode
from feedsvc.resolve.tracker import resolve_link
from feedsvc.store import Attempts, Store

logger = logging.getLogger(__name__)

BACK_OFF: Final = tuple(timedelta(minutes=minutes) for minutes in (1, 10, 60, 360))
PACE_S: Final = 1.0
LOOK_S: Final = 5.0
_AT_A_TIME: Final = 50
_MAX_HOSTS: Final = 2_000


class Pace:
    """Makes each wait who would ask a host sooner than a second after the last request to it."""

    def __init__(self, seconds: float, wait: Callable[[float], object] = time.sleep) -> None:
        self._seconds = seconds
        self._wait = wait
        self._next: dict[str, float] = {}

    def __call__(self, host: str) -> float:
        """Wait until this host may be asked again, and return for how long that was."""
        now = time.monotonic()
        wait = max(0.0, self._next.get(host, now) - now)
        if len(self._next) >= _MAX_HOSTS:
            self._next = {name: until for name, until in self._next.items() if until > now}
        self._next[host] = now + wait + self._seconds
        if wait:
            self._wait(wait)
        return wait


class Ahead:
    """Resolves the links of articles in a thread of its own until it is stopped, of those newsletters that want it.

    Which those are may change on the way: a person chooses it on a newsletter's page.
    """

    def __init__(self, settings: Settings, store: Store, *, pace_s: float = PACE_S, look_s: float = LOOK_S) -> None:
        self._store = store
        self._measure = settings.measure_read_time
        self._look_s = look_s
        self._stopping = threading.Event()
        self._fetcher = Fetcher(guard_of(settings), pace=Pace(pace_s, self._stopping.wait))
        self._settings = settings
        self._thread = threading.Thread(target=self._run, name="feedsvc-resolve", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the request that is under way. May be called twice."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                due = self._due()
                for stored in due:
                    if self._stopping.is_set():
                        return
                    self._try(stored)
            except StoreError as failure:
                logger.warning("links wait to be resolved: %s", failure.detail)
                due = ()
            except Exception:
                logger.exception("links wait to be resolved")
                due = ()
            if not due:
                self._stopping.wait(self._look_s)

    def _due(self) -> tuple[StoredArticle, ...]:
        settings, chosen = self._settings, self._store.resolve_modes()
        modes = {slug: resolve_mode(settings, slug, chosen) for slug in {*settings.newsletters, *chosen}}
        ahead = frozenset(slug for slug, mode in modes.items() if mode == "ahead")
        now = datetime.now(UTC)
        if settings.resolve == "ahead":
            return self._store.due_articles(now, _AT_A_TIME, without=frozenset(modes) - ahead)
        return self._store.due_articles(now, _AT_A_TIME, only=ahead) if ahead else ()

    def _try(self, stored: StoredArticle) -> None:
        article = stored.article
        assert article.url is not None
        try:
            found = resolve_link(article.url, self._fetcher, recipients=stored.recipients, measure=self._measure)
        except ResolveError as failure:
            before = self._store.attempts(article.id)
            tries = (before.count if before else 0) + 1
            again = None if failure.final or tries > len(BACK_OFF) else datetime.now(UTC) + BACK_OFF[tries - 1]
            self._store.record_attempt(article.id, Attempts(tries, again, failure.detail))
        except Exception as error:
            logger.exception("the link of %s could not be resolved", article.id)
            self._store.record_attempt(article.id, Attempts(1, None, type(error).__name__))
        else:
            self._store.record_target(article.id, article.url, found)
