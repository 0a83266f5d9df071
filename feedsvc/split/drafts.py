"""An item in the making, while it is not settled which lines are its own."""

from __future__ import annotations

from dataclasses import dataclass, field

from feedsvc.split.features import Line
from feedsvc.split.neighbours import is_linked_head


@dataclass(slots=True)
class Draft:
    """An item in the making. `head` is None for the items of a list, whose title is in their first line."""

    head: Line | None
    body: list[Line] = field(default_factory=list)
    section: str | None = None
    eyebrow: str | None = None
    announced: str | None = None  # the line before it that says it is paid for
    title_lines: list[Line] = field(default_factory=list)  # further lines of a title that was broken in two
    pictures: list[Line] = field(default_factory=list)  # that stand above the title
    unit: bool = False
    essay: bool = False  # the long text of an issue that also holds other items
    number: str = ""  # the number printed before the title, where the items count
    shares: list[str] = field(default_factory=list)  # its share buttons, which name its address

    @property
    def first(self) -> Line:
        """The line that opens the item."""
        return self.head if self.head is not None else self.body[0]

    @property
    def lines(self) -> list[Line]:
        """All lines of the item in order."""
        head = [self.head] if self.head is not None else []
        return [*head, *self.title_lines, *self.body]

    @property
    def words(self) -> int:
        """Words under the title."""
        return sum([line.words for line in self.body])

    @property
    def is_linked(self) -> bool:
        """Whether the title is a link, or the item one of a list."""
        return self.unit or (self.head is not None and is_linked_head(self.head))
