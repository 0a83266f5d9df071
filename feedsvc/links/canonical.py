"""The article's own address, as far as it can be known without a request."""

from __future__ import annotations

from dataclasses import dataclass

from feedsvc.links.mend import mend
from feedsvc.links.parameters import without_tracking
from feedsvc.links.recipients import recipients_of
from feedsvc.links.trackers import is_short_link, is_tracker_parts
from feedsvc.links.wrappers import MAX_DEPTH, chain
from feedsvc.model import UrlState


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads. `url` and `state` are None together; `problem` says why a link was given up.

    `state` is "canonical" where `url` is the article's own address, "tracked" where it is an opaque click-tracker, as it stands.
    """

    url: str | None
    state: UrlState | None
    problem: str | None = None


_NOTHING = Target(None, None)


def canonical(href: str, recipients: frozenset[str] = frozenset()) -> Target:
    """The canonical form of a link: unwrapped, without tracking and subscriber parameters, normalised (WHATWG URL).

    `href` is the link as it stands in the message; `recipients` the addresses that the message was sent to. What holds
    its target is unwrapped, at most 6 deep. Never raises; `canonical(canonical(x).url)` is `canonical(x)`.
    """
    outer, problem = mend(href)
    if outer is None:
        return Target(None, None, problem) if problem else _NOTHING
    steps = chain(outer)
    if not steps:
        return Target(None, None, "the link cannot be read as an address")
    if len(steps) > MAX_DEPTH + 1:
        return Target(outer, "tracked", f"the link is wrapped more than {MAX_DEPTH} times")
    url, parts = steps[-1]
    finder = recipients_of(recipients)
    if is_tracker_parts(parts):
        # A short link leads to the same page without what the sender put behind it; a tracker is left as it stands.
        return Target(without_tracking(parts, finder).url if is_short_link(parts) else url, "tracked")
    return Target(without_tracking(parts, finder).url, "canonical")
