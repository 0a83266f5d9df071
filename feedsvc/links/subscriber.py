"""Numbers by which a sender knows the reader, found by their repetition in the reader's own copy of a mail."""

from __future__ import annotations

import re
from collections import Counter

# Substack gives each reader a number in base 36 and puts it into nearly every link of a mail as `r=`; in a link that somebody shared, `r=` is
# the number of the one who shared it, and stands once or twice.
_SUBSTACK_READER = re.compile(r"[?&](?:amp;)?r=([0-9a-z]{1,8})(?=[&#\"'\s)\]>]|$)")
_MIN_LINKS = 3


def subscriber_tokens(body: str) -> frozenset[str]:
    """The numbers of the reader that a mail's body (HTML or text) repeats; empty where there is none."""
    if "substack" not in body:
        return frozenset()
    counted = Counter(_SUBSTACK_READER.findall(body))
    return frozenset(value for value, count in counted.items() if count >= _MIN_LINKS)
