"""What stands in every issue of a newsletter: learnt from the fingerprints that the store keeps of each issue's lines."""

from __future__ import annotations

from sqlalchemy import Connection, select

from feedsvc.store.schema import issues, newsletters

MIN_ISSUES = 3  # from which on repetition means something
MAX_ISSUES = 6  # the newest: a newsletter may change its footer


def repeated_lines(connection: Connection, newsletter_key: str, *, but: str = "") -> frozenset[str]:
    """Fingerprints that each of the newsletter's newest issues has; none where there are fewer than MIN_ISSUES.

    `but` is the key of an issue that does not count: the one that is being converted again.
    """
    rows = connection.execute(
        select(issues.c.fingerprints)
        .join(newsletters, issues.c.newsletter_id == newsletters.c.id)
        .where(newsletters.c.key == newsletter_key, issues.c.key != but, issues.c.fingerprints != "")
        .order_by(issues.c.sent.desc())
        .limit(MAX_ISSUES)
    ).scalars()
    sets = [frozenset(row.split()) for row in rows]
    return frozenset.intersection(*sets) if len(sets) >= MIN_ISSUES else frozenset()
