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
# Inside a sentence: after a word or comma and one space. The space stands first in the pattern: it is found quickly.
_INSIDE = re.compile(rf" (?<=[\w,;)%’'] )[(\"“‘']?({_WORD})")
_HYPHENATED = re.compile(rf"-(?<=[^\W_]-)({_WORD})")
# A capital after the first character: the form is told by the word itself.
_MIXED = re.compile(r"[A-Z]\w*[a-z0-9][A-Z]\w*|[a-z]+[A-Z]\w*|[A-Z]{2,}s?")
_MARKS = ".,;:!?()[]{}\"“”‘’'…—–*_"
_CAPITALS_RUN = re.compile(r"(?<![\w])(?:[A-Z]{2,}[^\w.;]{1,3}){2,}[A-Z]{2,}(?![\w])")
_BREAK = re.compile(r"\n\s*\n")
_TITLE_MAX_CHARS = 160


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Counts of the forms in which each word was seen inside sentences. Two lexicons merge into one that knows both."""

    counts: Mapping[str, int] = field(default_factory=dict)
    forms: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Lexicon:
        """Count the words of running texts; titles in capitals teach nothing, titles in Title Case only their mixed forms."""
        running: list[str] = []
        titles: list[str] = []
        for text in texts:
            for paragraph in _BREAK.split(text):
                line = " ".join(paragraph.split())
                if not line.isupper():
                    (titles if _is_title_case(line) else running).append(line)
        # All at once: a pattern over one long text costs much less than over many short ones.
        joined = _CAPITALS_RUN.sub(".", "\n".join(running))
        counts = Counter(_INSIDE.findall(joined))
        counts.update(_HYPHENATED.findall(joined))
        counts.update(_mixed_forms(joined))
        counts.update(_mixed_forms(_CAPITALS_RUN.sub(".", "\n".join(titles))))
        return cls.of(counts)

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Lexicon:
        """The lexicon with these counts of forms."""
        best: dict[str, str] = {}
        for form, count in counts.items():
            key = form.casefold()
            other = best.setdefault(key, form)
            # Of equal counts the one with fewer capitals: capitals have more reasons to be there by chance.
            if other is not form and (count, -_capitals(form)) > (counts[other], -_capitals(other)):
                best[key] = form
        return cls(counts, best)

    def merge(self, other: Lexicon) -> Lexicon:
        """The lexicon of both texts."""
        return Lexicon.of(Counter(self.counts) + Counter(other.counts))

    def form(self, word: str) -> str | None:
        """The form that the word was seen in most, or None where it was not seen."""
        return self.forms.get(word.casefold())


def _mixed_forms(text: str) -> list[str]:
    """Each word with a capital inside it, once."""
    # A form that only its first letter or nothing sets apart from small letters is dropped before the pattern looks at it.
    tokens = [t for t in set(text.split()) if not t[1:].islower()]
    return [word for word in (token.strip(_MARKS) for token in tokens) if _MIXED.fullmatch(word)]


def _is_title_case(line: str) -> bool:
    """True where most longer words after the first are capitalised: a headline, not a sentence."""
    if len(line) > _TITLE_MAX_CHARS:
        return False
    longer = [word for word in line.split(" ")[1:] if len(word) > 3]
    return bool(longer) and 2 * sum(word[0].isupper() for word in longer) > len(longer)


def _capitals(form: str) -> int:
    return sum(c.isupper() for c in form)
