"""The addresses of feeds: what a query may say, and the one normal form in which the same narrowing is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final, get_args
from urllib.parse import parse_qsl, quote, urlencode

from werkzeug.exceptions import BadRequest

from feedsvc.model import Kind
from feedsvc.publish import FEED_KINDS
from feedsvc.store import MAX_QUERY_CHARS, MAX_WIDTH, Narrowing, Window, read_query

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MAX_LIMIT: Final = 1000
MAX_MINUTES: Final = 10_000
_MAX_NAME_CHARS = 200
# What a query may carry besides: it says who asks, not what for.
TOKEN: Final = "token"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries a feed holds; each selection is a feed of its own.

    `query` is the search as it was typed. `limit` is None for what the settings say. A `window` makes it a document of
    the feed's archive.
    """

    narrowing: Narrowing = field(default_factory=lambda: Narrowing(FEED_KINDS))
    query: str = ""
    by_issue: bool = False
    limit: int | None = None
    window: Window | None = None

    @property
    def parameters(self) -> str:
        """The query in its normal form, without a question mark; "" where nothing is narrowed."""
        what = self.narrowing
        kinds = None if what.kinds == FEED_KINDS else ",".join(kind for kind in KINDS if kind in what.kinds)
        found = {
            "kinds": kinds,
            "section": what.section,
            "label": what.label,
            "min_minutes": what.min_minutes,
            "max_minutes": what.max_minutes,
            "q": self.query or None,
            "group": "issue" if self.by_issue else None,
            "limit": self.limit,
        }
        return urlencode({name: value for name, value in found.items() if value is not None}, quote_via=quote, safe=",")

    @property
    def words(self) -> str:
        """What is narrowed, for people: "Tools, sponsors too, 5 min or more"; "" where nothing is."""
        what = self.narrowing
        parts = [what.section, what.label]
        if what.kinds != FEED_KINDS:
            parts.append(" and ".join(f"{kind}s" for kind in KINDS if kind in what.kinds))
        if what.min_minutes is not None:
            parts.append(f"{what.min_minutes} min or more")
        if what.max_minutes is not None:
            parts.append(f"{what.max_minutes} min or less")
        if self.query:
            parts.append(f"“{self.query}”")
        if self.by_issue:
            parts.append("one entry an issue")
        if self.limit is not None:
            parts.append(f"the newest {self.limit}")
        return ", ".join(filter(None, parts))

    def path(self, extension: str) -> str:
        """The path and query of this document; the same narrowing always gives the same one."""
        folder = (
            "" if self.narrowing.newsletter is None else f"/newsletters/{quote(self.narrowing.newsletter, safe='')}"
        )
        archive = "" if self.window is None else f"/archive/{self.window.first}-{self.window.last}"
        parameters = self.parameters
        return f"{folder}{archive}/feed.{extension}{'?' if parameters else ''}{parameters}"

    def at(self, window: Window | None) -> Selection:
        """The same feed at another place of its archive; None is the feed itself."""
        return replace(self, window=window)


@lru_cache(maxsize=1024)
def read_selection(query: str, slug: str | None = None, window: str | None = None) -> Selection:
    """The selection that a path and a query string name, without regard to a token in it.

    Raises BadRequest, which names the parameter and says what it may be.
    """
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == TOKEN:
            continue
        if name not in PARAMETERS:
            raise BadRequest(f"There is no parameter “{shown(name)}”. A feed knows {', '.join(PARAMETERS)}.")
        if name in given:
            raise BadRequest(f"The parameter {name} stands twice.")
        given[name] = value
    read: dict[str, object] = {}
    for name, value in given.items():
        try:
            read[name] = PARAMETERS[name](value)
        except ValueError as wrong:
            raise BadRequest(f"{name} cannot be “{shown(value)}”: {wrong}.") from None
    low, high = read.get("min_minutes"), read.get("max_minutes")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise BadRequest(f"min_minutes, {low}, is more than max_minutes, {high}.")
    search = str(read.pop("q", ""))
    by_issue, limit = bool(read.pop("group", False)), read.pop("limit", None)
    read.setdefault("kinds", FEED_KINDS)
    return Selection(
        narrowing=Narrowing(newsletter=slug, terms=read_query(search) if search else (), **read),  # type: ignore[arg-type]
        query=search,
        by_issue=by_issue,
        limit=limit if isinstance(limit, int) else None,
        window=None if window is None else _window(window),
    )


def shown(value: str) -> str:
    """Return a value as an error shows it."""
    return value if len(value) <= 80 else f"{value[:80]}…"


def _kinds(value: str) -> frozenset[Kind]:
    found = frozenset(kind for kind in KINDS if kind in value.split(","))
    if len(found) != len(value.split(",")):
        raise ValueError(f"it is one or more of {', '.join(KINDS)}, parted by commas, none twice")
    return found


def _name(value: str) -> str:
    if not value.strip() or len(value) > _MAX_NAME_CHARS or not value.isprintable():
        raise ValueError(f"it is a name of 1 to {_MAX_NAME_CHARS} characters")
    return value


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 6 and lowest <= int(value) <= highest):
            raise ValueError(f"it is a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _search(value: str) -> str:
    words = " ".join(value.split())
    if not words.isprintable():
        raise ValueError(f"it is words to look for, of {MAX_QUERY_CHARS} characters at the most")
    read_query(words)
    return words


def _group(value: str) -> bool:
    if value != "issue":
        raise ValueError("it is issue")
    return True


# What a query may say, and how each is read.
PARAMETERS: Final[dict[str, Callable[[str], object]]] = {
    "kinds": _kinds,
    "section": _name,
    "label": _name,
    "min_minutes": _number(1, MAX_MINUTES),
    "max_minutes": _number(1, MAX_MINUTES),
    "q": _search,
    "group": _group,
    "limit": _number(1, MAX_LIMIT),
}


def _window(written: str) -> Window:
    first, _, last = written.partition("-")
    if all(part.isascii() and part.isdigit() and len(part) <= 15 and part[0] != "0" for part in (first, last)):
        found = Window(int(first), int(last))
        if found.first <= found.last < found.first + MAX_WIDTH:
            return found
    raise BadRequest(f"“{shown(written)}” names no part of the archive. Follow the links from the feed.")
