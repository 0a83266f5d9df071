"""Links: click-trackers unwrapped, the canonical form, and which links are personal. Pure; the rules are data files."""

from __future__ import annotations

from feedsvc.links.canonical import Target, canonical
from feedsvc.links.personal import is_personal
from feedsvc.links.pixels import is_pixel
from feedsvc.links.purpose import link_purpose
from feedsvc.links.recipients import LONG_TOKEN, Recipients, recipients_of
from feedsvc.links.share import shared_address
from feedsvc.links.site import registrable_domain, site_name
from feedsvc.links.subscriber import subscriber_tokens
from feedsvc.links.trackers import is_tracker
from feedsvc.links.wrappers import unwrap

__all__ = [
    "LONG_TOKEN",
    "Recipients",
    "Target",
    "canonical",
    "is_personal",
    "is_pixel",
    "is_tracker",
    "link_purpose",
    "recipients_of",
    "registrable_domain",
    "shared_address",
    "site_name",
    "subscriber_tokens",
    "unwrap",
]
