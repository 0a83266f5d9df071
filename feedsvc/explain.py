"""Shows how a message was read, block by block: what a report of a wrong split, and its mending, start from.

Every block stands in the table, in the order of the mail, so that nothing can be lost unseen. Colour only helps the eye: each role
is written out, and the columns are the same where the output is piped.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from feedsvc.model import Article, Issue, Reading

FIRST_CHARS = 44
STYLES: dict[str, str] = {
    "title": "bold green",
    "section": "bold blue",
    "sponsor": "magenta",
    "meta": "cyan",
    "furniture": "dim",
    "preheader": "dim",
    "unused": "yellow",
}
# What is said of a block whose role follows from where it stands.
PLAIN_REASONS: dict[str, str] = {
    "title": "opens an item",
    "text": "stands under the title above",
    "meta": "tells who, where or how long, within its item",
    "sponsor": "announces something paid for",
    "section": "stands over items",
    "furniture": "housekeeping",
    "preheader": "hidden text at the head of the mail",
    "unused": "belongs to no article; it is on the issue's page",
}


def explain(issue: Issue, console: Console) -> None:
    """Print the head line, every block with its role, its article (counted from 1) and the reason, and the articles."""
    _print_head(issue, console)
    console.print(_blocks(issue))
    _print_articles(issue, console)


def source(issue: Issue) -> Literal["html", "text"]:
    """The part of the message that the issue was read from: only markup has tags."""
    return "html" if any(reading.block.tags for reading in issue.readings) else "text"


def _print_head(issue: Issue, console: Console) -> None:
    console.print(Text(f"{issue.newsletter.name}: {issue.subject}", style="bold"))
    roles = Counter(reading.role for reading in issue.readings)
    counted = ", ".join(f"{count} {role}" for role, count in roles.most_common())
    facts = [
        f"read from: {source(issue)} part, {_counted(len(issue.readings), 'block')}"
        + (f" ({counted})" if counted else ""),
        f"articles:  {len(issue.articles)}" + (", the whole mail" if _is_whole(issue) else ""),
        f"links:     {issue.links.assigned} of {issue.links.found} in an article",
        f"web page:  {issue.web_url or 'none found'}",
        f"problems:  {'none' if not issue.problems else ''}",
    ]
    for fact in facts:
        console.print(Text(fact.rstrip()))
    for problem in issue.problems:
        lost = " (something is lost)" if problem.lost else ""
        console.print(Text(f"  {problem.code}: {problem.detail}{lost}", style="red" if problem.lost else ""))


def _is_whole(issue: Issue) -> bool:
    """Whether the issue is one entry that holds the mail's text as a whole, without items in it."""
    return len(issue.articles) == 1 and all(reading.article is None for reading in issue.readings)


def _blocks(issue: Issue) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("Block", "Role", "Article"):
        table.add_column(column, no_wrap=True)
    table.add_column("First words", overflow="fold", min_width=FIRST_CHARS)
    table.add_column("Why", overflow="fold")
    whole = _is_whole(issue)
    is_message = issue.articles[0].kind == "message"
    for number, reading in enumerate(issue.readings, 1):
        inside = whole and (is_message or reading.role not in ("furniture", "preheader"))
        role = "text" if inside and reading.role == "unused" else reading.role
        article = 1 if inside else None if reading.article is None else reading.article + 1
        reason = reading.reason or ("is part of the whole text" if inside else PLAIN_REASONS[role])
        if role == "title" and article is None:
            reason += "; no article"
        style = STYLES.get(role, "")
        words = Text(_first_words(reading), style=style)
        table.add_row(str(number), Text(role, style=style), str(article or ""), words, Text(reason))
    return table


def _first_words(reading: Reading) -> str:
    """The beginning of a block on one line, with what kind of block it is where that is not a paragraph."""
    block = reading.block
    text = " ".join(block.text.split())
    if not text and block.images:
        text = f"[{block.images[0].alt or 'no alternative text'}]"
    mark = "" if block.kind == "paragraph" else f"<{block.kind}> "
    room = FIRST_CHARS - len(mark)
    return mark + (text if len(text) <= room else f"{text[: room - 1].rstrip()}…")


def _print_articles(issue: Issue, console: Console) -> None:
    """Each article with its title on one line and its facts on the next; links are not broken, so that they can be copied."""
    for number, article in enumerate(issue.articles, 1):
        title = Text(f"{number:>3}  {article.kind:<8} ").append(article.title, style="bold")
        if article.title_repaired:
            title.append(" (letter case repaired)")
        facts = [_minutes(article), article.section, article.label, _link(article)]
        console.print(title, soft_wrap=True)
        console.print(Text(" " * 14 + " · ".join(fact for fact in facts if fact)), soft_wrap=True)


def _minutes(article: Article) -> str:
    if article.read_minutes is None:
        return ""
    return f"{'~' if article.read_source == 'estimated' else ''}{article.read_minutes} min"


def _link(article: Article) -> str:
    if article.url is None:
        return "no link"
    return f"{article.url} (click-tracker)" if article.url_state == "tracked" else article.url


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
