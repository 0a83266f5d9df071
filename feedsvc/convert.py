"""The whole story: the bytes of one message to an Issue. Pure: no disk, network, clock or database."""

from __future__ import annotations

from datetime import datetime

from feedsvc.articles import make_articles, make_whole
from feedsvc.document import read_html, read_text
from feedsvc.links import subscriber_tokens
from feedsvc.mail import parse_message
from feedsvc.model import Issue, LinkCount
from feedsvc.split import Context, LinkBook, split_message, web_link


def convert(data: bytes, *, received: datetime, filename: str | None = None) -> Issue:
    """Convert one message into an issue with at least one article.

    `data` is an RFC 5322 message or a saved body, `received` (aware) stands in for a missing date, and `filename` tells what kind of body
    it is and may hold its name and date. Raises only MessageError: UnreadableMessage or TooLarge.
    """
    message = parse_message(data, received=received, filename=filename)
    readers = message.recipients.union(*(subscriber_tokens(body) for body in (message.html, message.text) if body))
    book = LinkBook(readers)
    html = read_html(message.html) if message.html is not None else None
    text = read_text(message.text) if message.text is not None else None
    part = split_message(html, text, Context(message.subject, (message.newsletter.name,), message.bulk, book))
    web = web_link(part, message.web_url, book)
    if part.items:
        articles = make_articles(message, part, book, web)
    else:
        articles = make_whole(message, part, book, None if part.is_message else web)
    return Issue(
        key=message.key,
        newsletter=message.newsletter,
        subject=message.subject,
        sent=message.sent,
        message_id=message.message_id,
        web_url=book.look(web).target.url if web else None,
        articles=articles,
        links=LinkCount(
            len(part.content_keys), len(part.content_keys & part.assigned_keys if part.items else part.content_keys)
        ),
        problems=message.problems + part.document.problems,
        readings=part.readings,
        recipients=readers,
        language=part.document.language,
    )
