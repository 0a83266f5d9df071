"""Over HTTP, on request: where an opaque click-tracker leads, and pictures for readers who shall not load them themselves."""

from feedsvc.resolve.ahead import Ahead
from feedsvc.resolve.fetch import Fetcher
from feedsvc.resolve.follow import Follower, Hidden, guard_of
from feedsvc.resolve.pictures import PictureCache
from feedsvc.resolve.tracker import resolve_link

__all__ = ["Ahead", "Fetcher", "Follower", "Hidden", "PictureCache", "guard_of", "resolve_link"]
