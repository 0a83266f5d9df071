"""How an issue is named: "Garden News #16", "Lettre d'information – mars 2024".

A collection's subject and masthead say no more than that; an essay's say what it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from feedsvc.split.weights import Heads
from feedsvc.split.words import fold

MAX_NAME_WORDS = 3  # of a name that the sender does not bear, beside what kind of issue it is, and which
KINDS = frozenset(
    """
announcements briefing bulletin digest gazette infolettre journal monthly news newscast newsletter roundup update weekly daily
infobrief mitteilungen nachrichten newsbrief rundbrief rundschreiben wochenrückblick monatsbrief
actualités bulletins lettre nouvelles boletin boletín noticias novedades notiziario bollettino nieuwsbrief
""".split()
)
NUMBERING = frozenset(
    "ausgabe edition folge issue jahrgang n nr no num number nummer numero numéro número vol volume week woche semaine".split()
)
DATING = frozenset(
    """
jan feb mar apr may jun jul aug sep sept oct nov dec
january february march april june july august september october november december
jänner januar februar märz mai juni juli oktober dezember
janvier février fevrier mars avril juin juillet août aout septembre octobre novembre décembre decembre
enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre
gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre
januari februari maart mei augustus
monday tuesday wednesday thursday friday saturday sunday weekend mon tue wed thu fri sat sun
montag dienstag mittwoch donnerstag freitag samstag sonntag lundi mardi mercredi jeudi vendredi samedi dimanche
""".split()
)
JOINING = frozenset(
    """
a and at d da das de dei del della der des di die du e el en et for from fr für im in information informativo l la le les los of on
st nd rd th the und van vom von y zum
""".split()
)
ORDINAL = re.compile(r"\d(?:st|nd|rd|th)$")
# Beginnings of the words that stand beside a name in a masthead.
MASTHEAD_WORDS = """
jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun day issue edition newsletter ausgabe no nr the of st nd rd th weekly
daily vol volume week
""".split()
ISSUE_WORD = re.compile(r"\b(?:issue|edition|newsletter|ausgabe|no|nr|num[ée]ro)\b")
ISSUE_KINDS = frozenset(
    "digest weekly monthly news newsletter roundup links bulletin briefing rundbrief infolettre boletin boletín newsletters".split()
)


def names_issue(subject: str, names: Iterable[str]) -> bool:
    """Whether the subject says no more than the newsletter's name, what kind of issue this is, and which: its number, its month, its day."""
    words = fold(subject).split()
    # A page's title is often the subject once more, which says nothing of what the newsletter is called.
    own = {word for name in names if (called := fold(name).split()) != words for word in called}
    is_kind = any(word in KINDS for word in words)
    which = any(w in NUMBERING or w in DATING or w.isdigit() or ORDINAL.search(w) for w in words)
    rest = [w for w in words if not (w in KINDS or w in NUMBERING or w in DATING or w in JOINING or w[:1].isdigit())]
    if not which or not (is_kind or own.intersection(rest)):
        return False
    unknown = [word for word in rest if word not in own]
    return not unknown or (is_kind and len(unknown) <= MAX_NAME_WORDS and rest == words[: len(rest)])


def names_kind_and_number(text: str) -> bool:
    """Whether a title says what kind of issue it is, and which: "Links digest, May 2025"."""
    words = text.split()
    return (
        len(words) <= Heads.ISSUE_NAME_WORDS
        and any(w in ISSUE_KINDS for w in words)
        and any(w.isdigit() and len(w) in (1, 2, 3, 4) for w in words)
    )


def is_masthead(text: str, names: set[str]) -> bool:
    """Whether a head is the newsletter's name with a number or a date, and nothing else."""
    rest = text
    for name in names:
        rest = rest.replace(name, " ")
    if rest == text and not ISSUE_WORD.search(text):
        return False
    words = [w for w in rest.split() if not w.isdigit()]
    return all(any(w.startswith(m) and len(w) <= 10 for m in MASTHEAD_WORDS) for w in words)


def is_date(text: str) -> bool:
    """Whether folded words are a date with its month or its weekday, and nothing else."""
    words = text.split()
    named = [w for w in words if w in DATING]
    return (
        bool(named)
        and any(w[:1].isdigit() for w in words)
        and all(w in DATING or w in JOINING or w.isdigit() or ORDINAL.search(w) for w in words)
    )


def begins_name(text: str, name: str) -> bool:
    """Whether a name goes on behind a text with a colon or a dash, as a page's title does behind the newsletter's name."""
    return name.startswith(text) and name[len(text) :].lstrip()[:1] in tuple(":–—|-")
