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
OFFER = re.compile(
    r"\b\d{1,2}\s?%\s?(?:off|rabatt|de r[ée]duction|discount)|\b(?:free shipping|(?:flash |surprise |winter |summer )?sale|deals?|coupon|promo code"
    r"|on orders?|rabatt|soldes|sitewide|bogo|ends (?:today|tomorrow|soon)|w/ purchase|gift card|(?:shop|buy) now)\b",
    re.I,
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
    near = {line.text: " ".join(other.text for other in lines[line.index : line.index + 3]) for line in lines}
    offers = sum(bool(OFFER.search(near.get(title, title))) for title in titles)
    prices = sum(bool(PRICE.search(near.get(title, title))) for title in titles)
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
    if any(ASKED_FOR.search(line.text) for line in texts if line.words <= Nature.LINE_WORDS):
        score += Nature.ASKED_FOR
    outside = [book.look(href).target.url for line in lines if not line.is_furniture for href in line.hrefs]
    sites = {site_name(url) for url in outside if url}
    if len(set(outside)) <= Nature.FEW_LINKS and len(sites) <= Nature.FEW_SITES and words <= Nature.FEW_WORDS:
        score += Nature.SMALL
    housekeeping = any(line.reason.startswith("links to") for line in lines)
    if not bulk and not housekeeping and not titles:
        score += Nature.LETTER
    return score
