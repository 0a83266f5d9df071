"""How far a correction may go: suggestions made from the item at hand, with how many articles each would touch. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from feedsvc.model import Article, Correction, Issue, Scope, Verdict
from feedsvc.split import Traits

_MAX_WORDS = 6  # of a beginning that titles share
_MIN_WORDS = 2
_LEAD = re.compile(r"^\W*\w[^:–—|]{0,60}?\s?[:–—|](?=\s)")  # "Quiz of the day: …"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way of saying which items are meant; `articles` counts those of past issues, the item among them."""

    scope: Scope
    value: str
    articles: int

    def correction(self, verdict: Verdict) -> Correction:
        """The correction that gives these items this verdict."""
        return Correction(verdict, self.scope, self.value)


class Census:
    """Counts what the articles of a newsletter share."""

    def __init__(self, articles: Iterable[Traits]) -> None:
        counts: Counter[tuple[Scope, str]] = Counter()
        for one in articles:
            for scope, value in (("section", one.section), ("label", one.label), ("site", one.site)):
                if value:
                    counts[scope, _folded(value)] += 1  # type: ignore[index]
            for words in beginnings(one.title):
                counts["begins", _folded(words)] += 1
        self._counts = {shared: count for shared, count in counts.items() if count > 1}

    def suggestions(self, traits: Traits) -> tuple[Suggestion, ...]:
        """Which items could be meant along with this one, itself first; a beginning only where titles share it."""
        found = [Suggestion("item", traits.id, 1)]
        scopes: tuple[tuple[Scope, str | None], ...] = (
            ("section", traits.section),
            ("label", traits.label),
            ("site", traits.site),
        )
        found += [Suggestion(scope, value, self._count(scope, value)) for scope, value in scopes if value]
        shared = [words for words in beginnings(traits.title) if self._count("begins", words) > 1]
        if shared:
            # The longest that as many share as share any: "Quiz of the" says no more than "Quiz of the day:".
            most = max(self._count("begins", words) for words in shared)
            words = max((one for one in shared if self._count("begins", one) == most), key=len)
            found.append(Suggestion("begins", words, most))
        return tuple(found)

    def _count(self, scope: Scope, value: str) -> int:
        return self._counts.get((scope, _folded(value)), 1)


def beginnings(title: str) -> tuple[str, ...]:
    """How a title begins, in its own letters: up to its first colon or dash, and in two to six words."""
    words = title.split()
    found = [" ".join(words[:count]) for count in range(_MIN_WORDS, min(len(words), _MAX_WORDS + 1))]
    if lead := _LEAD.match(title):
        found.append(lead[0].strip())
    return tuple(dict.fromkeys(one for one in found if one))


def traits_of(article: Article, issue: Issue, site: str | None) -> Traits:
    """By what corrections know an article; `site` is that of its link, which for a text without one is the issue's page."""
    own = article.url is not None and article.url != issue.web_url
    return Traits(article.id, article.title, article.section, article.label, site if own else None)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
