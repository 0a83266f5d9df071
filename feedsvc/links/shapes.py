"""What an address looks like: wordings behind a slash, in the query, at the start, as the name of a page (purposes.toml).

An address is asked about dozens of wordings and hardly ever has one. A pattern that begins with one certain character is looked for at
memory speed, where one that may begin with anything is tried at each character; so each row says what its words stand
behind, and the rows of one place are looked for as one pattern before they are taken one by one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

Row = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Shape:
    """Patterns by place; an address has the shape where one of them is found."""

    start: re.Pattern[str] | None = None
    page: re.Pattern[str] | None = None
    path: re.Pattern[str] | None = None
    query: re.Pattern[str] | None = None
    anywhere: re.Pattern[str] | None = None
    holding: str = ""  # what an address must hold, in small letters, before `anywhere` is looked for
    outside: re.Pattern[str] | None = None  # first folders of a path under which `path` says nothing

    @classmethod
    def of(cls, row: Row) -> Shape:
        """The shape that one row of a table tells."""
        return replace(
            cls.of_all([row]),
            anywhere=_pattern([row], "anywhere"),
            holding=str(row.get("holding", "")),
            outside=re.compile(f"/(?:{row['outside']})/", re.IGNORECASE) if "outside" in row else None,
        )

    @classmethod
    def of_all(cls, rows: list[Row]) -> Shape:
        """What an address must have to fit one of the rows, those with `anywhere` aside."""
        folders = max(int(row.get("folders", 0)) for row in rows)
        below = rf"[^/]++(?:/[^/]++){{0,{folders}}}/"
        return cls(
            start=_pattern(rows, "start"),
            page=_pattern(rows, "page", below, r"/?(?:\?|$)"),
            path=_pattern(rows, "path", "/"),
            query=_pattern(rows, "query", "[?&]"),
        )

    def fits(self, host: str, rest: str) -> bool:
        """Whether an address has this shape; `rest` begins with its path. `host` may be empty where no row asks for it."""
        if self.start is not None and self.start.match(host + rest):
            return True
        if self.page is not None and self.page.match(host + rest):
            return True
        if self.path is not None and self.path.search(rest) and not (self.outside and self.outside.match(rest)):
            return True
        if self.query is not None and ("?" in rest or "&" in rest) and self.query.search(rest):
            return True
        return self.anywhere is not None and self.holding in rest.lower() and self.anywhere.search(rest) is not None


@dataclass(frozen=True, slots=True)
class Shapes:
    """The shapes of a table's rows, in its order."""

    rows: tuple[Shape, ...]
    _first: tuple[Shape, ...]  # all rows as one, and those with `anywhere`: whatever fits a row fits one of these

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Shapes:
        """The shapes that the rows tell."""
        rows = list(rows)
        shapes = tuple(map(Shape.of, rows))
        return cls(shapes, (Shape.of_all(rows), *(shape for shape in shapes if shape.anywhere is not None)))

    def fit(self, host: str, rest: str) -> list[int]:
        """The places in the table, in order, of all rows that an address fits. Most fit none."""
        for shape in self._first:
            if shape.fits(host, rest):
                return [at for at, shape in enumerate(self.rows) if shape.fits(host, rest)]
        return []


def _pattern(rows: Iterable[Row], place: str, before: str = "", behind: str = "") -> re.Pattern[str] | None:
    patterns = [f"(?:{row[place]})" for row in rows if place in row]
    return re.compile(f"{before}(?:{'|'.join(patterns)}){behind}", re.IGNORECASE) if patterns else None
