"""Plain-text items whose address stands on a line of its own below them: the address becomes the link of their title.

    Windows that clean themselves, tested          * Comet passes at lunch
    Three coatings, one winter, and a bucket
    of pigeon dirt.                                It will not be visible, but the radio will hear it.
        http://houselab.example/windows
                                                   http://skypost.example/comet.html

One such line may be anything; a mail in which several stand so is written this way.
"""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.model import Block, Span

MIN_ITEMS = 3
MAX_LINES = 6  # between a title and its address, both counted
MAX_TITLE_WORDS = 16
MIN_ANNOUNCED_WORDS = 5  # "Read more here:" names nothing
TITLE_LEVEL = 4


def link_titles(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with each such title a heading that is linked, and its line of address gone; all as they were where fewer than three stand so."""
    titles: dict[int, int] = {}  # the title's index -> its address's
    last = -1
    for index, block in enumerate(blocks):
        if not is_address(block):
            continue
        title = _title_of(blocks, index, last)
        if title is not None:
            titles[title] = index
        last = index
    if len(titles) < MIN_ITEMS:
        return list(blocks)
    gone = set(titles.values())
    out: list[Block] = []
    for index, block in enumerate(blocks):
        if index in titles:
            href = blocks[titles[index]].spans[0].href
            spans = tuple(span._replace(href=href) for span in block.spans)
            level = block.level if block.kind == "heading" else TITLE_LEVEL
            out.append(block._replace(kind="heading", level=level, spans=spans, ordinal=""))
        elif index not in gone:
            out.append(block)
    return out


def is_address(block: Block) -> bool:
    """Whether a block is one address and nothing else."""
    return len(block.spans) == 1 and _shows_itself(block.spans[0])


def _shows_itself(span: Span) -> bool:
    return span.href is not None and span.text.strip().startswith(("http://", "https://", "www."))


def _title_of(blocks: Sequence[Block], address: int, last: int) -> int | None:
    """The index of the title above an address: its paragraph's first line, or the short line that opens the paragraphs above."""
    first = address
    while (
        first - 1 > last and blocks[first - 1].paragraph == blocks[address].paragraph and _is_words(blocks[first - 1])
    ):
        first -= 1
    if address - first == 1 and _is_announced(blocks[first]):
        return first
    between = address - first == 1 and _has_text_below(blocks, address)  # title, address, text
    if (address - first >= 2 or between) and address - first < MAX_LINES and _is_title(blocks[first]):
        return first
    if address == first and _stands_alone(blocks, address - 1, last) and _has_text_after(blocks, address):
        return address - 1  # a title, its address and its text, parted by empty lines
    for index in range(address - 1, max(last, address - MAX_LINES), -1):
        block = blocks[index]
        if block.kind == "rule":
            above = index - 1
            underlined = above > last and blocks[above].kind == "heading" and block.after_break == 0
            return above if underlined and _is_title(blocks[above]) and address - above >= 2 else None
        if block.kind == "heading" or block.ordinal:
            return index if _is_title(block) and address - index >= 2 else None
    return None


def _stands_alone(blocks: Sequence[Block], index: int, last: int) -> bool:
    """Whether a title is the whole of its paragraph."""
    return (
        index > last
        and blocks[index].kind in ("paragraph", "heading")
        and _is_title(blocks[index])
        and (index == 0 or blocks[index - 1].paragraph != blocks[index].paragraph)
    )


def _has_text_after(blocks: Sequence[Block], address: int) -> bool:
    """Whether a text of some words, no title itself, stands below an address."""
    below = blocks[address + 1] if address + 1 < len(blocks) else None
    return below is not None and _is_words(below) and not _is_title(below) and not is_address(below)


def _is_announced(block: Block) -> bool:
    """Whether a line of some words ends in a colon, as one does that names what its address leads to."""
    text = block.text.strip()
    return text.endswith(":") and MIN_ANNOUNCED_WORDS <= len(text.split()) <= MAX_TITLE_WORDS and _is_unlinked(block)


def _has_text_below(blocks: Sequence[Block], address: int) -> bool:
    """Whether the paragraph of an address goes on below it."""
    below = blocks[address + 1] if address + 1 < len(blocks) else None
    return below is not None and below.paragraph == blocks[address].paragraph and _is_words(below)


def _is_unlinked(block: Block) -> bool:
    return all(span.href is None for span in block.spans)


def _is_words(block: Block) -> bool:
    return block.kind in ("paragraph", "item", "heading")


def _is_title(block: Block) -> bool:
    """Short, without a link of its own, and no sentence."""
    text = "".join(span.text for span in block.spans).strip()
    return bool(text) and _is_unlinked(block) and len(text.split()) <= MAX_TITLE_WORDS and text[-1] not in ".:;,"
