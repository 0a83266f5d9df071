"""Whether a subject only names the issue ("Garden News #16", "Lettre d'information – mars 2024"), as that of a collection does, or says what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable

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
COUNTED = re.compile(r"#\s?\d|\d(?:st|nd|rd|th)$")


def names_issue(subject: str, names: Iterable[str]) -> bool:
    """Whether the subject says no more than the newsletter's name, what kind of issue this is, and which: its number, its month, its day."""
    words = fold(subject).split()
    # A page's title is often the subject once more, which says nothing of what the newsletter is called.
    own = {word for name in names if (called := fold(name).split()) != words for word in called}
    kinds = sum(word in KINDS for word in words)
    which = sum(word in NUMBERING or word in DATING or bool(COUNTED.search(word)) for word in words)
    which += any(word.isdigit() for word in words)
    rest = [w for w in words if not (w in KINDS or w in NUMBERING or w in DATING or w in JOINING or w[:1].isdigit())]
    if not which or not (kinds or own.intersection(rest)):
        return False
    unknown = [word for word in rest if word not in own]
    return not unknown or (kinds > 0 and len(unknown) <= MAX_NAME_WORDS and rest == words[: len(rest)])
