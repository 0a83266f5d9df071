"""The whole story: the bytes of one message to an Issue. Pure: no disk, network, clock or database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from feedsvc.articles import make_articles, make_whole
from feedsvc.document import read_html
from feedsvc.links import subscriber_tokens
from feedsvc.mail import parse_message
from feedsvc.model import Issue, Knowledge, Newsletter
from feedsvc.split import Context, LinkBook, rule_for, split_message, web_link

NOTHING_KNOWN = Knowledge()

# What is known of a newsletter, asked for once it is plain whose message this is; also given the message's key.
Teacher = Callable[[Newsletter, str], Knowledge]


def convert(
    data: bytes,
    *,
    received: datetime,
    filename: str | None = None,
    known: Knowledge | Teacher = NOTHING_KNOWN,
    whole: bool = False,
) -> Issue:
    """Convert one message into an issue with at least one article.

    `data` is an RFC 5322 message or a saved body, `received` (aware) stands in for a missing date, and `filename` tells what kind of body
    it is and may hold its name and date. `known` is what earlier issues and the user's rules taught, `whole` keeps the issue in one piece.
    Raises only MessageError: UnreadableMessage or TooLarge.
    """
    message = parse_message(data, received=received, filename=filename)
    if not isinstance(known, Knowledge):
        known = known(message.newsletter, message.key)
    html = read_html(message.html) if message.html is not None else None
    bodies = [body for body in (message.html or message.text,) if body]
    readers = message.recipients.union(*(subscriber_tokens(body, message.unsubscribe) for body in bodies))
    book = LinkBook(readers)
    rule = rule_for(message.newsletter, known.rules)
    mended = rule.corrections + known.corrections
    rule = replace(rule, whole=rule.whole or whole or known.whole, corrections=mended)
    context = Context(
        message.subject, (message.newsletter.name,), message.bulk, book, known.repeated, rule, message.key
    )
    part = split_message(html, message.text, context)
    web = web_link(part, message.web_url, book)
    if part.items:
        articles = make_articles(message, part, book, web)
    else:
        articles = make_whole(message, part, book, web or part.button, mended)
    return Issue(
        key=message.key,
        newsletter=message.newsletter,
        subject=message.subject,
        sent=message.sent,
        message_id=message.message_id,
        web_url=book.look(web).target.url if web else None,
        articles=articles,
        links=part.links,
        problems=message.problems + part.document.problems,
        readings=part.readings,
        recipients=readers,
        language=part.document.language,
        inline_images=message.inline_images,
        unsubscribe=message.unsubscribe,
        one_click=message.one_click,
        fingerprints=part.fingerprints,
    )
