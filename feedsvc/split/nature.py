"""Tells a mail that is no newsletter (a confirmation, a receipt, a notice, shop advertising, a letter) from one that is.

No single sign decides: a newsletter may be titled "Your week in review", and a receipt may carry an unsubscribe link. Each sign counts, and the
sum must reach `Nature.NEEDED` (weights.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from feedsvc.links import site_name
from feedsvc.split.features import WHOLE, Line
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.phrases import says
from feedsvc.split.weights import Nature
from feedsvc.split.words import lowered

OWN_AFFAIR = re.compile(
    r"^\W*(?:re: )?(?:your|ihre?|deine?|votre|vos|tu|su|il tuo|welcome to|willkommen|bienvenue)\b", re.I
)
WELCOMES = re.compile(
    r"^\W*(?:welcome (?:to|aboard)\b|willkommen (?:bei|in|auf)\b|herzlich willkommen\b|bienvenue\b|bienvenid[oa]s?\b|benvenut[oaie]\b"
    r"|(?:thanks|thank you) for (?:joining|signing up|subscribing|registering))",
    re.I,
)
# In small letters, for text that was `lowered`: to ignore case takes a search four times as long.
ASKED_FOR = re.compile(
    r"\b(?:because you (?:requested|asked|signed up for an account|have an account|made a)|if you (?:did not|didn.t) (?:request|make|sign)"
    r"|this (?:e-?mail|message) was meant for|(?:car|parce que) vous avez demand[ée]|weil sie .{0,40} angefordert|do not reply to this)"
)
# One of these stands in whatever ASKED_FOR finds.
ASKED_FOR_MARKS = ("because you ", "if you did", "was meant for", "vous avez demand", "angefordert", "reply to this")
# Words that only a shop uses of what it sells: "deal" and "sale" alone stand in business news as well.
OFFER = re.compile(
    r"\b(?:\d{1,2}\s?% (?:off|rabatt|de r[ée]duction|discount|descuento)"
    r"|free shipping|(?:promo|coupon|gutschein|rabatt)[ -]?codes?|code promo|sitewide"
    r"|(?:w/|with) (?:your )?purchase|deals from|(?:get|show|see) (?:the )?(?:deal|code|offer)s?|(?:shop|buy|order) now|(?:flash|clearance|surprise) sale"
    r"|sale ends|ends (?:today|tomorrow|soon)|bogo|gutschein|jetzt (?:kaufen|bestellen)|soldes|acheter maintenant)\b"
)
# One of these stands in whatever OFFER finds; looked for first, because OFFER tries every word of a text.
OFFER_MARKS = (
    "%",
    "shipping",
    "code",
    "sitewide",
    " purchase",
    "deal",
    "offer",
    "shop now",
    "buy now",
    "order now",
    "sale",
    "ends to",
    "ends soon",
    "bogo",
    "gutschein",
    "jetzt ",
    "soldes",
    "acheter",
)
TWO_PRICES = re.compile(r"[$€£]\d+[.,]\d\d\s+[$€£]\d+[.,]\d\d")  # the old one and the new one
PRICE = re.compile(r"[$€£]\s?\d+(?:[.,]\d\d)?(?!\d|[.,]?\d*\s?(?:billion|million|trillion|[bmk]\b|mrd|mio))|\d\s?€")


def is_message(subject: str, lines: Sequence[Line], titles: Sequence[str], book: LinkBook, *, bulk: bool) -> bool:
    """Whether the mail is no newsletter. `titles` are those of the items it seems to hold, `bulk` says what its headers say."""
    return _is_shop(titles, lines) or _account_score(subject, lines, titles, book, bulk=bulk) >= Nature.NEEDED


def _is_shop(titles: Sequence[str], lines: Sequence[Line]) -> bool:
    """Whether most of what it holds are offers with prices."""
    if len(titles) < Nature.MIN_OFFERS:
        return False
    places = {line.text: line.index for line in lines}
    texts = [lowered(_near(title, places, lines)) for title in titles]
    whole = "\n".join(texts)
    marks = [mark for mark in OFFER_MARKS if mark in whole]
    offers = prices = 0
    for text in texts:
        priced = "$" in text or "€" in text or "£" in text
        offered = any(mark in text for mark in marks) and OFFER.search(text) is not None
        offers += offered or (priced and TWO_PRICES.search(text) is not None)
        prices += priced and PRICE.search(text) is not None
    return offers >= Nature.OFFER_SHARE * len(titles) or (
        offers >= Nature.OFFER_SHARE / 2 * len(titles) and offers + prices >= len(titles)
    )


def _near(title: str, places: dict[str, int], lines: Sequence[Line]) -> str:
    """A title with the two lines below it; `places` are the indices of lines by their text."""
    at = places.get(title)
    return (" ".join([line.text for line in lines[at : at + 3]]) if at is not None else "") or title


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
    buttons = {line.text for line in texts if line.href and line.linked >= WHOLE}
    if any(says("transactional", words) for words in buttons):
        score += Nature.BUTTON
    if OWN_AFFAIR.match(subject):
        score += Nature.OWN_AFFAIR
    short = lowered("\n".join([line.text for line in texts if line.words <= Nature.LINE_WORDS]))
    if any(mark in short for mark in ASKED_FOR_MARKS) and ASKED_FOR.search(short):
        score += Nature.ASKED_FOR
    if words <= Nature.FEW_WORDS and _leads_to_few(lines, book):
        score += Nature.SMALL
        if WELCOMES.match(subject):
            score += Nature.WELCOMES
    housekeeping = any(line.reason.startswith("links to") for line in lines)
    if not bulk and not housekeeping and not titles:
        score += Nature.LETTER
    return score


def _leads_to_few(lines: Sequence[Line], book: LinkBook) -> bool:
    """Whether all links lead to one or two places."""
    outside = {book.look(href).target.url for line in lines if not line.is_furniture for href in line.hrefs}
    return len(outside) <= Nature.FEW_LINKS and len({site_name(url) for url in outside if url}) <= Nature.FEW_SITES
