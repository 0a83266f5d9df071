"""The whole story: the bytes of one message to an Issue. Pure: no disk, network, clock or database."""

from __future__ import annotations

from datetime import datetime

from feedsvc.articles import make_articles, make_whole
from feedsvc.document import read_html, read_text
from feedsvc.links import subscriber_tokens
from feedsvc.mail import parse_message
from feedsvc.model import Issue, LinkCount, Message
from feedsvc.split import LinkBook, Split, choose, direct_links, split, web_link


def convert(data: bytes, *, received: datetime, filename: str | None = None) -> Issue:
    """Convert one message into an issue with at least one article.

    `data` is an RFC 5322 message or a saved body, `received` (aware) stands in for a missing date, and `filename` tells what kind of body
    it is and may hold its name and date. Raises only MessageError: UnreadableMessage or TooLarge.
    """
    message = parse_message(data, received=received, filename=filename)
    readers = message.recipients.union(*(subscriber_tokens(body) for body in (message.html, message.text) if body))
    book = LinkBook(readers)
    parts = _split_parts(message, book)
    part = choose(parts)
    web = web_link((part, *parts), message.web_url, book)
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


def _split_parts(message: Message, book: LinkBook) -> tuple[Split, ...]:
    """The HTML and the text of the message, each taken apart; the HTML first."""
    documents = []
    if message.html is not None:
        documents.append(read_html(message.html))
    if message.text is not None:
        documents.append(read_text(message.text))
    if len(documents) == 2:
        book.learn(direct_links(documents[0], documents[1], book))
    names = (message.newsletter.name,)
    return tuple(
        split(document, subject=message.subject, names=names, book=book, bulk=message.bulk) for document in documents
    )
