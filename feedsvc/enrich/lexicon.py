"""How words are written in running text: learnt from the words that stand inside sentences.

The first word of a sentence is capitalised whatever it is, and a run of capitals says nothing, so neither is counted; a word with
a capital inside it (OpenAI, GPUs) tells its form wherever it stands. Text whose words are mostly capitalised is a title in Title
Case: of it only such words are learnt.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

# A word with what may join its parts (at&t, node.js, jax-ml are looked up in parts). One class repeated, so linear.
_WORD = r"[^\W_]+(?:[.&+][^\W_]+)*"
# Inside a sentence: after a word or comma and one space.
_INSIDE = re.compile(rf"(?<=[\w,;)%’'] )[(\"“‘']?({_WORD})")
_HYPHENATED = re.compile(rf"(?<=[^\W_]-)({_WORD})")
# A capital after the first character: the form is told by the word itself.
_MIXED = re.compile(r"(?<![\w.&+-])(?:[A-Z][\w]*[a-z0-9][A-Z]\w*|[a-z]+[A-Z]\w*|[A-Z]{2,}s?)(?![\w])")
_CAPITALS_RUN = re.compile(r"(?<![\w])(?:[A-Z]{2,}[^\w.;]{1,3}){2,}[A-Z]{2,}(?![\w])")
_BREAK = re.compile(r"\n\s*\n")
_TITLE_MAX_WORDS = 20


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Counts of the forms in which each word was seen inside sentences. Two lexicons merge into one that knows both."""

    counts: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Lexicon:
        """Count the words of running texts; titles in capitals teach nothing, titles in Title Case only their mixed forms."""
        counts: Counter[str] = Counter()
        for text in texts:
            for paragraph in _BREAK.split(text):
                counts.update(_forms_of(" ".join(paragraph.split())))
        return cls.of(counts)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Lexicon:
        """The lexicon with these counts of forms."""
        best: dict[str, str] = {}
        for form, count in counts.items():
            key = form.casefold()
            other = best.get(key)
            # Of equal counts the one with fewer capitals: capitals have more reasons to be there by chance.
            if other is None or (count, -_capitals(form)) > (counts[other], -_capitals(other)):
                best[key] = form
        return cls(dict(counts), best)

    def merge(self, other: Lexicon) -> Lexicon:
        """The lexicon of both texts."""
        return Lexicon.of(Counter(self.counts) + Counter(other.counts))

    def form(self, word: str) -> str | None:
        """The form that the word was seen in most, or None where it was not seen."""
        return self.forms.get(word.casefold())


def _forms_of(text: str) -> list[str]:
    if text.isupper():
        return []
    if _CAPITALS_RUN.search(text):
        text = _CAPITALS_RUN.sub(".", text)
    mixed = _MIXED.findall(text)
    inside = _INSIDE.findall(text)
    if _is_title_case(inside):
        return mixed
    return inside + _HYPHENATED.findall(text) + mixed


def _is_title_case(words: list[str]) -> bool:
    """True where most longer words are capitalised: a headline, not a sentence."""
    if len(words) > _TITLE_MAX_WORDS:
        return False
    longer = [w for w in words if len(w) > 3]
    return bool(longer) and 2 * sum(w[0].isupper() for w in longer) > len(longer)


def _capitals(form: str) -> int:
    return sum(c.isupper() for c in form)
