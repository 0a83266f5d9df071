"""Stores filled from whole folders of messages, and what a reader must find in each of their feeds.

What must be found is worked out here a second time, from the bare tables and without any of the code that answers: the
narrowing, the order, the one entry for a link that several newsletters have, the titles, links and dates.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

# A mail's own page, with an address for each subscriber: it is never published, and the entry leads to `/go/`.
_ONE_FOR_EACH = re.compile(r"/email/[0-9a-f]{16,}\Z")
_TABLES = """
    SELECT articles.*, issues.uid AS issue_uid, issues.subject, newsletters.slug, newsletters.name
    FROM articles JOIN issues ON issues.id = articles.issue_id JOIN newsletters ON newsletters.id = articles.newsletter_id
    ORDER BY articles.published DESC, articles.issue_id DESC, articles.position
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as every reader shows it; `date` is in seconds since 1970. `title` has one space between its words."""

    title: str
    link: str
    date: int


class Shelf:
    """A store's tables as they are, asked in plain Python."""

    def __init__(self, database: Path, base: str, limit: int) -> None:
        connection = sqlite3.connect(database)
        connection.row_factory = sqlite3.Row
        self._rows = connection.execute(_TABLES).fetchall()
        connection.close()
        self._base = base
        self._limit = limit

    def addresses(self) -> Iterator[str]:
        """The path and query of feeds of every kind, without the extension's letters: `/feed.{}?limit=7`."""
        yield "/feed.{}"
        yield "/feed.{}?kinds=article,sponsor,job,message"
        yield "/feed.{}?group=issue"
        yield "/feed.{}?limit=7"
        yield "/feed.{}?min_minutes=2&max_minutes=6"
        yield "/feed.{}?q=new"
        yield "/feed.{}?kinds=sponsor,job"
        for name in ("section", "label"):
            yield f"/feed.{{}}?{name}={self._most_common(name)}"
        yield from (f"/newsletters/{slug}/feed.{{}}" for slug in self.newsletters())

    def newsletters(self) -> list[str]:
        """The slugs of all newsletters."""
        return sorted({row["slug"] for row in self._rows})

    def _most_common(self, column: str) -> str:
        found = [row[column] for row in self._rows if row[column] and row["kind"] == "article"]
        plain = [name for name in found if re.fullmatch(r"[\w ]+", name, re.ASCII)]
        return str(max(sorted(set(plain)), key=plain.count)).replace(" ", "%20")

    def lines(self, path: str) -> list[Line]:
        """The entries of the feed at this path, newest first."""
        parts = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        slug = parts.path.split("/")[2] if parts.path.startswith("/newsletters/") else None
        rows = [row for row in self._rows if self._fits(row, asked, slug)]
        limit = int(asked.get("limit", self._limit))
        if asked.get("group") == "issue":
            issues = {row["issue_uid"]: row for row in reversed(rows)}
            newest = sorted(issues.values(), key=lambda row: (row["published"], row["issue_id"]), reverse=True)
            return [
                Line(_one_line(row["subject"]), f"{self._base}/issues/{row['issue_uid']}", _seconds(row))
                for row in newest[:limit]
            ]
        if slug is None:
            rows = [row for row in rows if not self._is_copy(row, rows)]
        return [
            Line(_one_line(row["title"]) or _one_line(row["summary"])[:100], self._link(row), _seconds(row))
            for row in rows[:limit]
        ]

    @staticmethod
    def _fits(row: sqlite3.Row, asked: dict[str, str], slug: str | None) -> bool:
        text = " ".join(
            str(row[name] or "") for name in ("title", "summary", "content_html", "section", "label", "author")
        )
        return (
            row["kind"] in asked.get("kinds", "article,message").split(",")
            and slug in (None, row["slug"])
            and all(asked.get(name, row[name]) == row[name] for name in ("section", "label"))
            and ("min_minutes" not in asked or int(asked["min_minutes"]) <= (row["read_minutes"] or 0))
            and ("max_minutes" not in asked or 1 <= (row["read_minutes"] or 0) <= int(asked["max_minutes"]))
            and ("q" not in asked or asked["q"] in re.findall(r"[^\W_]+", re.sub(r"<[^<>]*>", " ", text).lower()))
        )

    @staticmethod
    def _is_copy(row: sqlite3.Row, rows: list[sqlite3.Row]) -> bool:
        return row["url_state"] == "canonical" and any(
            other["url"] == row["url"]
            and other["url_state"] == "canonical"
            and other["id"] < row["id"]
            and other["slug"] != row["slug"]
            for other in rows
        )

    def _link(self, row: sqlite3.Row) -> str:
        if row["url_state"] == "canonical" and not _ONE_FOR_EACH.search(row["url"]):
            return str(row["url"])
        if row["url"]:
            return f"{self._base}/go/{row['uid'].removeprefix('urn:uuid:')}"
        return f"{self._base}/issues/{row['issue_uid']}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _seconds(row: sqlite3.Row) -> int:
    return int(datetime.fromisoformat(row["published"]).replace(tzinfo=UTC).timestamp())
