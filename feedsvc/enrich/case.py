"""Titles in capitals, written as their newsletter would write them.

For each word the first of these that knows it decides: the item's own summary, the issue's running text (a `Lexicon`), the table of
names, the shape of the word (version, size, number with a letter), the table of common words and the endings that common words
have. A word that none knows is taken for a name and capitalised. The style is sentence case: on the labelled newsletters
whose true titles are known it gets more words right than Title Case.
Only letter case changes: the result folds to the same text.
"""

from __future__ import annotations

import re

from feedsvc.enrich import tables
from feedsvc.enrich.lexicon import Lexicon

_TOKEN = re.compile(r"\S+")
# The parts of a token between hyphens, slashes and dashes. One class each, so linear.
_PART = re.compile(r"[^\-‐‑–—/|…:()\[\]{}\"“”„«»,;!?]+")
_WORD_EDGES = "'’‘`.*_~"
_SENTENCE_END = re.compile(r"(?<![.])[.:?!|—–][\"”’')\]]*$")
_POSSESSIVE = re.compile(r"(?i)^([^'’]+)(['’](?:s|d|m|re|ve|ll))$")
_NEGATION = re.compile(r"(?i)n['’]t$")
_DOMAIN = re.compile(
    r"(?i)^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|ai|dev|app|co|edu|gov|info|me|so|sh|tech|tv|xyz|uk|de|fr|eu|us|in|ch|fm|gg|ly|to|js|py|rs|md)$"
)
_INFLECTIONS = (("s", ""), ("es", ""), ("ies", "y"), ("er", ""), ("er", "e"), ("ers", ""), ("ers", "e"), ("est", ""), ("est", "e"), ("y", ""))
_DIGITS = re.compile(r"\d")
_VERSION = re.compile(r"(?i)^v\d[\w.]*$")
_ORDINAL = re.compile(r"(?i)^\d+(?:st|nd|rd|th|s|x|am|pm|min|hr|hrs|h|ms|km|kg|cm|mm|nm|ft|lb|lbs|sec|bit|px)$")
_MONEY = re.compile(r"(?i)^[$€£¥]?\d[\d.,]*(?:bn|mn|tn)$")
_HERTZ = re.compile(r"(?i)^\d[\d.,]*(k|m|g)hz$")
_ROMAN = re.compile(r"(?i)^(?:i{2,3}|iv|vi{0,3}|ix|xi{0,3}|xiv|xvi{0,3})$")
_LETTER_CODE = re.compile(r"(?i)^[a-z]{1,4}\d[\w.+]*$|^[$€£¥]?\d[\d.,]*[a-z]{1,3}\+?$")
# Endings that everyday words have and names seldom do. Anchored at the end of one word; tried once a word.
_COMMON_ENDINGS = re.compile(
    r"(?i)^(?:\w{2,}(?:ings?|ed|ly|tions?|sions?|ments?|ness|nesses|ity|ities|able|ible|ful|less|ous|ives?|i[sz]es?|ify|ifies|isms?|ists?|ships?|hood"
    r"|[ae]nces?|[ae]ncy|[ae]ncies|ology|ologies|wards?|ators?|ware|proof)|\w{4,}(?:i?cal|ics?|al|ary|ery|ory|ories|[ae]nts?|ates?|ures?|ages?|phy|wise|like|rs))$"
)
_PREFIXES = ("anti", "co", "counter", "cross", "cyber", "de", "dis", "fore", "hyper", "im", "in", "inter", "ir", "mega", "meta", "micro", "mid", "mini", "mis", "multi", "nano", "non", "out", "over", "pre", "pro", "re", "semi", "sub", "super", "trans", "ultra", "un", "under", "up")
_NO_VOWEL = re.compile(r"(?i)^[b-df-hj-np-tvwxz]{2,5}$")
_TITLES_OF_PEOPLE = frozenset(["dr", "jr", "mr", "mrs", "ms", "sr", "st"])


def is_shouting(title: str) -> bool:
    """True for a title entirely in capitals: several words, or one word too long for an acronym."""
    if not title.isupper():
        return False
    words = [w for w in title.split() if any(c.isalpha() for c in w)]
    return len(words) > 1 or sum(c.isalpha() for c in title) > 6


def repair_case(title: str, lexicon: Lexicon, summary: str = "") -> str:
    """The title in sentence case with its names as they are written; a title that does not shout is returned as it is.

    `summary` is the item's own text: what it says about a word goes before the `lexicon` of the issue.
    """
    if not is_shouting(title):
        return title
    own = Lexicon.learn((summary,)) if summary else Lexicon()
    repaired = _Repair(own, lexicon, summary).run(title)
    return repaired if repaired.casefold() == title.casefold() else title


class _Repair:
    """One title's repair: what it knows, and where in the title it stands."""

    def __init__(self, own: Lexicon, issue: Lexicon, summary: str) -> None:
        self._own = own
        self._issue = issue
        self._summary_words = frozenset(re.findall(r"[^\W_]+", summary)) if summary else frozenset()
        self._after_first_name = False

    def run(self, title: str) -> str:
        out = []
        first = True
        for token in title.split(" "):
            done = self._token(token)
            if first and any(c.isalpha() for c in token):
                done = _capitalised(done)
            out.append(done)
            if token:
                first = (
                    bool(_SENTENCE_END.search(token))
                    if any(c.isalnum() for c in token)
                    else (first or bool(_SENTENCE_END.search(token)))
                )
        return " ".join(out)

    def _token(self, token: str) -> str:
        whole = self._known(token.strip(_WORD_EDGES + ',;:!?"“”()[]'))
        core = token.strip(_WORD_EDGES + ',;:!?"“”()[]')
        if whole is not None and core:
            return token.replace(core, whole, 1)
        if ("_" in token or "/" in token) and _is_repository(token):
            return token.lower()
        if _DOMAIN.match(core):
            return token.lower()
        return _PART.sub(lambda part: self._part(part[0]), token)

    def _part(self, part: str) -> str:
        core = part.strip(_WORD_EDGES)
        if not core:
            return part
        known = self._word(core)
        self._after_first_name = core.casefold() in tables.first_names()
        return part.replace(core, known, 1)

    def _word(self, word: str) -> str:
        known = self._known(word)
        if known is not None:
            return known
        if "'" in word or "’" in word:
            return self._with_apostrophe(word)
        if _DIGITS.search(word):
            return _code(word)
        return self._guess(word)

    def _with_apostrophe(self, word: str) -> str:
        if _NEGATION.search(word) or word.replace("’", "'").casefold() in tables.common_words():
            return word.lower()
        possessive = _POSSESSIVE.match(word)
        if possessive:
            return self._word(possessive[1]) + possessive[2].lower()
        left, mark, right = re.split("(['’])", word, maxsplit=1)
        return (self._word(left) if len(left) > 1 else left.lower()) + mark + (self._word(right) if right else "")

    def _known(self, word: str) -> str | None:
        """The word as summary, issue or table of names writes it."""
        folded = word.casefold()
        form = self._own.form(word) or self._issue.form(word)
        if form is not None:
            return form
        name = tables.names().get(folded)
        if name is None and folded.endswith("s"):
            singular = tables.names().get(folded[:-1])
            if singular and singular.isupper() and len(singular) > 1:
                return singular + "s"
        return name

    def _guess(self, word: str) -> str:
        folded = word.casefold()
        first_name = folded in tables.first_names()
        if folded in tables.common_words():
            return word.lower()
        if _ROMAN.match(word):
            return word
        if first_name or self._after_first_name:
            return word.capitalize()
        if _NO_VOWEL.match(word):
            return word.capitalize() if folded in _TITLES_OF_PEOPLE else word
        if _looks_common(folded):
            return word.lower()
        return word.capitalize()


def _looks_common(folded: str) -> bool:
    if _COMMON_ENDINGS.match(folded) or _stem_is_common(folded):
        return True
    common = tables.common_words()
    for prefix in _PREFIXES:
        rest = folded[len(prefix) :]
        if folded.startswith(prefix) and len(rest) > 2 and (rest in common or _stem_is_common(rest)):
            return True
    return any(folded[:cut] in common and (folded[cut:] in common or _stem_is_common(folded[cut:])) for cut in range(3, min(len(folded), 24) - 2))


def _stem_is_common(folded: str) -> bool:
    common = tables.common_words()
    return any(folded.endswith(end) and (folded[: -len(end)] + put) in common for end, put in _INFLECTIONS)


def _code(word: str) -> str:
    """A word with digits: version, size, ordinal, amount, model number."""
    if _VERSION.match(word) or _ORDINAL.match(word) or _MONEY.match(word):
        return word.lower()
    hertz = _HERTZ.match(word)
    if hertz:
        return word[:-2] + "Hz"
    if _LETTER_CODE.match(word):
        return word
    return _capitalised(word.lower())


def _capitalised(text: str) -> str:
    """The text with its first letter large, unless its first word is written otherwise (iOS, v2, domain names stay)."""
    for at, character in enumerate(text):
        if character.isdigit():
            return text
        if character.isalpha():
            word = re.split(r"[\s\-–—/:,]", text[at:], maxsplit=1)[0]
            if not word.islower() or _VERSION.match(word) or "_" in text:
                return text
            return text[:at] + character.upper() + text[at + 1 :]
    return text


def _is_repository(token: str) -> bool:
    """True for `owner/name` and `some_name`, as code is named."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]*_[\w.-]*|[A-Za-z0-9.-]+_[\w.-]+|_+[\w.-]+", token))
