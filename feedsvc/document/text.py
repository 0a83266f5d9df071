"""Plain text to the same blocks that HTML gives: paragraphs unwrapped, addresses turned back into links.

What senders write is the text form of an HTML mail, made by some program: addresses stand in brackets behind the words they belong to, or
as numbers `[7]` that a list under `Links:` explains, or on a line of their own. Lines are wrapped at a fixed width, also inside a title and its marker:

    WHY AI CAN'T SPELL 'STRAWBERRY' (5 MINUTE
    READ) [6]

Two lines belong together where the second's first word would not have fitted on the first: then only the width has parted them.
A body written in Markdown goes through markdown-it and the HTML reader.
"""

from __future__ import annotations

import re
from dataclasses import replace

from feedsvc.document.addresses import link_titles
from feedsvc.document.contents import listed_headings
from feedsvc.document.html import read_html
from feedsvc.document.lines import MAX_BLOCKS, single_spaced, visible
from feedsvc.model import Block, BlockKind, Document, Problem, Span

MAX_CHARS = 2_000_000
MIN_WRAP, MAX_WRAP = 50, 110  # columns at which text is wrapped by hand or by program

# With the end of the line before it: a search for one character is quick, a search for the start of a line is not.
FOOTNOTE_HEAD = re.compile(
    r"\n(?:links|references|quellen|liens|enlaces):?[ \t]*\n[-=_ \t]*\n?(?=[ \t]*\[\d{1,4}\])", re.I
)
FOOTNOTE = re.compile(r"\n[ \t]*\[(\d{1,4})\]:?[ \t]+<?(\S+)[ \t]*$", re.M)
# One alternative for each way in which an address is written; a bare one has no name. None of the classes overlaps with what follows it, so
# matching is linear; and each begins with a character, not a group, so that a search passes quickly over all others.
LINK = re.compile(
    r"\[\s*(?P<square>https?://[^\s\[\]]+)\s*\]"
    r"|\(\s*(?P<round>https?://[^\s()]+(?:\([^\s()]*\)[^\s()]*)*)\s*\)"
    r"|<\s*(?P<angle>https?://[^\s<>]+)\s*>"
    r"|\[(?P<number>\d{1,4})\]"
    r"|https?://[^\s<>\[\]\"]+"
    r"|www\.[^\s<>\[\]\"]+"
)
BULLET = re.compile(r"^[ \t]*(?P<mark>[*•·‣◦▪●○➤➜►–-]|\d{1,3}[.)])(?=[ \t]|$)[ \t]*")
RULE = re.compile(r"^\s*[-=_~*#+.·•—–─━═…|<>^]{3}[-=_~*#+.·•—–─━═…|<>^\s]*$")
MARKDOWN_LINK = re.compile(r"\]\(\s*<?https?://")
MARKDOWN_HEADING = re.compile(r"^#{1,6} \S", re.M)
# Mailchimp writes headings as `** Title` and rules them off below.
STARRED_HEADING = re.compile(r"^\*\* +(?=[^\s*])")
HASHED_HEADING = re.compile(r"(#{1,6}) +(?=\S)")
STARTS_WITH_ADDRESS = re.compile(r"^\s*(?:\[\s*(?:https?://|\d{1,4}\])|\(\s*https?://|<\s*https?://)")
SENTENCE_END = re.compile(r"[.!?…:;][\"'”’)]?\s")
SEPARATORS = "|·•»"
BEHIND_LINK = " \t→➜➔⟶›\u200b\ufe0f"  # arrows behind a link and what nobody sees
# What parts a linked title from its text on one line.
DASH = re.compile(r"[–—:]|-{1,2}\s")
MAX_LINKED_WORDS = 25
MAX_HEADING_CHARS = 90
UNDERLINE_SLACK = 2
TOO_MANY_EMPTY_LINES = "\n\n\n\n\n"
EMPTY_LINES = re.compile(r"\n{5,}")
# What beehiiv's text form says of pictures.
PICTURE_MARKS = ("View image:", "Follow image link:")
PICTURE_LINES = re.compile(r"^(?:(?:View image|Follow image link): ?\(https?://[^\s()]*\)|Caption:)[ \t]*", re.M)
# In Markdown made by a program: a line of words that ends in an address in parentheses.
ADDRESS_BEHIND = re.compile(r"^(?P<words>[^\[\]()\n]{3,200}?):? ?\((?P<address>https?://[^\s()]+)\)[ \t]*$", re.M)
# An arrow or a pointing hand before an address that stands alone.
POINTED = re.compile(r"^([ \t]*)[→➜➝➡»›👉🔗▶►]\ufe0f?[ \t]*(?=<?https?://\S+[ \t]*$)", re.M)
# What a comment for another mail program leaves of a button, which then stands there once more.
COMMENT_END = "-->"
BUTTON_TWICE = re.compile(
    r"^--> ?(?P<words>[^()\n]{2,200}?) ?\(\s?https?://[^\s()]+\s?\)[ \t]?\n{1,2}(?=(?P=words) ?\()", re.M
)
GLUED = re.compile(r"(?P<link>\(\n?https?://[^\s()]+ \))(?P<words>[^\W\d_][^\n]*)(?:\n(?P<on>[a-zß-ÿ]))?")
# A link that writes a mail leads to nothing to read.
MAILTO = re.compile(r"[ \t]*[(<\[]\s*mailto:[^\s()<>\[\]]*\s*[)>\]]", re.I)
LONE_ADDRESS = re.compile(r"\s*<?(?:https?://|www\.)[^\s<>]+>?\s*")
MESSAGE_FIELD = re.compile(
    r"(?:Date|From|Subject|To|Cc|Reply-To|Message-ID|Sender|Title|Authors?|Categories|Comments|Journal-ref|Keywords): \S"
)
TITLE_FIELD = re.compile(r"(?:Subject|Title): ")
MIN_FIELDS = 2
MIN_MESSAGES = 2
# A message signed in its own text (RFC 4880, 7): the armour around it, and the dash and blank before lines that begin with a dash.
SIGNED_MESSAGE = "-----BEGIN PGP SIGNED MESSAGE-----"
SIGNED_HEAD = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:Hash: [^\n]{0,80}\n)?", re.M)
SIGNATURE = re.compile(r"^-----BEGIN PGP SIGNATURE-----[ \t]*$[^-]{0,8000}^-----END PGP SIGNATURE-----[ \t]*$", re.M)
DASH_ESCAPE = re.compile(r"^- (?=-)", re.M)
BOXED = re.compile(r"\|\s+(\S.*\S)\s+\|")


def read_text(text: str) -> Document:
    """Blocks of a plain-text body, in reading order. Never raises; what was cut is a problem of the document."""
    problems: tuple[Problem, ...] = ()
    if len(text) > MAX_CHARS:
        problems = (Problem("body-cut", f"only the first {MAX_CHARS:,} characters of the text were read", lost=True),)
        text = text[:MAX_CHARS]
    text = visible(text.replace("\u00a0", " "))
    if TOO_MANY_EMPTY_LINES in text:
        text = EMPTY_LINES.sub("\n\n\n\n", text)
    if any(mark in text for mark in PICTURE_MARKS):
        text = PICTURE_LINES.sub("", text)
    if "mailto:" in text:
        text = MAILTO.sub("", text)
    if COMMENT_END in text:
        text = GLUED.sub(_part, BUTTON_TWICE.sub("", text))
    if SIGNED_MESSAGE in text:
        text = DASH_ESCAPE.sub("", SIGNATURE.sub("", SIGNED_HEAD.sub("", text)))
    if not text.isascii():
        text = POINTED.sub(r"\1", text)
    if _is_markdown(text):
        document = _read_markdown(text)
        return replace(document, source="text", problems=document.problems + problems)
    body, footnotes = _take_footnotes(text)
    blocks: list[Block] = []
    lengths: list[int] = []
    paragraphs = _paragraphs(body)
    logical = [
        (number, gap if position == 0 else 0, line)
        for number, (gap, paragraph) in enumerate(paragraphs)
        for position, line in enumerate(paragraph)
    ]
    if len(logical) > MAX_BLOCKS:
        problems += (Problem("body-cut", f"only the first {MAX_BLOCKS:,} lines of the text were read", lost=True),)
    for number, gap, line in logical[:MAX_BLOCKS]:
        blocks.append(_block(line, footnotes, number, gap))
        lengths.append(len(line.strip()))
    blocks = _ruled_headings(blocks, lengths)
    if text.count("Subject:") + text.count("Title:") >= MIN_MESSAGES:
        blocks = _digest_headings(blocks)
    blocks = listed_headings(blocks)
    return Document("text", tuple(link_titles(blocks)), problems=problems)


def _part(glued: re.Match[str]) -> str:
    """A button's link, and as a paragraph of its own the text that a program has set right behind it."""
    return f"{glued['link']}\n\n{glued['words']}" + (f" {glued['on']}" if glued["on"] else "")


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


def _ruled_headings(blocks: list[Block], lengths: list[int]) -> list[Block]:
    """Short lines that are underlined to their length, or that stand between two rules, are headings; `lengths` are those of the lines."""
    out: list[Block] = []
    for number, block in enumerate(blocks):
        after = blocks[number + 1] if number + 1 < len(blocks) else None
        if (
            (block.kind == "paragraph" or (block.kind == "item" and block.ordinal[:1].isdigit()))
            and after is not None
            and after.kind == "rule"
            and after.after_break <= 1
            and min(lengths[number], len(block.text)) <= MAX_HEADING_CHARS
        ):
            framed = number > 0 and blocks[number - 1].kind == "rule" and block.after_break == after.after_break == 0
            if lengths[number] > MAX_HEADING_CHARS and not framed:
                out.append(block)
                continue
            between = number > 0 and blocks[number - 1].kind == "rule" and block.after_break <= 1
            underlined = after.after_break == 0 and abs(lengths[number + 1] - lengths[number]) <= UNDERLINE_SLACK
            if between or underlined:
                block = block._replace(kind="heading", level=2 if between else 3, ordinal="")  # noqa: PLW2901
        out.append(block)
    return out


def _is_markdown(text: str) -> bool:
    """Whether links are written `[words](address)`; headings alone do not make Markdown."""
    links = len(MARKDOWN_LINK.findall(text))
    return links >= 3 or (links >= 1 and bool(MARKDOWN_HEADING.search(text)))


def _read_markdown(text: str) -> Document:
    from markdown_it import MarkdownIt

    # Mail's Markdown is made by programs: line ends are kept, four spaces are no code, and HTML in it is text.
    parser = MarkdownIt("commonmark", {"breaks": True, "html": False}).disable(["code", "html_block", "html_inline"])
    return read_html(parser.render(ADDRESS_BEHIND.sub(r"[\g<words>](<\g<address>>)", text)))


def _take_footnotes(text: str) -> tuple[str, dict[str, str]]:
    """The body without its list of links, and the list: number -> address."""
    heads = list(FOOTNOTE_HEAD.finditer(f"\n{text}"))
    if not heads:
        return text, {}
    start, end = heads[-1].start(), heads[-1].end() - 1  # in the text itself, which starts one character later
    rest = text[end:]
    notes: dict[str, str] = {}
    end = 0
    for found in FOOTNOTE.finditer(f"\n{rest}"):
        notes.setdefault(found[1], found[2][:-1] if found[2].endswith(">") and len(found[2]) > 1 else found[2])
        end = found.end() - 1
    return (text[:start] + "\n\n" + rest[end:], notes) if notes else (text, {})


def _octets(line: str) -> int:
    """A line's length as most programs that wrap mail count it: in octets of UTF-8, not in characters."""
    return len(line) if line.isascii() else len(line.encode("utf-8", "replace"))


def _wrap_width(lines: list[str]) -> int:
    """The width at which lines were wrapped, or 0 where they were not: the length that many lines nearly reach and none passes."""
    lengths = sorted(_octets(line) for line in lines if len(line) >= MIN_WRAP // 2 and "://" not in line)
    if len(lengths) < 4:
        return 0
    width = lengths[int(len(lengths) * 0.9)] if len(lengths) > 10 else lengths[-1]
    near = sum(1 for length in lengths if width - 14 <= length <= width + 2)
    if not MIN_WRAP <= width <= MAX_WRAP or near < 0.3 * len(lengths):
        return 0
    return width


def _paragraphs(body: str) -> list[tuple[int, list[str]]]:
    """Paragraphs as (empty lines before, logical lines). Wrapped lines are joined; list items and unwrapped lines stay apart."""
    lines = body.split("\n")
    width = _wrap_width(lines)
    found: list[tuple[int, list[str]]] = []
    current: list[str] = []
    gap = 0
    previous = ""
    for raw in [*lines, ""]:
        line = raw.rstrip()
        if not line.strip():
            if current:
                found.append((gap, current))
                current, gap = [], 0
            gap += 1
            continue
        if current and _belongs(previous, line, width, current[-1]):
            current[-1] = f"{current[-1]} {line.strip()}"
        elif not current and found and gap <= 2 and _is_left_open(found[-1][1][-1], line):
            # A marker that an empty line has parted from its title: `TITLE (5 MINUTE READ)` / blank / `[16]`.
            last = found[-1][1]
            last[-1] = f"{last[-1]} {line.strip()}"
            found[-1], current, gap = found[-1], [], 0
            previous = line
            continue
        else:
            current.append(line.strip("\n"))
        previous = line
    return found


def _is_left_open(title: str, line: str) -> bool:
    """Whether `line` holds only the address that a title still lacks."""
    rest = line.strip()
    found = LINK.match(rest)
    return (
        bool(found)
        and found is not None
        and found.end() == len(rest)
        and found.lastgroup is not None
        and not LINK.search(title)
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _belongs(previous: str, line: str, width: int, logical: str) -> bool:
    """Whether `line` only goes on with the logical line that ends in `previous`; neither has blanks at its end."""
    # No rule, bullet, heading or bracket is a letter, and most lines begin with one.
    marked = not line.lstrip()[:1].isalpha()
    if RULE.match(previous) or (marked and (RULE.match(line) or STARRED_HEADING.match(line.strip()))):
        return False
    if marked and STARTS_WITH_ADDRESS.match(line):
        return True
    if logical.count("[") > logical.count("]") or logical.count("(") > logical.count(")"):
        return len(logical) < 2_000
    if LONE_ADDRESS.fullmatch(previous):
        return False
    if LONE_ADDRESS.fullmatch(line) and (_indent(line) > _indent(previous) or previous[-1:] in ".!?…"):
        return False
    if (bullet := marked and BULLET.match(line)) and not (
        # A dash that wrapping has put at the start of a line is no bullet, unless the lines above are bulleted too.
        bullet["mark"] in "-–*"
        and width
        and not BULLET.match(logical)
        and _octets(previous) + 2 + len(([*line.split(), "", ""])[1]) > width
    ):
        return False
    if BULLET.fullmatch(logical):
        return True  # a bullet alone on its line
    first_word = line.split(None, 1)[0]
    if not width:  # a sentence that goes on in small letters below a long line
        return len(previous) >= MIN_WRAP and first_word[0].islower() and previous[-1].isalnum()
    if _octets(previous) + 1 + _octets(first_word) > width:
        return True
    # Programs count emoji, entities and dashes differently, so a wrapped line may look shorter than it was.
    if previous[-1:] in ".!?:;":
        return False
    return len(previous) > 0.8 * width or (len(previous) > 0.6 * width and first_word[0].islower())


def _block(line: str, footnotes: dict[str, str], paragraph: int, gap: int) -> Block:
    """One logical line as a block."""
    kind: BlockKind = "paragraph"
    ordinal, level = "", 0
    stripped = line.strip()
    if stripped[:1].isalpha():  # no box, rule, bullet or mark of a heading
        spans = tuple(_spans(stripped, footnotes))
        return Block("paragraph", spans, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if boxed := BOXED.fullmatch(stripped):
        stripped = boxed[1]
    if starred := STARRED_HEADING.match(stripped):
        spans = tuple(_spans(stripped[starred.end() :].strip(), footnotes))
        return Block("heading", spans, level=2, boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if RULE.match(stripped):
        return Block("rule", boxes=(paragraph,), paragraph=paragraph, after_break=gap)
    if (bullet := BULLET.match(line)) and bullet.end() < len(line.rstrip()):
        ordinal, stripped = bullet["mark"], line[bullet.end() :].strip()
        kind, level = "item", 1
    elif heading := HASHED_HEADING.match(stripped):
        kind, level, stripped = "heading", len(heading[1]), stripped[heading.end() :]
    return Block(
        kind,
        tuple(_spans(stripped, footnotes)),
        level=level,
        boxes=(paragraph,),
        paragraph=paragraph,
        ordinal=ordinal,
        after_break=gap,
    )


def _spans(line: str, footnotes: dict[str, str]) -> list[Span]:
    """A line's runs; an address in brackets becomes the link of the words before it."""
    spans: list[Span] = []
    plain_from = 0
    found_any = False
    for found in LINK.finditer(line):
        href, shown = _target(found, footnotes)
        if href is None:
            continue
        before = line[plain_from : found.start()]
        plain_from = found.end()
        if shown:  # a bare address stands for itself
            shown, tail = _trim_address(shown)
            plain_from -= len(tail)
            href = shown if "://" in shown else f"http://{shown}"
            if before:
                spans.append(Span(before))
            spans.append(Span(shown, href))
            found_any = True
            continue
        rest = line[plain_from:].strip(BEHIND_LINK)
        at_end = not rest or rest[0] in SEPARATORS or (not found_any and bool(DASH.match(rest)))
        words, linked = _linked_part(before, at_end=at_end, first=not found_any, alone=not rest and not found_any)
        if words:
            spans.append(Span(words))
        if linked:
            spans.append(Span(linked, href))
        elif spans and spans[-1].href is None and spans[-1].text.strip():
            spans[-1] = Span(spans[-1].text, href)
        else:
            spans.append(Span("", href))
        found_any = True
    if plain_from < len(line):
        spans.append(Span(line[plain_from:]))
    return _tidy(spans)


def _target(found: re.Match[str], footnotes: dict[str, str]) -> tuple[str | None, str]:
    """The address that a marker stands for (None where it is none), and the text to show where the address shows itself."""
    if number := found["number"]:
        return footnotes.get(number), ""
    if found.lastgroup is None:
        return found[0], found[0]
    return found[found.lastgroup], ""


def _trim_address(address: str) -> tuple[str, str]:
    """A bare address without the punctuation of the sentence around it, and that punctuation."""
    kept = address.rstrip(".,;:!?'*_")
    while kept.endswith(")") and kept.count("(") < kept.count(")"):
        kept = kept[:-1].rstrip(".,;:!?'*_")
    return kept, address[len(kept) :]


def _linked_part(before: str, *, at_end: bool, first: bool, alone: bool) -> tuple[str, str]:
    """Which words before a marker are its link: (plain words, linked words).

    At the end of a line, all back to the last separator or sentence end, for that is how titles stand (`alone`: the line has one
    link, so that a separator in it is part of the title); within running text the last word alone, since how far the link reached is lost.
    """
    text = before.rstrip()
    if not text.strip():
        return before, ""
    if at_end:
        start = 0 if alone else max(text.rfind(mark) + 1 for mark in SEPARATORS)
        if len(text) > 200 or not first:
            for sentence in SENTENCE_END.finditer(text, start):
                start = sentence.end()
        if len(text[start:].split()) <= MAX_LINKED_WORDS * 2:
            lead = len(text[start:]) - len(text[start:].lstrip())
            return text[: start + lead], text[start + lead :]
    cut = max(text.rfind(" "), text.rfind("\t")) + 1
    return text[:cut], text[cut:]


def _tidy(spans: list[Span]) -> list[Span]:
    """Adjacent runs with one target joined, white space single, none at either end."""
    merged: list[tuple[str, str | None]] = []
    for span in spans:
        text, href = single_spaced(span.text), span.href
        if merged and merged[-1][1] == href:
            merged[-1] = (single_spaced(merged[-1][0] + text), href)
        elif text or href:
            merged.append((text, href))
    if merged:
        merged[0] = (merged[0][0].lstrip(), merged[0][1])
        merged[-1] = (merged[-1][0].rstrip(), merged[-1][1])
    return [Span(text, href) for text, href in merged if text or href]
