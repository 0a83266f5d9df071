"""Paragraphs of a plain text, whose lines were wrapped at a fixed width, by hand or by a program, also inside a title and its marker:

    WHY AI CAN'T SPELL 'STRAWBERRY' (5 MINUTE
    READ) [6]

Two lines belong together where the second's first word would not have fitted on the first: then only the width has parted them.
"""

from __future__ import annotations

import re

MIN_WRAP, MAX_WRAP = 50, 110  # columns at which text is wrapped by hand or by program
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
# A few words with their address, and nothing behind it, are a line of their own.
BUTTON = re.compile(r"\s*[^\W\d_a-zß-ÿ][^\[\]()<>.]{2,40} (?:\[\d{1,4}\]|[\[(<]\s*https?://[^\s\[\]()<>]+\s*[\])>])\s*")
# Mailchimp writes headings as `** Title` and rules them off below.
STARRED_HEADING = re.compile(r"^\*\* +(?=[^\s*])")
STARTS_WITH_ADDRESS = re.compile(r"^\s*(?:\[\s*(?:https?://|\d{1,4}\])|\(\s*https?://|<\s*https?://)")
SOURCE = re.compile(r"\s*\[\d{1,4}\]:?\s+<?https?://\S+$")  # a footnote that nothing refers to
MAX_LINE_CHARS = 20_000  # of lines joined to one
# What goes on with a sentence below the address of a link in it.
GOES_ON = re.compile(r"\s*(?:[a-zß-ÿ][^\s.]*(?: \S+){2}|[,;)](?:\s|$))")
# The address of a title above, and text behind it.
ADDRESS_FIRST = re.compile(
    r"\s*(?P<address>\(\s*https?://[^\s()]+\s*\)|\[\s*https?://[^\s\[\]]+\s*\]|<\s*https?://[^\s<>]+\s*>)\s+(?=\w)"
)
MAX_LEFT_OPEN_WORDS = 25  # of a title whose address stands below an empty line
LONE_ADDRESS = re.compile(r"\s*<?(?:https?://|www\.)[^\s<>]+>?\s*")


def unwrapped(body: str) -> list[tuple[int, list[str]]]:
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
        elif (
            not current
            and found
            and gap <= 2
            and (first := ADDRESS_FIRST.match(line))
            and _is_left_open(found[-1][1][-1], first["address"])
        ):
            # The title's address, and behind it the text that goes on below.
            found[-1][1][-1] += f" {first['address']}"
            current.append(line[first.end() :])
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
    if (
        title.rstrip()[-1:] in ".!:;,"
        or len(title.split()) > MAX_LEFT_OPEN_WORDS
        or BULLET.match(title)
        or RULE.match(title)
    ):
        return False  # a text, or no words
    return (
        bool(found)
        and found is not None
        and found.end() == len(rest)
        and found.lastgroup is not None
        and not LINK.search(title)
    )


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


def _octets(line: str) -> int:
    """A line's length as most programs that wrap mail count it: in octets of UTF-8, not in characters."""
    return len(line) if line.isascii() else len(line.encode("utf-8", "replace"))


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _belongs(previous: str, line: str, width: int, logical: str) -> bool:
    """Whether `line` only goes on with the logical line that ends in `previous`; neither has blanks at its end."""
    # No rule, bullet, heading or bracket is a letter, and most lines begin with one.
    marked = not line.lstrip()[:1].isalpha()
    if RULE.match(previous) or (marked and (RULE.match(line) or STARRED_HEADING.match(line.strip()))):
        return False
    if len(logical) > MAX_LINE_CHARS or (marked and SOURCE.match(line)):
        return False
    if marked and STARTS_WITH_ADDRESS.match(line):
        return True
    if logical.count("[") > logical.count("]") or logical.count("(") > logical.count(")"):
        return len(logical) < 2_000
    if LONE_ADDRESS.fullmatch(previous):  # within a sentence that it interrupts
        return len(logical) > len(previous.strip()) + 1 and bool(GOES_ON.match(line))
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
        return not (previous[-1:] in ".!?" and BUTTON.fullmatch(line))
    # Programs count emoji, entities and dashes differently, so a wrapped line may look shorter than it was.
    if previous[-1:] in ".!?:;":
        return False
    return len(previous) > 0.8 * width or (len(previous) > 0.6 * width and first_word[0].islower())
