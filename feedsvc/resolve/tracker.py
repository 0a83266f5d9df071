"""Where a click-tracker leads: its redirects followed, and the address that the page there names as its own."""

from __future__ import annotations

from typing import Final

from feedsvc.errors import ResolveError
from feedsvc.links import canonical, is_tracker, unwrap
from feedsvc.publish import gate
from feedsvc.resolve.fetch import MAX_BYTES, Answer, Clock, Fetcher
from feedsvc.resolve.page import Page
from feedsvc.store import Found

MAX_REDIRECTS: Final = 5
_HEAD_BYTES = 131_072
# What may befall the page at the end without leaving in doubt where the tracker leads.
_STILL_KNOWN = frozenset(("timeout", "connection", "tls"))


def resolve_link(
    link: str, fetcher: Fetcher, *, recipients: frozenset[str] = gate.NOBODY, measure: bool = False
) -> Found:
    """Return where a click-tracker leads, asking for it and for at most five addresses after it (meta refresh included).

    What a link carries within itself is not asked for. With `measure`, the time to read the page is found too. Raises
    ResolveError; its `final` says that asking again is no use.
    """
    clock = Clock.of()
    url = _unwrapped(link)
    seen = {url}
    for hop in range(MAX_REDIRECTS + 1):
        try:
            answer = fetcher.get(url, clock, max_bytes=MAX_BYTES if measure else _HEAD_BYTES)
        except ResolveError as failure:
            if failure.code in _STILL_KNOWN and hop and not is_tracker(url):
                return _found(url, recipients)
            raise
        page = Page(answer.url, answer.body, answer.charset) if answer.body else None
        onward = answer.location
        if onward is None and page is not None and answer.status < 400:
            onward = page.refresh(also_without_script=is_tracker(url))
        if onward is None:
            return _arrived(answer, page, recipients, measure)
        url = _unwrapped(onward)
        if url in seen:
            raise ResolveError("It leads back to itself.", code="loop", final=True)
        seen.add(url)
    raise ResolveError(f"It leads on more than {MAX_REDIRECTS} times.", code="redirects", final=True)


def _unwrapped(url: str) -> str:
    """What an address carries, where it is a wrapper: there is no need to ask."""
    target = canonical(url)
    if target.state == "canonical" and unwrap(url) is not None and target.url:
        return target.url
    return url


def _arrived(answer: Answer, page: Page | None, recipients: frozenset[str], measure: bool) -> Found:
    if is_tracker(answer.url):
        gone = answer.status in (404, 410)
        said = f"It answers {answer.status}" if answer.status >= 400 else "It does not lead on"
        raise ResolveError(f"{said}.", code="status", final=gone or answer.status < 400)
    if page is None or answer.status != 200:
        return _found(answer.url, recipients)
    minutes = page.minutes() if measure else None
    named = page.canonical()
    if named is not None:
        target = canonical(named, recipients)
        if target.state == "canonical" and target.url and gate.link(target.url, recipients) is not None:
            return Found(target.url, minutes)
    return _found(answer.url, recipients, minutes)


def _found(url: str, recipients: frozenset[str], minutes: int | None = None) -> Found:
    target = canonical(url, recipients)
    if target.url is None or target.state != "canonical":
        raise ResolveError("It leads to another click-tracker.", code="tracker", final=True)
    if gate.link(target.url, recipients) is None:
        raise ResolveError("It leads to a page that is the reader's own.", code="personal", final=True)
    return Found(target.url, minutes)
