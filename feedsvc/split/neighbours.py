"""What several steps ask of a line and of what stands under it."""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.split.features import WHOLE, Line


def plain(line: Line) -> str:
    """The line's words without emoji, bullets and marks around them."""
    return line.plain.strip(" :*_-–—|")


def is_linked_head(line: Line) -> bool:
    """Whether the line as a whole is a link."""
    return bool(line.hrefs) and line.linked >= WHOLE


def under(head: Line, lines: Sequence[Line]) -> Sequence[Line]:
    """The lines between a head and the next head."""
    for after in lines[head.index + 1 :]:
        if after.is_head or after.role == "title":
            return lines[head.index + 1 : after.index]
    return lines[head.index + 1 :]


def drop(line: Line, reason: str) -> None:
    """Mark a line as furniture."""
    line.is_head, line.role, line.reason = False, "furniture", reason
