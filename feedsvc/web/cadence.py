"""How often a newsletter comes: a small plot of its weeks, and the same in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from feedsvc.web.language import gettext as _
from feedsvc.web.language import ngettext

HEIGHT: Final = 24
STEP: Final = 4
_LOWEST: Final = 3
_WEEKS_A_MONTH: Final = 52 / 12


def bars(weeks: Sequence[int]) -> str:
    """Return the path of an SVG with an upright line for each week that had any issue, in the middle of its `STEP`.

    The week that had most is as high as the plot, `HEIGHT`.
    """
    most = max(weeks, default=0)
    return "".join(
        f"M{number * STEP + STEP // 2} {HEIGHT}v-{max(_LOWEST, round(count / most * HEIGHT))}"
        for number, count in enumerate(weeks)
        if count
    )


def in_words(weeks: Sequence[int]) -> str:
    """Return how often it comes, in words: "about 3 a week", since it first came in these weeks."""
    first = next((number for number, count in enumerate(weeks) if count), None)
    if first is None:
        return _("quiet for half a year")
    total, since = sum(weeks), len(weeks) - first
    if total == 1:
        return _("one in half a year") if since > _WEEKS_A_MONTH else _("one issue so far")
    a_week = total / since
    if a_week >= 0.8:
        count = round(a_week)
        return ngettext("about one a week", "about %(num)s a week", count) % {"num": count}
    count = max(1, round(a_week * _WEEKS_A_MONTH))
    return ngettext("about one a month", "about %(num)s a month", count) % {"num": count}
