"""Over HTTP, on request: where an opaque click-tracker leads, and pictures for readers who shall not load them themselves."""

from feedsvc.resolve.ahead import Ahead
from feedsvc.resolve.fetch import Fetcher
from feedsvc.resolve.follow import Follower, Hidden
from feedsvc.resolve.pictures import PictureCache
from feedsvc.resolve.tracker import resolve_link

__all__ = ["Ahead", "Fetcher", "Follower", "Hidden", "PictureCache", "resolve_link"]
