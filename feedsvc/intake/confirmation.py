"""Mails that ask to confirm a subscription: a person has to see them, or no newsletter comes."""

from __future__ import annotations

import re
from dataclasses import replace

from feedsvc.model import Issue

LABEL = "confirm subscription"

# What the subjects of such mails say, by language. A verb and its object, near each other: "order confirmed" is no request.
_ASKED = re.compile(
    r"""
      \b(?:confirm|verify|validate|activate|complete) \b.{0,40}\b (?:subscri|sign-?up|e-?mail|newsletter|registration|address|opt-?in)
    | \b(?:subscription|sign-?up|opt-?in|e-?mail) \s (?:confirmation|verification) \b
    | \bconfirmation \s (?:required|needed) \b
    | \bbest(?:ä|ae)tig\w* \b.{0,40}\b (?:anmeldung|abo|abonnement|newsletter|e-?mail|registrierung|adresse)
    | \b(?:newsletter)?-?anmeldung \b.{0,30}\b best(?:ä|ae)tig
    | \bconfirm(?:ez|er) \b.{0,40}\b (?:inscription|abonnement|adresse|e-?mail)
    | \b(?:confirma|confirme|confirmar) \b.{0,40}\b (?:suscripci|registro|correo|inscri|assinatura|e-?mail)
    | \bconferma \b.{0,40}\b (?:iscrizione|e-?mail|indirizzo)
    | \bbevestig \b.{0,40}\b (?:inschrijving|aanmelding|abonnement|e-?mail)
    """,
    re.IGNORECASE | re.VERBOSE,
)


def with_confirmation_marked(issue: Issue) -> Issue:
    """The issue; where it is one mail that asks to confirm a subscription, as a message with a label that says so."""
    if len(issue.articles) != 1 or not asks_to_confirm(issue.subject):
        return issue
    article = issue.articles[0]
    if article.kind not in ("article", "message"):
        return issue
    return replace(issue, articles=(replace(article, kind="message", label=article.label or LABEL),))


def asks_to_confirm(subject: str) -> bool:
    """Whether a subject asks to confirm a subscription or an address."""
    return _ASKED.search(subject) is not None
