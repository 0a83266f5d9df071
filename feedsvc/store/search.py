"""Full-text search: what is indexed of an article, and how a query is read.

Both sides go through the same reduction (`reduce_words`), so that SQLite's FTS5 and PostgreSQL's LIKE find the same:
NFKC, lower case, no accents, punctuation as spaces, and each Chinese, Japanese or Korean character a word of its own,
because those scripts write no spaces between words; a query of several of them is a phrase.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from feedsvc.model import Article

MAX_QUERY_CHARS: Final = 200
_MAX_WORDS_CHARS = 100_000
_TAG = re.compile(r"<[^<>]*>")
_ACCENT = re.compile("[\u0300-\u036f]")
_NO_WORD = re.compile(r"[\W_]+")
# Dashes, quotation marks, bullets and ellipses, which many a text has that is ASCII else; the no-break space.
_TYPOGRAPHY = re.compile("[\u00a0\u2010-\u2027]+")
_ASCII_GAPS = {code: " " for code in range(128) if not chr(code).isalnum()}
_IDEOGRAPH = re.compile(
    "([\u2e80-\u2fdf\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7a3\U00020000-\U0003ffff])"
)
# A quoted phrase, or a run without spaces; each perhaps with a minus before it, or a star behind it.
_TERM = re.compile(r'(-?)(?:"([^"]*)"|([^\s"]+))')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand side by side. `begins` lets the last one go on; `unwanted` ones must not be there."""

    words: str
    begins: bool = False
    unwanted: bool = False


def reduce_words(text: str) -> str:
    """The text as words in lower case, without accents, each parted by one space."""
    if not text.isascii():
        text = _TYPOGRAPHY.sub(" ", text)
    if text.isascii():  # nearly all there is: normalising it would change nothing, and takes ten times as long
        return " ".join(text.lower().translate(_ASCII_GAPS).split())
    # Twice: what NFKD makes of some letters (𝓐) has a lower case of its own.
    text = _ACCENT.sub("", unicodedata.normalize("NFKD", text.casefold()).casefold())
    text = unicodedata.normalize("NFKC", text)
    return _NO_WORD.sub(" ", _IDEOGRAPH.sub(r" \1 ", text)).strip()


def article_words(article: Article) -> str:
    """What a search looks through: title, summary, text, section, label and author of an article."""
    return joined_words(
        article.title, article.summary, article.content_html, article.section, article.label, article.author
    )


def joined_words(title: str, summary: str, content_html: str, *more: str | None) -> str:
    """The words of these parts, each part on a line of its own, none twice."""
    content = html.unescape(_TAG.sub(" ", content_html[: 2 * _MAX_WORDS_CHARS]))
    if summary in content:
        summary = ""  # the text begins with the summary, as a rule
    lines = [reduce_words(part or "") for part in (title, summary, content, *more)]
    if lines[1] in lines[2]:
        lines[1] = ""
    # A query holds no line end, so that no phrase runs over two parts.
    return "\n".join(dict.fromkeys(filter(None, lines)))[:_MAX_WORDS_CHARS]


def read_query(query: str) -> tuple[Term, ...]:
    """The terms of a query: all must be there; "quoted words" stand side by side; -word is unwanted; begin* goes on.

    Raises ValueError, in words, where it holds nothing to look for.
    """
    if len(query) > MAX_QUERY_CHARS:
        raise ValueError(f"longer than {MAX_QUERY_CHARS} characters")
    terms = []
    for minus, quoted, bare in _TERM.findall(query):
        words = reduce_words(quoted or bare)
        if words:
            terms.append(Term(words, begins=bare.endswith("*"), unwanted=bool(minus)))
    if all(term.unwanted for term in terms):
        raise ValueError("no word to look for")
    return tuple(terms)


def fts5_query(terms: tuple[Term, ...]) -> str:
    """The terms as SQLite's FTS5 understands them (sqlite.org/fts5.html section 3)."""
    wanted = " AND ".join(_fts5(term) for term in terms if not term.unwanted)
    return " NOT ".join([f"({wanted})", *(_fts5(term) for term in terms if term.unwanted)])


def like_pattern(term: Term) -> str:
    """The term as a pattern for LIKE over words that have a space before and behind them."""
    escaped = term.words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"% {escaped}%" if term.begins else f"% {escaped} %"


def _fts5(term: Term) -> str:
    # Reduced words hold no quotation marks.
    return f'"{term.words}"*' if term.begins else f'"{term.words}"'
