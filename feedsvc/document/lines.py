"""Collects runs of text and images into blocks, as a browser would set them: white space collapsed, one block a line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from feedsvc.model import Block, BlockKind, Image, Span

if TYPE_CHECKING:
    from feedsvc.document.html import State

MAX_BLOCKS = 1_500  # the longest newsletters seen have a few hundred
MAX_SPANS = 200  # of one line, that goes on as another line of the same paragraph
MAX_ALL_SPANS = 8_000  # of all lines

# Characters that take no room: mail pads its preheader with them. The zero-width joiner (200D) stays between emoji, which it holds together.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\uffa0]+|(?<![\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])\u200d+"
)
SPACES = re.compile(
    r"[\s\u2800\u3164]+"
)  # includes no-break and typographic spaces; the braille blank is used as padding


def visible(text: str) -> str:
    """The text without characters that take no room."""
    return text if text.isascii() else INVISIBLE.sub("", text)


class LineBuilder:
    """Takes text, images and breaks in reading order; `finish()` gives the blocks."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.ordinal = ""
        self._spans: list[Span] = []
        self._images: list[Image] = []
        self._state: State | None = None
        self._boxes: tuple[int, ...] = ()
        self._path = ""
        self._open = False  # whether the line ends in a character that a following space would part from
        self._paragraph = 0
        self._empty = 0  # empty lines since the last block
        self._all_spans = 0
        self.is_full = False  # whether something was left out because there is too much

    def add_text(self, text: str, state: State, boxes: tuple[int, ...], path: str) -> None:
        """Append a text node's content to the line at hand."""
        text = visible(text)
        if state.preformatted:
            first, *more = text.replace("\r\n", "\n").split("\n")
            self._run(first.replace("\t", "    "), state, boxes, path)
            for line in more:
                self.break_line()
                self._run(line.replace("\t", "    "), state, boxes, path)
            return
        text = SPACES.sub(" ", text)
        if not self._open:
            text = text.lstrip(" ")
        self._run(text, state, boxes, path)

    def _run(self, text: str, state: State, boxes: tuple[int, ...], path: str) -> None:
        if not text:
            return
        if len(self._spans) >= MAX_SPANS:
            self._flush()
        if not self._spans and not self._images:
            self._boxes = boxes
        if self._state is None or (text.strip() and not any(s.text.strip() for s in self._spans)):
            self._state, self._path = state, path
            if not self._images:
                self._boxes = boxes
        span = Span(text, state.href, state.bold, state.italic, state.code, state.size, state.colour)
        if self._spans and _same_style(self._spans[-1], span):
            last = self._spans[-1]
            self._spans[-1] = Span(
                last.text + text, last.href, last.bold, last.italic, last.code, last.size, last.colour
            )
        else:
            self._spans.append(span)
        self._open = not text.endswith(" ")

    def add_image(self, image: Image, state: State, boxes: tuple[int, ...], path: str) -> None:
        """Put an image into the line at hand."""
        if self._state is None:
            self._state, self._boxes, self._path = state, boxes, path
        if len(self._images) >= MAX_SPANS:
            self._flush()
            self._state, self._boxes, self._path = state, boxes, path
        self._images.append(image)

    def break_line(self) -> None:
        """`<br>`: the next text is another line of the same paragraph; a second break in a row begins another paragraph."""
        if not self._flush():
            self._empty += 1
            self._paragraph += 1

    def break_block(self, *, spaced: bool = False) -> None:
        """A block-level element begins or ends here."""
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
        self._spans, self._images, self._state, self._open = [], [], None, False
        if state is None:
            return False
        while spans and not spans[-1].text.strip():
            spans.pop()
        while spans and not spans[0].text.strip():
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
                cast(BlockKind, state.kind) if spans else "image",
                tuple(spans),
                tuple(images),
                state.level,
                self._boxes,
                self._paragraph,
                self._path,
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


def _same_style(a: Span, b: Span) -> bool:
    return (
        a.href == b.href
        and a.bold == b.bold
        and a.italic == b.italic
        and a.code == b.code
        and a.size == b.size
        and a.colour == b.colour
    )


def _with_text(span: Span, text: str) -> Span:
    return (
        span if span.text == text else Span(text, span.href, span.bold, span.italic, span.code, span.size, span.colour)
    )
