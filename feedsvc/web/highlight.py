"""Where the words of a search stand in a text, as the search itself reads both."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from markupsafe import Markup, escape

from feedsvc.store import Term, reduce_words

EXCERPT_CHARS: Final = 600
_BEFORE_CHARS: Final = 80  # what an excerpt shows before the first hit
_Word = tuple[str, int, int]


def marked(text: str, terms: tuple[Term, ...]) -> Markup:
    """Return the text, escaped, with what the terms find in it in `<mark>`."""
    made, at = Markup(), 0
    for start, end in found_in(text, terms):
        made += escape(text[at:start]) + Markup("<mark>") + escape(text[start:end]) + Markup("</mark>")
        at = end
    return made + escape(text[at:])


def excerpt(text: str, terms: tuple[Term, ...]) -> str:
    """Return the text, or of a long one some `EXCERPT_CHARS` around the first thing that the terms find, else from its beginning."""
    if len(text) <= EXCERPT_CHARS:
        return text
    hit_start, hit_end = next(iter(found_in(text, terms)), (0, 0))
    start = 0
    if hit_end > EXCERPT_CHARS:
        start = hit_start - _BEFORE_CHARS
        start = text.find(" ", start, hit_start) + 1 or start  # some scripts have no spaces
    end = min(len(text), max(hit_end, start + EXCERPT_CHARS))
    if end < len(text):
        end = max(hit_end, text.rfind(" ", start, end)) if " " in text[max(hit_end, start) : end] else end
    return f"{'… ' if start else ''}{text[start:end]}{' …' if end < len(text) else ''}"


def found_in(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int]]:
    """Return where the terms that are wanted stand in the text, in order; no two overlap or touch."""
    wanted = [(term.words.split(), term.begins) for term in terms if not term.unwanted]
    if not wanted:
        return []
    words = list(_words(text))
    found: list[tuple[int, int]] = []
    for at in range(len(words)):
        for sought, begins in wanted:
            here = words[at : at + len(sought)]
            if len(here) < len(sought) or any(
                word != each for (word, _, _), each in zip(here, sought[:-1], strict=False)
            ):
                continue
            last = here[-1][0]
            if last == sought[-1] or (begins and last.startswith(sought[-1])):
                found.append((here[0][1], here[-1][2]))
    return _joined(found)


def _words(text: str) -> Iterator[_Word]:
    """Yield the words of a text as the search knows them, each with where it starts and ends."""
    word, start, end = "", 0, 0
    for at, character in enumerate(text):
        reduced = _reduced(character)
        if " " not in reduced:
            word, start, end = word + reduced, start if word else at, at + 1
            continue
        if word:
            yield word, start, end
        word = ""
        for alone in reduced.split():
            yield alone, at, at + 1
    if word:
        yield word, start, end


@lru_cache(maxsize=4096)
def _reduced(character: str) -> str:
    """Return what a character is within a word; spaces show where it parts words: an ideograph is one by itself."""
    return reduce_words(f"x{character}x")[1:-1]


def _joined(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
