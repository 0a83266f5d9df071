"""Which link is the own one of a story whose title is none: a button, a link in the words of a button, the link that its text ends in."""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.split.features import ADDRESS, MAX_CTA_WORDS, Line, inner_button

LAST_LINES = 2  # of a story's text: the link stands in one of them, before a date, a signature or the mail's last words


def closing_link(lines: Sequence[Line]) -> str | None:
    """The link that a text ends in, as it stands: a button, an address that shows itself, or a few linked words at the end of a line."""
    linked = [line for line in lines if line.hrefs and not line.is_furniture and line.block.kind != "image"]
    if not linked:
        return None
    buttons = [line.href for line in linked if line.is_cta]
    if buttons:
        return buttons[0]
    last = [line for line in lines if line.text and not line.is_furniture and line.block.kind != "image"][-LAST_LINES:]
    for line in reversed(last):
        if (href := ending_link(line)) is not None:
            return href
    return next((href for line in linked if (href := inner_button(line)) is not None), None)


def ending_words(line: Line) -> str:
    """The words of the link that a line ends in; empty where it ends in none."""
    spans = [span for span in line.block.spans if any(c.isalnum() for c in span.text)]
    if not spans or spans[-1].href not in line.hrefs:
        return ""
    return "".join(span.text for span in spans if span.href == spans[-1].href).strip()


def ending_link(line: Line) -> str | None:
    """The link that a line ends in: its words are few, or an address, and nothing but marks stands behind them."""
    spans = [span for span in line.block.spans if any(c.isalnum() for c in span.text)]
    if not spans or spans[-1].href not in line.hrefs:
        return None
    href = spans[-1].href
    words = "".join(span.text for span in spans if span.href == href).strip()
    return href if ADDRESS.match(words) or len(words.split()) <= MAX_CTA_WORDS else None
