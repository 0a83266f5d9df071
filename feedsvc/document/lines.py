"""Collects runs of text and images into blocks, as a browser would set them: white space collapsed, one block a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from feedsvc.model import Block, Image, Span

if TYPE_CHECKING:
    from feedsvc.document.html import State

MAX_BLOCKS = 1_500  # the longest newsletters seen have a few hundred
MAX_SPANS = 200  # of one line, that goes on as another line of the same paragraph
MAX_ALL_SPANS = 8_000  # of all lines

# Characters that take no room: mail pads its preheader with them. The zero-width joiner (200D) stays between emoji, which it holds together.
# One at a time: a search for one of a few characters is five times as quick as one for a run of them.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\uffa0]"
)
JOINER = "\u200d"
STRAY_JOINER = re.compile("\u200d(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]\u200d)")
# Two blanks that are no white space to Python; mail pads lines with them.
BLANKS = str.maketrans("\u2800\u3164", "  ")


def visible(text: str) -> str:
    """The text without characters that take no room."""
    if text.isascii():
        return text
    if JOINER in text:
        text = STRAY_JOINER.sub("", text)
    return INVISIBLE.sub("", text)


def single_spaced(text: str) -> str:
    """The text with each run of white space (no-break and typographic spaces too) as one space, also at its ends."""
    words = " ".join(text.split())
    if not words:
        return " " if text else ""
    return f"{' ' if text[0].isspace() else ''}{words}{' ' if text[-1].isspace() else ''}"


class LineBuilder:
    """Takes text, images and breaks in reading order; `finish()` gives the blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.ordinal = ""
        self._spans: list[Span] = []
        self._images: list[Image] = []
        self._state: State | None = None  # of the line's first words, else of what it begins with; None before that
        self._boxes: tuple[int, ...] = ()
        self._has_words = False
        self._open = False  # whether the line ends in a character that a following space would part from
        self._paragraph = 0
        self._empty = 0  # empty lines since the last block
        self._all_spans = 0
        self.is_full = False  # whether something was left out because there is too much

    def add_text(self, text: str, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        """Append a text node's content to the line at hand."""
        if state.preformatted:
            first, *more = visible(text).replace("\r\n", "\n").split("\n")
            self._run(first.replace("\t", "    "), state, boxes, href)
            for line in more:
                self.break_line()
                self._run(line.replace("\t", "    "), state, boxes, href)
            return
        if not self._open and text.isspace():
            return  # between two tags, as most texts of a mail are
        text = visible(text)
        if not text.isascii() and ("\u2800" in text or "\u3164" in text):
            text = text.translate(BLANKS)
        text = single_spaced(text)
        self._run(text if self._open else text.removeprefix(" "), state, boxes, href)

    def _run(self, text: str, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        if not text:
            return
        if len(self._spans) >= MAX_SPANS:
            self._flush()
        spans, has_words = self._spans, not text.isspace()
        if self._state is None or (has_words and not self._has_words):
            self._state = state
            if not self._images:
                self._boxes = boxes
        elif not spans and not self._images:
            self._boxes = boxes
        self._has_words = self._has_words or has_words
        if spans and _is_set_so(spans[-1], state, href):
            text = spans.pop().text + text
        spans.append(Span(text, href, state.bold, state.italic, state.code, state.size, state.colour))
        self._open = text[-1] != " "

    def add_image(self, image: Image, state: State, boxes: tuple[int, ...]) -> None:
        """Put an image into the line at hand."""
        if self._state is not None and len(self._images) >= MAX_SPANS:
            self._flush()
        if self._state is None:
            self._state, self._boxes = state, boxes
        self._images.append(image)

    def break_line(self) -> None:
        """`<br>`: the next text is another line of the same paragraph; a second break in a row begins another paragraph."""
        if not self._flush():
            self._empty += 1
            self._paragraph += 1

    def break_block(self, *, spaced: bool = False) -> None:
        """A block-level element begins or ends here."""
        if self._state is not None:
            self._flush()
        self._paragraph += 1
        if spaced:
            self._empty = max(self._empty, 1)

    def rule(self, boxes: tuple[int, ...]) -> None:
        """A horizontal rule."""
        self.break_block()
        if self.blocks and len(self.blocks) < MAX_BLOCKS:
            self.blocks.append(Block("rule", boxes=boxes, paragraph=self._paragraph))

    def finish(self) -> list[Block]:
        """All blocks; the builder is spent."""
        self._flush()
        return self.blocks

    def _flush(self) -> bool:
        """End the line at hand; says whether there was one."""
        spans, images, state = self._spans, self._images, self._state
        self._spans, self._images, self._state, self._open, self._has_words = [], [], None, False, False
        if state is None:
            return False
        while spans and spans[-1].text.isspace():
            spans.pop()
        while spans and spans[0].text.isspace():
            spans.pop(0)
        if not spans and not images:
            return False
        self._all_spans += len(spans) + len(images)
        if len(self.blocks) >= MAX_BLOCKS or self._all_spans > MAX_ALL_SPANS:
            self.is_full = True
            return False
        if not state.preformatted and spans:
            spans[0] = _with_text(spans[0], spans[0].text.lstrip())
            spans[-1] = _with_text(spans[-1], spans[-1].text.rstrip())
        self.blocks.append(
            Block(
                state.kind if spans else "image",
                tuple(spans),
                tuple(images),
                state.level,
                self._boxes,
                self._paragraph,
                state.path,
                state.align,
                state.background,
                self.ordinal if spans else "",
                self._empty,
            )
        )
        if spans:
            self.ordinal = ""
        self._empty = 0
        return True


def _is_set_so(span: Span, state: State, href: str | None) -> bool:
    return (
        span.href == href
        and span.bold == state.bold
        and span.italic == state.italic
        and span.code == state.code
        and span.size == state.size
        and span.colour == state.colour
    )


def _with_text(span: Span, text: str) -> Span:
    return span if span.text == text else span._replace(text=text)
