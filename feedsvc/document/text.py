"""Plain text to the same blocks that HTML gives: paragraphs unwrapped, addresses turned back into links.

What senders write is the text form of an HTML mail, made by some program. What says nothing is taken off (leftovers.py), footnotes are
resolved (notes.py), wrapped lines joined (paragraphs.py), the words found that each address is the link of (runs.py), and what the text
marks as headings, or only their place does, made headings (here, contents.py, addresses.py).
A body written in Markdown goes through markdown-it and the HTML reader.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

from feedsvc.document.addresses import link_titles
from feedsvc.document.contents import listed_headings
from feedsvc.document.html import read_html
from feedsvc.document.leftovers import without_leftovers
from feedsvc.document.lines import MAX_BLOCKS, visible
from feedsvc.document.notes import resolve_notes, take_footnotes
from feedsvc.document.paragraphs import BULLET, RULE, STARRED_HEADING, unwrapped
from feedsvc.document.runs import MAX_TITLE_WORDS, read_runs
from feedsvc.model import Block, BlockKind, Document, Problem, Span

MAX_CHARS = 2_000_000
MARKDOWN_LINK = re.compile(r"\]\(\s*<?https?://")
MARKDOWN_HEADING = re.compile(r"^#{1,6} \S", re.M)
HASHED_HEADING = re.compile(r"(#{1,6}) +(?=[^\sa-zß-ÿ])")  # in small letters it is a comment in a program
MAX_HEADING_CHARS = 90
UNDERLINE_SLACK = 2
LIGHT_RULES = "-–—─━_~.·…"
# In Markdown made by a program: a line of words that ends in an address in parentheses.
ADDRESS_BEHIND = re.compile(r"^(?P<words>[^\[\]()\n]{3,200}?):? ?\((?P<address>https?://[^\s()]+)\)[ \t]*$", re.M)
MESSAGE_FIELD = re.compile(
    r"(?:Date|From|Subject|To|Cc|Reply-To|Message-ID|Sender|Title|Authors?|Categories|Comments|Journal-ref|Keywords): \S"
)
TITLE_FIELD = re.compile(r"(?:Subject|Title): ")
MIN_FIELDS = 2
MIN_MESSAGES = 2
# A line in bold, as mail programs write it, and the address of its link.
STRONG = re.compile(
    r"\*(?P<words>[^\s*][^*]{1,150}[^\s*])\*(?P<behind>(?:\s*[<(\[]\s*https?://[^\s<>()\[\]]+\s*[>)\]])?)"
)
# Bold words that a line opens with, closed by a sign of their own or of the text behind them.
STRONG_LEAD = re.compile(r"\*(?P<words>[^\s*][^*]{1,120}(?:[.:!?]\*|[^\s*]\*(?=[.:]|\s+[–—-]\s)))(?=\S*\s+\S)")
# A rule with a title set into it: `=====[ NEWS ]=====`.
RULE_WITH_TITLE = re.compile(
    r"([-=~_*#+])\1{3,}\s?[\[(<|]?\s*(?P<words>[^\W_][^\[\]<>|]{1,78}?[\w.!?)])\s*[\])>|]?\s?\1{3,}"
)
BOXED = re.compile(r"\|\s+(\S.*\S)\s+\|")


def read_text(text: str) -> Document:
    """Blocks of a plain-text body, in reading order. Never raises; what was cut is a problem of the document."""
    problems: tuple[Problem, ...] = ()
    if len(text) > MAX_CHARS:
        problems = (Problem("body-cut", f"only the first {MAX_CHARS:,} characters of the text were read", lost=True),)
        text = text[:MAX_CHARS]
    text = without_leftovers(visible(text.replace("\u00a0", " ")))
    if _is_markdown(text):
        document = _read_markdown(text)
        return replace(document, source="text", problems=document.problems + problems)
    body, footnotes = take_footnotes(text)
    if not footnotes:
        body = resolve_notes(body)
    blocks: list[Block] = []
    printed: list[str] = []
    paragraphs = unwrapped(body)
    logical = [
        (number, gap if position == 0 else 0, line)
        for number, (gap, paragraph) in enumerate(paragraphs)
        for position, line in enumerate(paragraph)
    ]
    if len(logical) > MAX_BLOCKS:
        problems += (Problem("body-cut", f"only the first {MAX_BLOCKS:,} lines of the text were read", lost=True),)
    for number, gap, line in logical[:MAX_BLOCKS]:
        blocks.append(_block(line, footnotes, number, gap))
        printed.append(line.strip())
    blocks = _ruled_headings(blocks, printed)
    if text.count("Subject:") + text.count("Title:") >= MIN_MESSAGES:
        blocks = _digest_headings(blocks)
    blocks = listed_headings(blocks)
    return Document("text", tuple(link_titles(blocks)), problems=problems)


def _digest_headings(blocks: list[Block]) -> list[Block]:
    """In a digest of messages (RFC 1153) each has `Date:`, `From:` and `Subject:` lines of its own; the subject is its heading, and comes first."""
    runs: list[tuple[int, int, int]] = []  # first line, line of the subject, first line behind
    start = 0
    while start < len(blocks):
        end = start
        while (
            end < len(blocks)
            and (end == start or blocks[end].after_break == 0)
            and MESSAGE_FIELD.match(blocks[end].text)
        ):
            end += 1
        subject = next((n for n in range(start, end) if TITLE_FIELD.match(blocks[n].text)), None)
        if subject is not None and end - start >= MIN_FIELDS:
            runs.append((start, subject, end))
        start = max(end, start + 1)
    if len(runs) < MIN_MESSAGES:
        return blocks
    out = list(blocks)
    for first, subject, end in runs:
        words = TITLE_FIELD.sub("", blocks[subject].text, count=1).strip()
        heading = blocks[subject]._replace(
            kind="heading", level=2, spans=(Span(words),), after_break=blocks[first].after_break
        )
        out[first:end] = [heading, *(b for n, b in enumerate(blocks[first:end], first) if n != subject)]
    return out


def _ruled_headings(blocks: list[Block], printed: list[str]) -> list[Block]:
    """Short lines that are underlined to their length, or that stand between two rules, are headings; `printed` are the lines as they stand.

    Where some stand between rules of a heavy sign and others of a light one, the light ones are a level lower, and the underlined ones below them.
    """
    out = list(blocks)
    framed: list[int] = []
    underlined: list[int] = []
    for number, (block, after) in enumerate(pairwise(blocks)):
        if (
            not (block.kind == "paragraph" or (block.kind == "item" and block.ordinal[:1].isdigit()))
            or after.kind != "rule"
            or after.after_break > 1
            or min(len(printed[number]), len(block.text)) > MAX_HEADING_CHARS
        ):
            continue
        below_rule = number > 0 and blocks[number - 1].kind == "rule"
        if len(printed[number]) > MAX_HEADING_CHARS and not (
            below_rule and block.after_break == after.after_break == 0
        ):
            continue
        if below_rule and block.after_break <= 1:
            framed.append(number)
            out[number] = block._replace(kind="heading", level=2, ordinal="")
        elif after.after_break == 0 and abs(len(printed[number + 1]) - len(printed[number])) <= UNDERLINE_SLACK:
            underlined.append(number)
            out[number] = block._replace(kind="heading", level=3, ordinal="")
    light = [number for number in framed if printed[number + 1][0] in LIGHT_RULES]
    if len(light) < len(framed):
        for number in light:
            out[number] = out[number]._replace(level=3)
        for number in underlined if light else ():
            out[number] = out[number]._replace(level=4)
    return out


def _is_markdown(text: str) -> bool:
    """Whether links are written `[words](address)`; headings alone do not make Markdown."""
    links = len(MARKDOWN_LINK.findall(text))
    return links >= 3 or (links >= 1 and bool(MARKDOWN_HEADING.search(text)))


def _read_markdown(text: str) -> Document:
    from markdown_it import MarkdownIt

    # Mail's Markdown is made by programs: line ends are kept, four spaces are no code, and HTML in it is text.
    parser = MarkdownIt("commonmark", {"breaks": True, "html": False}).disable(["code", "html_block", "html_inline"])
    document = read_html(parser.render(ADDRESS_BEHIND.sub(r"[\g<words>](<\g<address>>)", text)))
    return replace(document, blocks=tuple(_as_text(block) for block in document.blocks))


def _as_text(block: Block) -> Block:
    """A heading that is a whole sentence as a paragraph: some programs underline all that a table holds."""
    if block.kind != "heading" or block.text[-1:] != "." or len(block.text.split()) <= MAX_TITLE_WORDS:
        return block
    return block._replace(kind="paragraph", level=0)


def _block(line: str, footnotes: dict[str, str], paragraph: int, gap: int) -> Block:
    """One logical line as a block."""
    kind: BlockKind = "paragraph"
    ordinal, level = "", 0
    stripped = line.strip()
    if stripped[:1].isalpha():  # no box, rule, bullet or mark of a heading
        spans = tuple(read_runs(stripped, footnotes))
        return Block("paragraph", spans, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if boxed := BOXED.fullmatch(stripped):
        stripped = boxed[1]
    if starred := STARRED_HEADING.match(stripped):
        spans = tuple(read_runs(stripped[starred.end() :].strip(), footnotes))
        return Block("heading", spans, level=2, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if strong := STRONG.fullmatch(stripped):
        spans = tuple(span._replace(bold=True) for span in read_runs(f"{strong['words']}{strong['behind']}", footnotes))
        return Block("paragraph", spans, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if RULE.match(stripped):
        return Block("rule", boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if titled := RULE_WITH_TITLE.fullmatch(stripped):
        spans = tuple(read_runs(titled["words"], footnotes))
        return Block("heading", spans, level=1, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if (bullet := BULLET.match(line)) and bullet.end() < len(line.rstrip()):
        ordinal, stripped = bullet["mark"], line[bullet.end() :].strip()
        kind, level = "item", 1
    elif heading := HASHED_HEADING.match(stripped):
        kind, level, stripped = "heading", len(heading[1]), stripped[heading.end() :]
    lead = STRONG_LEAD.match(stripped) if kind in ("paragraph", "item") else None
    spans = tuple(read_runs(stripped[lead.end() :], footnotes)) if lead else ()
    if lead:
        space = " " if stripped[lead.end()].isspace() else ""
        spans = (
            Span(lead["words"].replace("*", ""), bold=True),
            spans[0]._replace(text=space + spans[0].text),
            *spans[1:],
        )
    return Block(
        kind,
        spans or tuple(read_runs(stripped, footnotes, item=kind == "item")),
        level=level,
        boxes=(paragraph,),
        paragraph=paragraph,
        ordinal=ordinal,
        after_break=gap,
    )
