"""Tells a mail that is no newsletter (a confirmation, a receipt, a notice, shop advertising, a letter) from one that is.

No single sign decides: a newsletter may be titled "Your week in review", and a receipt may carry an unsubscribe link. Each sign counts, and the
sum must reach `Nature.NEEDED` (weights.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from feedsvc.links import site_name
from feedsvc.split.features import Line, LinkBook
from feedsvc.split.phrases import says
from feedsvc.split.weights import Nature

OWN_AFFAIR = re.compile(
    r"^\W*(?:re: )?(?:your|ihre?|deine?|votre|vos|tu|su|il tuo|welcome to|willkommen|bienvenue)\b", re.I
)
ASKED_FOR = re.compile(
    r"\b(?:because you (?:requested|asked|signed up for an account|have an account|made a)|if you (?:did not|didn.t) (?:request|make|sign)"
    r"|this (?:e-?mail|message) was meant for|(?:car|parce que) vous avez demand[ée]|weil sie .{0,40} angefordert|do not reply to this)",
    re.I,
)
# Words that only a shop uses of what it sells: "deal" and "sale" alone stand in business news as well.
OFFER = re.compile(
    r"\b\d{1,2}\s?% (?:off|rabatt|de r[ée]duction|discount|descuento)\b|\b(?:free shipping|(?:promo|coupon|gutschein|rabatt)[ -]?codes?|code promo|sitewide"
    r"|(?:w/|with) (?:your )?purchase|deals from|(?:get|show|see) (?:the )?(?:deal|code|offer)s?|(?:shop|buy|order) now|(?:flash|clearance|surprise) sale"
    r"|sale ends|ends (?:today|tomorrow|soon)|bogo|gutschein|jetzt (?:kaufen|bestellen)|soldes|acheter maintenant)\b|[$€£]\d+[.,]\d\d\s+[$€£]\d+[.,]\d\d",
    re.I,
)
# One of these stands in whatever OFFER finds; looked for first, because OFFER tries every word of a text.
OFFER_MARKS = (
    "%",
    "$",
    "€",
    "£",
    "shipping",
    "code",
    "sitewide",
    "purchase",
    "deal",
    "offer",
    "now",
    "sale",
    "ends ",
    "bogo",
    "gutschein",
    "jetzt",
    "soldes",
    "acheter",
)
PRICE = re.compile(
    r"[$€£]\s?\d+(?:[.,]\d\d)?(?!\d|[.,]?\d*\s?(?:billion|million|trillion|[bmk]\b|mrd|mio))|\d\s?€", re.I
)


def is_message(subject: str, lines: Sequence[Line], titles: Sequence[str], book: LinkBook, *, bulk: bool) -> bool:
    """Whether the mail is no newsletter. `titles` are those of the items it seems to hold, `bulk` says what its headers say."""
    return _is_shop(titles, lines) or _account_score(subject, lines, titles, book, bulk=bulk) >= Nature.NEEDED


def _is_shop(titles: Sequence[str], lines: Sequence[Line]) -> bool:
    """Whether most of what it holds are offers with prices."""
    if len(titles) < Nature.MIN_OFFERS:
        return False
    offers = prices = 0
    near = {line.text: lines[line.index : line.index + 3] for line in lines}
    for title in titles:
        words = " ".join(line.text for line in near.get(title, ())) or title
        small = words.casefold()
        offers += any(mark in small for mark in OFFER_MARKS) and bool(OFFER.search(words))
        prices += any(sign in words for sign in "$€£") and bool(PRICE.search(words))
    return offers >= Nature.OFFER_SHARE * len(titles) or (
        offers >= Nature.OFFER_SHARE / 2 * len(titles) and offers + prices >= len(titles)
    )


def _account_score(subject: str, lines: Sequence[Line], titles: Sequence[str], book: LinkBook, *, bulk: bool) -> float:
    """How much speaks for a mail about one person's account or from one person to another."""
    texts = [line for line in lines if line.text]
    words = sum(line.words for line in texts)
    score = 0.0
    if says("transactional", subject):
        score += Nature.SUBJECT
    elif any(
        says("transactional", line.text) for line in texts[: Nature.FIRST_LINES] if line.words <= Nature.LINE_WORDS
    ):
        score += Nature.FIRST_TEXT
    if OWN_AFFAIR.match(subject):
        score += Nature.OWN_AFFAIR
    if any(line.words <= Nature.LINE_WORDS and ASKED_FOR.search(line.text) for line in texts):
        score += Nature.ASKED_FOR
    if words <= Nature.FEW_WORDS and _leads_to_few(lines, book):
        score += Nature.SMALL
    housekeeping = any(line.reason.startswith("links to") for line in lines)
    if not bulk and not housekeeping and not titles:
        score += Nature.LETTER
    return score


def _leads_to_few(lines: Sequence[Line], book: LinkBook) -> bool:
    """Whether all links lead to one or two places."""
    outside = {book.look(href).target.url for line in lines if not line.is_furniture for href in line.hrefs}
    return len(outside) <= Nature.FEW_LINKS and len({site_name(url) for url in outside if url}) <= Nature.FEW_SITES
