"""Titles in capitals, written as their newsletter would write them.

For each word the first of these that knows it decides: the item's own summary, the issue's running text (a `Lexicon`), the table of
names, the shape of the word (version, size, number with a letter), the table of common words and the endings that common words
have. A word that none knows is taken for a name and capitalised. The style is sentence case: on the labelled newsletters
whose true titles are known it gets more words right than Title Case.
Only letter case changes: the result folds to the same text.
"""

from __future__ import annotations

import re
from functools import lru_cache

from feedsvc.enrich import tables
from feedsvc.enrich.lexicon import Lexicon

_TOKEN = re.compile(r"\S+")
# The parts of a token between hyphens, slashes and dashes. One class each, so linear.
_PART = re.compile(r"[^\-‐‑–—/|…:()\[\]{}\"“”„«»,;!?]+")
_WORD_EDGES = "'’‘`.*_~"
_EDGES = _WORD_EDGES + ',;:!?"“”„«»()[]{}…'
_BEFORE_US = frozenset(
    [
        "about",
        "bring",
        "brings",
        "give",
        "gives",
        "help",
        "helps",
        "join",
        "let",
        "lets",
        "made",
        "make",
        "makes",
        "of",
        "remind",
        "reminds",
        "show",
        "showed",
        "shows",
        "taught",
        "teach",
        "teaches",
        "tell",
        "tells",
        "told",
    ]
)
_BEFORE_LAST_US = frozenset(["around", "between", "for", "from", "to", "with"])
# `owner/name_of_it`, `some_name`, `owner/name.js`: as code is named.
_REPOSITORY = re.compile(r"(?i)^[\w.-]*[a-z0-9]_[a-z0-9][\w.-]*$|^[\w.-]+/[\w.-]*(?:_|\.(?:js|py|rs|go))[\w.-]*$")
_SENTENCE_END = re.compile(r"(?<![.])[.:?!|—–][\"”’')\]]*$")
_POSSESSIVE = re.compile(r"(?i)^([^'’]+)(['’](?:s|d|m|re|ve|ll))$")
_BETWEEN_APOSTROPHES = re.compile(r"[^'’]+")
_NEGATION = re.compile(r"(?i)n['’]t$")
_DOMAIN = re.compile(
    r"(?i)^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|org|net|io|ai|dev|app|co|edu|gov|info|me|so|sh|tech|tv|xyz|uk|de|fr|eu|us|in|ch|fm|gg|ly|to|js|py|rs|md)$"
)
_INFLECTIONS = (
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("er", ""),
    ("er", "e"),
    ("ers", ""),
    ("ers", "e"),
    ("est", ""),
    ("est", "e"),
    ("y", ""),
    ("ier", "y"),
    ("iest", "y"),
)
_URL_CHARS = 2000  # so that a long address costs a constant for each word
_WORDS = re.compile(r"[^\W_]+")
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
_PREFIXES = (
    "anti",
    "co",
    "counter",
    "cross",
    "cyber",
    "de",
    "dis",
    "fore",
    "hyper",
    "im",
    "in",
    "inter",
    "ir",
    "mega",
    "meta",
    "micro",
    "mid",
    "mini",
    "mis",
    "multi",
    "nano",
    "non",
    "out",
    "over",
    "pre",
    "pro",
    "re",
    "semi",
    "sub",
    "super",
    "trans",
    "ultra",
    "un",
    "under",
    "up",
)
_NO_VOWEL = re.compile(r"(?i)^[b-df-hj-np-tvwxz]{2,5}$")
_TITLES_OF_PEOPLE = frozenset(["dr", "jr", "mr", "mrs", "ms", "sr", "st"])


def is_shouting(title: str) -> bool:
    """True for a title entirely in capitals: several words, or one word too long for an acronym."""
    if not title.isupper():
        return False
    words = [w for w in title.split() if w.isalpha() or any(c.isalpha() for c in w)]
    return len(words) > 1 or sum(c.isalpha() for c in title) > 6


def repair_case(title: str, lexicon: Lexicon, summary: str = "", *, url: str = "") -> str:
    """The title in sentence case with its names as they are written; a title that does not shout is returned as it is.

    `summary` is the item's own text: what it says about a word goes before the `lexicon` of the issue. `url` is the item's link, whose
    path spells repositories ("owner/some_name"). A single short word in capitals may be an acronym: it changes only where
    one of these writes it otherwise.
    """
    if not title.isupper():
        return title
    # A text that begins with a small letter says how its first word is written ("pocketvec is ..."); with a capital one it does not.
    own = Lexicon.learn((f"of {summary}" if summary[:1].islower() else summary,)) if summary else Lexicon()
    repaired = _Repair(own, lexicon, summary, url, sure=not is_shouting(title)).run(title)
    first = summary.split(None, 1)[0] if summary[:1].islower() else ""
    if first and repaired.casefold().split(None, 1)[0] == first.casefold():
        repaired = first + repaired[len(first) :]  # a name that is written small even where a sentence begins
    return repaired if repaired.casefold() == title.casefold() else title


class _Repair:
    """One title's repair: what it knows, and where in the title it stands."""

    def __init__(self, own: Lexicon, issue: Lexicon, summary: str, url: str, *, sure: bool) -> None:
        self._own = own
        self._issue = issue
        self._summary_words = frozenset(_WORDS.findall(summary))
        self._path = url[:_URL_CHARS].split("://", 1)[-1].split("?", 1)[0].partition("/")[2]
        self._folded_path = self._path.casefold()
        self._sure = sure
        self._after_first_name = False

    def run(self, title: str) -> str:
        tokens = title.split(" ")
        out: list[str] = []
        first = True
        while len(out) < len(tokens):
            at = len(out)
            done = self._several(tokens, at) or [self._token(tokens[at], tokens, at)]
            if first and not self._sure and not self._stays_small(done[0].strip(_EDGES)):
                done[0] = _capitalised(done[0])
            out += done
            last = tokens[len(out) - 1]
            ends = not last[-1:].isalnum() and _SENTENCE_END.search(last) and last.casefold() not in tables.names()
            first = bool(ends) or (first and not any(c.isalnum() for c in last))
        return " ".join(out)

    def _stays_small(self, word: str) -> bool:
        """True for a word that starts no sentence with a capital: npm, owner/name."""
        return word in tables.small_names() or ("/" in word and word in self._path)

    def _several(self, tokens: list[str], at: int) -> list[str] | None:
        """The tokens from `at` on that are one name of several words, written as it is."""
        if tokens[at].strip(_EDGES).casefold() not in tables.first_words():
            return None
        for count in (4, 3, 2):
            if at + count > len(tokens):
                continue
            text = " ".join(tokens[at : at + count])
            core = text.strip(_EDGES)
            tail = _POSSESSIVE.match(core)
            bare = tail[1] if tail and core.casefold() not in tables.names() else core
            name = tables.names().get(bare.casefold())
            if name:
                return text.replace(core, name + core[len(bare) :].lower(), 1).split(" ")
        return None

    def _token(self, token: str, tokens: list[str], at: int) -> str:
        core = token.strip(_EDGES)
        if not core:
            return token
        if core == token and core.isalpha() and core != "US":
            return self._part(token)
        if not core.isalpha():
            dotted = core + "."
            if dotted in token and dotted.casefold() in tables.names():
                return token.replace(dotted, tables.names()[dotted.casefold()], 1)
            whole = self._known(core) or self._in_path(core)
            if whole is not None:
                return token.replace(core, whole, 1)
        if core == "US":
            return token if _is_country(tokens, at) else token.lower()
        if core.startswith(("$", "@", "#")) and core[1:].isalpha():
            return token if core[0] == "$" else token.replace(core, core[0] + self._word(core[1:]), 1)
        if ("_" in token or "/" in token) and _REPOSITORY.search(core):
            return token.lower()
        if "." in core and _DOMAIN.match(core):
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
        # L'HORREUR, N'MARE, ROCK'N'ROLL: each side by itself, a single letter small.
        return _BETWEEN_APOSTROPHES.sub(lambda side: self._word(side[0]) if len(side[0]) > 1 else side[0].lower(), word)

    def _known(self, word: str) -> str | None:
        """The word as summary, issue or table of names writes it."""
        folded = word.casefold()
        everyday = folded in tables.common_words()
        name = tables.names().get(folded)
        for lexicon in (self._own, self._issue):
            form = lexicon.form(word)
            if form is None:
                continue
            once = lexicon is self._issue and lexicon.counts[form] < 2
            if everyday and once and form != name and form[1:].islower() and not form.islower():
                continue  # seen once, in a heading or as part of a name ("the Data Center Summit")
            if everyday and len(form) > 1 and form.isupper() and form != name:
                continue  # emphasis ("it is HERE"), not an acronym
            if name and not everyday and form.islower():
                return name
            return form
        if name is None and folded.endswith("s"):
            singular = tables.names().get(folded[:-1])
            if singular and singular.isupper() and len(singular) > 1 and not everyday:
                return singular + "s"
        return name

    def _in_path(self, word: str) -> str | None:
        """The word as the path of the item's link spells it: an identifier, or a word with capitals inside."""
        at = self._folded_path.find(word.casefold()) if self._path and len(word) > 2 else -1
        if at < 0 or len(self._folded_path) != len(self._path):
            return None
        end = at + len(word)
        if self._path[at - 1 : at].isalnum() or self._path[end : end + 1].isalnum():
            return None
        spelt = self._path[at:end]
        if "/" in spelt or "_" in spelt:
            return spelt
        return spelt if spelt[1:] != spelt[1:].lower() and not spelt.isupper() else None

    def _guess(self, word: str) -> str:
        folded = word.casefold()
        first_name = folded in tables.first_names()
        if self._sure:
            return word.capitalize() if word.capitalize() in self._summary_words else self._in_path(word) or word
        if folded in tables.common_words():
            return word.lower()
        in_path = self._in_path(word)
        if in_path:
            return in_path
        if _ROMAN.match(word):
            return word
        if first_name or self._after_first_name:
            return word.capitalize()
        if _NO_VOWEL.match(word):
            return word.capitalize() if folded in _TITLES_OF_PEOPLE else word
        if _looks_common(folded):
            return word.lower()
        return word.capitalize()


@lru_cache(maxsize=8192)
def _looks_common(folded: str) -> bool:
    if _COMMON_ENDINGS.match(folded) or _stem_is_common(folded):
        return True
    common = tables.common_words()
    for prefix in _PREFIXES:
        rest = folded[len(prefix) :]
        if folded.startswith(prefix) and len(rest) > 2 and (rest in common or _stem_is_common(rest)):
            return True
    return any(
        folded[:cut] in common and (folded[cut:] in common or _stem_is_common(folded[cut:]))
        for cut in range(3, min(len(folded), 24) - 2)
    )


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


def _is_country(tokens: list[str], at: int) -> bool:
    """True where `US` is the country: not the object of a verb or preposition that people follow with "us"."""
    before = tokens[at - 1].strip(_EDGES).casefold() if at else ""
    last = at + 1 == len(tokens) or not tokens[at + 1][:1].isalpha()
    return before not in _BEFORE_US and not (last and before in _BEFORE_LAST_US)
