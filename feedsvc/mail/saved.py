"""Saved bodies: a newsletter that somebody kept as `.html`, `.txt` or `.md`, without its headers.

What the headers would say is taken from the strongest evidence at hand: a block of `name: value` lines between two
`---` (front matter), a first line `# Title 03-09-2024`, `<title>`, and last the file's name.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import datetime

from feedsvc.mail.clean import clean_line
from feedsvc.mail.dates import find_date, is_plausible, parse_date
from feedsvc.mail.headers import Mailbox, first_mailbox
from feedsvc.mail.identity import slug, stable_address
from feedsvc.model import Newsletter, Problem

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n((?:[A-Za-z][\w-]*[ \t]*:[^\n]*\n|[ \t]+[^\n]*\n|\n){1,60}?)---[ \t]*\n")
_FIELD = re.compile(r"^([A-Za-z][\w-]*)[ \t]*:[ \t]*(.*)$", re.M)
_ATX_TITLE = re.compile(r"\s*#[ \t]+(\S[^\n]{0,300}?)[ \t#]*(?:\n|$)")
_BOLD_FIELD = re.compile(r"\s*\*\*(From|Date|Source|Subject|To):\*\*[ \t]*([^\n]*)(?:\n|$)", re.I)
_RULE = re.compile(r"\s*-{3,}[ \t]*\n")
_ADDRESS_OF_LINK = re.compile(r"https?://[^\s)\]>\"']+")
_HTML_TITLE = re.compile(r"<title[^>]{0,200}>([^<]{1,500})</title", re.I)
_SITE_NAME = re.compile(
    r"<meta[^>]{0,200}?property=[\"']og:site_name[\"'][^>]{0,200}?content=[\"']([^\"'<>]{1,200})[\"']", re.I
)
_SAVER_WORD = re.compile(r"^(?:Articles|Newsletter|Issue)\s+(?=\S)", re.I)
_WORDS = re.compile(r"[^\W_]")  # a first line of signs only is a rule
_SUFFIXES = (".html", ".htm", ".txt", ".md", ".markdown", ".text", ".eml", ".mail", ".msg")


@dataclass(frozen=True, slots=True)
class SavedBody:
    """What a saved body says of itself, and the body without that."""

    newsletter: Newsletter
    subject: str
    sent: datetime
    body: str
    web_url: str | None
    problems: tuple[Problem, ...]


# An issue's number at the end of a title, with or without the issue's own words behind it: the newsletter's name stands before it.
_ISSUE_NUMBER = re.compile(
    r"(?<=\w)\s*[-–—|:,(]?\s*(?:#\s?|\b(?:no\.?|nr\.?|issue|edition|ausgabe|vol\.?|n°)\s?#?)\d{1,5}\b.*$", re.I
)


def read_saved(body: str, *, is_html: bool, received: datetime, filename: str | None) -> SavedBody:
    """Read title, newsletter and date of a saved body; `body` is clean text."""
    fields: dict[str, str] = {}
    title = ""
    if is_html:
        found = _HTML_TITLE.search(body[:100_000])
        title = clean_line(html.unescape(found[1])) if found else ""
    else:
        title, fields, body = _take_head(body)
    stem = file_stem(filename)
    sent, problems = _sent(fields, title, stem, received)
    sender = first_mailbox(fields.get("from", "")) or Mailbox("", "")
    name = clean_line(fields.get("newsletter_name") or sender.name or fields.get("newsletter") or "")
    if not name:
        site = _SITE_NAME.search(body[:100_000]) if is_html else None
        name = clean_line(html.unescape(site[1])) if site else _name_from(title, stem)
    address = stable_address(sender.address)
    newsletter = Newsletter(key=address or slug(name), name=name, slug=slug(name), address=address)
    subject = clean_line(fields.get("subject") or title) or _first_line(body, is_html) or stem or name
    source = _ADDRESS_OF_LINK.search(fields.get("source_url") or fields.get("source") or fields.get("url") or "")
    return SavedBody(newsletter, subject, sent, body, source[0] if source else None, problems)


def _take_head(body: str) -> tuple[str, dict[str, str], str]:
    """Return the title and fields at the head of a text (front matter, `# Title`, `**From:**` lines), and the rest."""
    fields: dict[str, str] = {}
    at = 0
    if front := _FRONT_MATTER.match(body):
        for name, value in _FIELD.findall(front[1]):
            fields.setdefault(name.lower(), value.strip().strip("\"'"))
        at = front.end()
    title = ""
    if heading := _ATX_TITLE.match(body, at):
        title = clean_line(heading[1])
        at = heading.end()
        bold = False
        while line := _BOLD_FIELD.match(body, at):
            fields.setdefault(line[1].lower(), line[2].strip())
            at = line.end()
            bold = True
        if bold and (rule := _RULE.match(body, at)):
            at = rule.end()
    return title, fields, body[at:].lstrip("\n") if at else body


def _sent(fields: dict[str, str], title: str, stem: str, received: datetime) -> tuple[datetime, tuple[Problem, ...]]:
    declared = parse_date(fields.get("date", ""))
    if declared is not None and is_plausible(declared, received):
        return declared, ()
    for where, words in (("title", title), ("file name", stem)):
        found = find_date(words)
        if found is not None and is_plausible(found[0], received):
            return found[0], (Problem("date-from-" + where.replace(" ", "-"), f"The date is the one in the {where}."),)
    return received, (Problem("date-from-arrival", "The date is the moment at which the message came in."),)


def _name_from(title: str, stem: str) -> str:
    """Return the newsletter's name: what a date leaves of the title, else of the file name, else the whole title."""
    title = _ISSUE_NUMBER.sub("", title).strip() or title
    dated = find_date(title)
    if dated is not None and dated[1]:
        return _SAVER_WORD.sub("", dated[1])
    dated = find_date(stem)
    if dated is not None and dated[1]:
        return _words_of(dated[1])
    return _SAVER_WORD.sub("", title) or _words_of(stem) or "Saved newsletter"


def file_stem(filename: str | None) -> str:
    """Return a file's name without folder and known suffixes."""
    if not filename:
        return ""
    stem = clean_line(filename.replace("\\", "/").rpartition("/")[2])
    while stem.lower().endswith(_SUFFIXES):
        stem = stem[: stem.rfind(".")]
    return stem


def _words_of(stem: str) -> str:
    words = re.sub(r"[-_\s]+", " ", stem).strip()
    return words.title() if words.islower() else words


def _first_line(body: str, is_html: bool) -> str:
    if is_html:
        return ""
    line = next((line.strip() for line in body[:5_000].split("\n") if _WORDS.search(line)), "")
    return clean_line(line) if len(line) <= 120 else ""
