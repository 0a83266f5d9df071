"""Articles as the store gives them, made by hand and by hypothesis, and a store that holds some."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import select, update

from feedsvc.model import Article, Issue, LinkCount, Newsletter, StoredArticle, entry_id
from feedsvc.store import Narrowing, Store
from feedsvc.store.schema import meta
from feedsvc.web.documents import SETTLED

SENT = datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC)
DIGEST = Newsletter("digest.example.com", "Daily Digest", "daily-digest", "post@example.com", "digest.example.com")
TRACKER = "https://link.mail.beehiiv.com/ss/c/u001.abcdefghijklmnop"
UNSUBSCRIBE = "https://digest.example.com/unsubscribe?token=abcdef0123456789"


def article(title: str = "A title", url: str | None = "https://example.com/a", **fields: Any) -> Article:
    """An article with this title and link; all else as given."""
    fields.setdefault("kind", "article")
    fields.setdefault("url_state", "canonical" if url else None)
    return Article(
        id=fields.pop("id", None) or entry_id("message", title), title=title, url=url, raw_link=url, **fields
    )


def stored(what: Article | None = None, **fields: Any) -> StoredArticle:
    """That article as stored, in the issue "An issue" of DIGEST, sent at SENT, unless given otherwise."""
    defaults: dict[str, Any] = {
        "article": what or article(),
        "newsletter": DIGEST,
        "issue_id": "3f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10",
        "issue_subject": "An issue",
        "published": SENT,
        "updated": SENT,
        "language": "en",
    }
    return StoredArticle(**(defaults | fields))


def issue(number: int, *articles: Article, newsletter: Newsletter = DIGEST) -> Issue:
    """An issue that was sent `number` days after SENT."""
    return Issue(
        key=f"message-{number}@example.com",
        newsletter=newsletter,
        subject=f"Issue {number}",
        sent=SENT + timedelta(days=number),
        message_id=f"message-{number}@example.com",
        web_url=None,
        articles=articles,
        links=LinkCount(len(articles), len(articles)),
        language="en",
    )


def add(store: Store, *issues: Issue) -> None:
    """Put the issues into the store."""
    for one in issues:
        sha256 = hashlib.sha256(one.key.encode()).hexdigest()
        store.add_issue(one, sha256=sha256, received=one.sent, size=1000, filename="issue.eml")


def newest(store: Store, limit: int = 100, **narrowing: Any) -> tuple[StoredArticle, ...]:
    """The newest articles that get through, as the feed has them."""
    return store.newest(Narrowing(**narrowing), limit).articles


def let_settle(store: Store) -> None:
    """Make the last change a while ago, so that its date is told; to be called before anybody asks for it."""
    engine = store._engine
    with engine.begin() as connection:
        changed = connection.execute(select(meta.c.changed)).scalar_one()
        connection.execute(update(meta).values(changed=changed - SETTLED - timedelta(seconds=1)))


# Any code point at all, lone surrogates and NUL too: a gate that trusts the rooms before it is no gate.
odd_text = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["", " ", "\x00", "a\x0bb", "\ud800", "\ufffe", "]]>", "<b>&amp;</b>", "é\r\nf", "\u202eabc", "🚀" * 5, "x" * 3000]
)
odd_url = (
    st.none()
    | odd_text
    | st.sampled_from(
        [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://",
            "//example.com/x",
            "https://user:word@example.com/",
            "https://example.com/a b|c?q={x}[y]\\z#`é",
            "https://exämple.com:443/%zz",
            "http://[::1]/",
            TRACKER,
            UNSUBSCRIBE,
        ]
    )
)
odd_html = odd_text | st.lists(
    st.sampled_from(
        [
            "<p>One</p>",
            "<script>alert(1)</script>",
            '<a href="go:0">two</a>',
            '<a href="go:999999999">x',
            '<a href="javascript:alert(1)" onclick="x()">y</a>',
            f'<a href="{TRACKER}">z</a>',
            '<img src="https://example.com/open.gif" width="1" height="1">',
            '<img src="data:image/png;base64,AAAA" alt="&#1;&#xfffe;alt">',
            "<table><tr><td>cell",
            "<svg><style><!--</style><img src=x onerror=alert(1)>-->",
            "&#0;&#x1;&#xd800;&#xffff;",
            "<plaintext>",
            "</div></p>",
        ]
    ),
    max_size=8,
).map("".join)
odd_moment = st.datetimes(timezones=st.just(UTC))


@st.composite
def odd_entries(draw: st.DrawFn) -> StoredArticle:
    """Any article that the types allow."""
    newsletter = Newsletter(draw(odd_text), draw(odd_text), draw(odd_text))
    url = draw(odd_url)
    what = Article(
        id=entry_id("message", draw(st.sampled_from("abcdefgh"))),
        kind=draw(st.sampled_from(["article", "sponsor", "job", "message"])),
        title=draw(odd_text),
        url=url,
        url_state=draw(st.sampled_from(["canonical", "tracked"])) if url is not None else None,
        summary=draw(odd_text),
        content_html=draw(odd_html),
        go_links=("https://example.com/go",),
        read_minutes=draw(st.none() | st.integers(-1, 10_000)),
        read_source=draw(st.sampled_from([None, "declared", "measured", "estimated"])),
        section=draw(st.none() | odd_text),
        label=draw(st.none() | odd_text),
        image=draw(odd_url),
    )
    return StoredArticle(
        article=what,
        newsletter=newsletter,
        issue_id=draw(odd_text),
        issue_subject=draw(odd_text),
        published=draw(odd_moment),
        updated=draw(odd_moment),
        language=draw(odd_text | st.sampled_from(["de", "pt-BR", "en_US", "zh-Hant-TW"])),
        also_in=tuple(draw(st.lists(odd_text, max_size=3))),
    )
