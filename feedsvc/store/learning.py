"""What stands in every issue of a newsletter: learnt from the fingerprints that the store keeps of each issue's lines."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from feedsvc.store.schema import issues, newsletters

MIN_ISSUES = 3  # from which on repetition means something
MAX_ISSUES = 6  # the newest: a newsletter may change its footer

# One more than count, for one of them may be the issue at hand.
_NEWEST = (
    select(issues.c.key, issues.c.fingerprints)
    .join(newsletters, issues.c.newsletter_id == newsletters.c.id)
    .where(newsletters.c.key == bindparam("newsletter_key"), issues.c.fingerprints != "")
    .order_by(issues.c.sent.desc(), issues.c.id.desc())
    .limit(MAX_ISSUES + 1)
)


class Printed(NamedTuple):
    """What an issue printed: its key, and the fingerprints of its lines."""

    key: str
    fingerprints: frozenset[str]


def newest_printed(connection: Connection, newsletter_key: str) -> tuple[Printed, ...]:
    """What the newsletter's newest issues printed, newest first: as many as `repeated_lines` needs."""
    rows = connection.execute(_NEWEST, {"newsletter_key": newsletter_key})
    return tuple(Printed(key, frozenset(fingerprints.split())) for key, fingerprints in rows)


def repeated_lines(newest: tuple[Printed, ...], *, but: str = "") -> frozenset[str]:
    """Fingerprints that each of the newest issues has; none where there are fewer than MIN_ISSUES.

    `but` is the key of an issue that does not count: the one that is being converted again.
    """
    sets = [issue.fingerprints for issue in newest if issue.key != but][:MAX_ISSUES]
    return frozenset.intersection(*sets) if len(sets) >= MIN_ISSUES else frozenset()
