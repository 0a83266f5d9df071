"""Takes out what stands at a mail's foot: the newsletter's own affairs under its name, and menus of housekeeping."""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.split.features import WHOLE, Line
from feedsvc.split.neighbours import drop
from feedsvc.split.phrases import says
from feedsvc.split.weights import Heads
from feedsvc.split.words import fold

OWN_AFFAIRS = "the newsletter's own affairs"
MIN_NAME_CHARS = 3


def drop_own_affairs(lines: Sequence[Line], names: Sequence[str]) -> None:
    """In the later part a head that is the newsletter's name, or speaks of it ("About Gull Post"), is no item, nor are smaller heads below."""
    folded = {name for name in map(fold, names) if len(name) >= MIN_NAME_CHARS}
    over: Line | None = None
    for line in lines[int(Heads.FOOT * len(lines)) :] if folded else ():
        if not line.is_head:
            continue
        if _is_own_affair(line, folded) or (
            over is not None and not line.hrefs and line.prominence < over.prominence - Heads.SMALLER
        ):
            if not line.hrefs and (over is None or line.prominence > over.prominence):
                over = line
            drop(line, OWN_AFFAIRS)
        else:
            over = None


def _is_own_affair(head: Line, names: set[str]) -> bool:
    """Whether a head is one of these names, or a few words that speak of it."""
    if head.folded in names:
        return not head.hrefs
    if head.words > Heads.OWN_WORDS:
        return False
    spaced = f" {head.folded} "
    return any(f" {name} " in spaced and says("own_affairs", _starred(spaced, name)) for name in names)


def _starred(spaced: str, name: str) -> str:
    return spaced.replace(f" {name} ", " * ").strip()


def drop_foot_menu(lines: Sequence[Line]) -> None:
    """Of short linked lines in a row, several of which are housekeeping, those among and beside them are a menu."""
    run: list[Line] = []
    for line in (*lines, None):
        if line is not None and 0 < line.words <= Heads.FOOT_MENU_WORDS and line.hrefs and line.linked >= WHOLE:
            run.append(line)
        elif line is None or not (line.is_furniture and line.reason in ("no words", "a rule")):
            _drop_menu(run)
            run = []


def _drop_menu(run: Sequence[Line]) -> None:
    kept = [n for n, line in enumerate(run) if line.is_furniture]
    if len(kept) < Heads.MIN_FOOT_MENU:
        return
    paragraphs = {run[n].block.paragraph for n in kept}
    for n, line in enumerate(run):
        if not line.is_furniture and (kept[0] < n < kept[-1] or line.block.paragraph in paragraphs):
            drop(line, "a menu of housekeeping")
