"""An issue as one entry, with its articles as a table of contents: for those who want one entry a mail."""

from __future__ import annotations

import html
from itertools import groupby
from typing import Final
from urllib.parse import quote

from feedsvc.publish.entry import Category, Entry, read_time

_KIND = Category("issue", "urn:x-feedsvc:kind", "Issue")
_SUMMARY_TITLES: Final = 5


def contents_entry(subject: str, issue_id: str, entries: tuple[Entry, ...]) -> Entry:
    """Return the entry that stands for these entries, which are those of one issue in its order, one at least.

    `subject` is clean, and may be empty. Its id is the issue's own, its link the issue's page.
    """
    first = entries[0]
    minutes = sum(entry.read_minutes or 0 for entry in entries)
    count = f"{len(entries)} article{'' if len(entries) == 1 else 's'}"
    titles = [entry.title for entry in entries]
    more = len(titles) - _SUMMARY_TITLES
    return Entry(
        id=f"urn:uuid:{quote(issue_id, safe='')}",
        title=subject or f"{first.author}, {first.published.day} {first.published:%B %Y}",
        link=first.via,
        via=None,
        published=first.published,
        updated=max(entry.updated for entry in entries),
        author=first.author,
        source=first.source,
        categories=(*(c for c in first.categories if c.scheme.endswith(":newsletter")), _KIND),
        lead=f"{count} · about {minutes} min" if minutes else count,
        summary="; ".join(titles[:_SUMMARY_TITLES]) + (f"; and {more} more" if more > 0 else ""),
        body_html="\n".join(_sections(entries)),
        kind="issue",
        read_minutes=minutes or None,
        read_source="estimated" if minutes else None,
        thumbnail=next((entry.thumbnail for entry in entries if entry.thumbnail), None),
        language=first.language,
        recipients=frozenset().union(*(entry.recipients for entry in entries)),
    )


def _sections(entries: tuple[Entry, ...]) -> list[str]:
    found = []
    for section, group in groupby(entries, key=lambda entry: entry.section):
        heading = f"<h3>{html.escape(section, quote=False)}</h3>\n" if section else ""
        found.append(f"{heading}<ul>\n" + "\n".join(_line(entry) for entry in group) + "\n</ul>")
    return found


def _line(entry: Entry) -> str:
    title = html.escape(entry.title, quote=False)
    if entry.link:
        title = f'<a href="{html.escape(entry.link)}" rel="noopener noreferrer">{title}</a>'
    beside = " · ".join(
        filter(None, (entry.kind if entry.kind in ("sponsor", "job") else "", _minutes(entry), entry.site))
    )
    summary = f"<br>{html.escape(entry.summary, quote=False)}" if entry.summary else ""
    return f"<li>{title}{html.escape(f' ({beside})', quote=False) if beside else ''}{summary}</li>"


def _minutes(entry: Entry) -> str:
    return read_time(entry.read_minutes, entry.read_source).removesuffix(" read")
