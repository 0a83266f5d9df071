"""The page of an issue: its articles beside the mail, what was understood of it, and its mending, seen from outside."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import feedparser
import pytest
from articles import newest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import ingest_paths
from feedsvc.links import is_personal, is_tracker, unwrap
from feedsvc.model import Correction, StoredArticle, Verdict
from feedsvc.publish.leaks import scrub
from feedsvc.publish.original import Original, Rules, Wanted, original_of_html, original_of_text
from feedsvc.publish.styles import StyleBook, harmless
from feedsvc.split import Traits
from feedsvc.store import Store, open_store
from feedsvc.web import create_app
from feedsvc.web.reading import read_again
from feedsvc.web.redo import Redo, redo_of
from feedsvc.web.scopes import Census, beginnings

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
READER = "robin@home.example"
TRACKER = "https://link.mail.beehiiv.com/ss/c/u001.abcdefghijklmnop"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAIAAABLbSncAAAAEUlEQVR4nGNoYGDAioeWBAA6kkABkRlOZgAAAABJRU5ErkJggg=="
)


def mail(number: int, sections: int = 2) -> bytes:
    """An issue with two items in each section, a picture within it and one elsewhere, and the reader's address in its foot."""
    html = '<div style="display:none">What only the list of mails shows</div><h1 style="color:#333;position:fixed">Gate Weekly</h1>'
    for section in range(sections):
        html += f"<h2>Section {section}</h2>"
        for item in range(2):
            link = f"{TRACKER}{number}{item}" if section == 1 else f"https://site{item}.example/{number}/{section}"
            html += (
                f'<p><a href="{link}"><b>Title {number}.{section}.{item} is a title</b></a></p>'
                f"<p>A summary of {number}.{section}.{item}, long enough to be one, in a sentence.</p>"
            )
    html += (
        '<p><img src="cid:logo@gates.example" alt="The gate"><img src="https://pictures.example/gate.png" alt="A gate">'
        '<img src="https://count.example/open.gif" width="1" height="1"></p>'
        f'<p>Sent to {READER}. <a href="https://gates.example/unsubscribe?token=abcdef0123456789">Unsubscribe</a></p>'
    )
    message = EmailMessage()
    message["From"] = "Gate Weekly <letter@gates.example>"
    message["To"] = READER
    message["Subject"] = f"Gates, week {number}"
    message["Message-ID"] = f"<week-{number}@gates.example>"
    message["Date"] = f"Sun, {number:02} Mar 2026 08:00:00 +0000"
    message["List-Unsubscribe"] = "<https://gates.example/unsubscribe?token=abcdef0123456789>"
    message.set_content("In HTML only")
    message.add_alternative(html, subtype="html")
    parts: Any = message.get_payload()
    parts[1].add_related(PIXEL, "image", "png", cid="<logo@gates.example>")
    return message.as_bytes()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", workers=1, resolve="never")
    prepare_folders(made)
    return made


@pytest.fixture
def store(settings: Settings, tmp_path: Path) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        take(settings, opened, tmp_path, *((f"{number}.eml", mail(number)) for number in (1, 2, 3)))
        yield opened


def take(settings: Settings, store: Store, folder: Path, *mails: tuple[str, bytes]) -> None:
    for name, data in mails:
        (folder / name).write_bytes(data)
    ingest_paths([folder / name for name, _ in mails], settings, store)


@pytest.fixture
def app(settings: Settings, store: Store) -> Iterator[Flask]:
    made = create_app(settings, store)
    yield made
    redo_of(made).stop()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def issue_id(store: Store, subject: str = "Gates, week 2") -> str:
    return next(one.issue_id for one in newest(store, 1000) if one.issue_subject == subject)


def page_of(client: FlaskClient, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return LexborHTMLParser(answer.text)


def text_of(node: Any) -> str:
    return " ".join(node.text().split())


def wait_for(redo: Redo) -> None:
    thread = redo._thread
    if thread is not None:
        thread.join(20)


# --- the page -----------------------------------------------------------------------------------------------------


def test_articles_lead_to_their_places_in_the_mail(client: FlaskClient, store: Store) -> None:
    path = f"/issues/{issue_id(store)}"
    page = page_of(client, path)
    frame = page.css_first("iframe[name=original]")
    assert frame.attributes["src"] == f"{path}/original"
    assert frame.attributes["sandbox"] == "allow-popups allow-popups-to-escape-sandbox"
    mail_page = page_of(client, f"{path}/original")
    places = {}
    for article in page.css("article"):
        link = article.css_first("a.to-mail")
        assert link.attributes["target"] == "original"
        where = (link.attributes["href"] or "").partition("#")[2]
        places[text_of(article.css_first("h2"))] = text_of(mail_page.css_first(f"#{where}"))
    assert places == {title: title for title in places}
    assert len(places) == 4


def test_it_says_how_much_was_understood_and_where_the_rest_is(client: FlaskClient, store: Store) -> None:
    page = page_of(client, f"/issues/{issue_id(store)}")
    assert text_of(page.css_first(".understood")) == "4 of 4 links are in an article"
    assert page.css_first("meter").attributes["value"] == "4"
    left = [text_of(one) for one in page.css(".leftovers li")]
    assert any("Section 0" in one and one.startswith("Heading") for one in left)
    assert any("[subscriber]" in one and one.startswith("Housekeeping") for one in left)
    assert not any(READER in one for one in left)


def test_nothing_of_a_mail_is_out_of_reach(settings: Settings) -> None:
    """Each line of each fixture is in an article, or among those that belong to none."""
    with open_store(settings.database_url) as store:
        ingest_paths([FIXTURES], settings, store)
        app = create_app(settings, store)
        looked_at = 0
        for row in store.messages():
            shown = text_of(page_of(app.test_client(), f"/issues/{row.issue_id}").css_first("main"))
            sheet = store.get_issue(row.issue_id)
            assert sheet is not None
            with app.test_request_context():
                reading = read_again(sheet)
            assert reading is not None
            for one in reading.issue.readings:
                words = " ".join(one.block.text.split())
                if one.role in ("meta", "title") and one.article is not None:
                    continue  # said beside the article, and without its marks
                assert scrub(words, reading.issue.recipients) in shown, (reading.issue.subject, one)
                looked_at += 1
        assert looked_at > 400


def test_issues_lead_to_their_neighbours(client: FlaskClient, store: Store) -> None:
    pages = {week: page_of(client, f"/issues/{issue_id(store, f'Gates, week {week}')}") for week in (1, 2, 3)}
    found = {
        week: [text_of(client_page) for client_page in page.css("nav.neighbours a")] for week, page in pages.items()
    }
    assert found == {1: ["Later issue →"], 2: ["← Earlier issue", "Later issue →"], 3: ["← Earlier issue"]}
    earlier = pages[3].css_first("nav.neighbours a").attributes["href"]
    assert earlier == f"/issues/{issue_id(store, 'Gates, week 2')}"


def test_a_mail_that_is_gone_is_said_so(client: FlaskClient, store: Store, settings: Settings) -> None:
    path = f"/issues/{issue_id(store)}"
    for file in settings.archive.rglob("*.eml"):
        file.unlink()
    page = page_of(client, path)
    assert "is not in the archive" in page.css_first("main").text()
    assert page.css("iframe, .mend") == []
    assert len(page.css("article")) == 4
    assert client.get(f"{path}/original").status_code == 404
    entry = store.issue_articles(issue_id(store))[0].article.id.removeprefix("urn:uuid:")
    assert client.post(f"{path}/mend", data={"article": entry, "verdict": "job"}).status_code == 404


def test_a_static_copy_has_neither_forms_nor_the_mail(settings: Settings, store: Store) -> None:
    page = page_of(create_app(settings, store, follow=False).test_client(), f"/issues/{issue_id(store)}")
    assert page.css("main :is(form, iframe, .mend, button, meter)") == []
    assert len(page.css("article")) == 4


def test_a_mail_whose_id_another_has_too_is_mended_as_well(
    settings: Settings, store: Store, app: Flask, tmp_path: Path
) -> None:
    other = mail(9).replace(b"<week-9@", b"<week-1@")
    take(settings, store, tmp_path, ("again.eml", other))
    path = f"/issues/{issue_id(store, 'Gates, week 9')}"
    client = app.test_client()
    entry = page_of(client, path).css("article")[1].attributes["id"]
    assert client.post(f"{path}/mend", data={"article": entry, "verdict": "nothing"}).status_code == 303
    assert [node.attributes["id"] for node in page_of(client, path).css("article")].count(entry) == 0


# --- the mail -----------------------------------------------------------------------------------------------------


def test_the_mail_is_shown_without_its_reader_and_loads_nothing(client: FlaskClient, store: Store) -> None:
    answer = client.get(f"/issues/{issue_id(store)}/original")
    assert READER not in answer.text
    assert "token=" not in answer.text
    assert TRACKER not in answer.text
    assert "What only the list of mails shows" not in answer.text
    page: Any = LexborHTMLParser(answer.text)
    sources = [node.attributes["src"] or "" for node in page.css("[src]")]
    assert [source.partition(",")[0] for source in sources] == ["data:image/png;base64"]
    assert "A gate" in page.css_first("body").text()
    links = {text_of(node): node.attributes for node in page.css("a[href]")}
    assert "Unsubscribe" not in links
    first = links["Title 2.0.0 is a title"]
    assert (first["href"], first["target"], first["title"]) == ("https://site0.example/2/0", "_blank", "site0.example")
    assert "noopener" in (first["rel"] or "")
    entry = store.issue_articles(issue_id(store))[2].article.id.removeprefix("urn:uuid:")
    assert links["Title 2.1.0 is a title"]["href"] == f"http://localhost/go/{entry}"


def test_the_policy_of_the_mail_lets_in_its_style_and_nothing_else(client: FlaskClient, store: Store) -> None:
    path = f"/issues/{issue_id(store)}"
    answer = client.get(f"{path}/original")
    parts = [part.split() for part in answer.headers["Content-Security-Policy"].split(";")]
    policy = {part[0]: part[1:] for part in parts}
    assert policy["default-src"] == ["'none'"]
    assert policy["img-src"] == ["data:"]
    assert policy["sandbox"] == ["allow-popups", "allow-popups-to-escape-sandbox"]
    assert policy["frame-ancestors"] == ["'self'"]
    assert policy["form-action"] == policy["base-uri"] == ["'none'"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = LexborHTMLParser(answer.text)
    assert page.css("[style], script, link, base, meta[http-equiv], form, iframe") == []
    assert len(page.css("style")) == 1
    for other in ("/", path, "/newsletters"):
        headers = client.get(other).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_pictures_come_when_they_are_asked_for(client: FlaskClient, store: Store) -> None:
    path = f"/issues/{issue_id(store)}"
    page = page_of(client, path)
    assert "1 picture is left out" in text_of(page.css_first(".mail"))
    assert page.css_first(".mail .button").attributes["href"] == f"{path}?pictures=1#mail"
    page = page_of(client, f"{path}?pictures=1")
    assert "pictures.example, which sees that you look" in text_of(page.css_first(".mail"))
    assert page.css_first("iframe").attributes["src"] == f"{path}/original?pictures=1"
    answer = client.get(f"{path}/original?pictures=1")
    assert "img-src data: https://pictures.example;" in answer.headers["Content-Security-Policy"]
    sources = [node.attributes["src"] or "" for node in LexborHTMLParser(answer.text).css("img")]
    assert [source for source in sources if not source.startswith("data:")] == ["https://pictures.example/gate.png"]


@pytest.mark.parametrize(("policy", "source"), [("strip", None), ("proxy", "/issues/")])
def test_pictures_follow_the_setting(settings: Settings, store: Store, policy: str, source: str | None) -> None:
    changed = load_settings(
        data=settings.data, images=policy, access_token="a-long-secret-of-the-server", resolve="never"
    )
    client = create_app(changed, store).test_client()
    path = f"/issues/{issue_id(store)}"
    client.get(f"{path}?token=a-long-secret-of-the-server")  # sets the cookie
    answer = client.get(f"{path}/original?pictures=1")
    sources = [node.attributes["src"] or "" for node in LexborHTMLParser(answer.text).css("img")]
    elsewhere = [one for one in sources if not one.startswith("data:")]
    assert len(elsewhere) == (source is not None)
    if source is None:
        assert page_of(client, path).css(".mail .button") == []
        return
    assert elsewhere[0].startswith(source)
    assert "img-src data: http://localhost;" in answer.headers["Content-Security-Policy"]
    outside = create_app(changed, store).test_client()  # the frame has no cookie
    assert outside.get(elsewhere[0].partition("?")[0]).status_code == 401
    assert outside.get(elsewhere[0].replace("key=", "key=0")).status_code == 401
    assert outside.get(elsewhere[0]).status_code == 502  # it is the mail's, and cannot be had here
    token = elsewhere[0].rpartition("/")[2].partition("?")[0]
    assert client.get(f"{path}/picture/{token[::-1]}").status_code == 404


def test_a_text_is_shown_as_it_stands(settings: Settings, store: Store, app: Flask, tmp_path: Path) -> None:
    text = (
        "THE GATES OPEN EARLY (3 MINUTE READ)\nhttps://one.example/a?utm_source=mail\n\n  Somebody <wrote> of gates & hinges.\n\n"
        f"THE HINGES ARE BACK (4 MINUTE READ)\n{TRACKER}\n\nSomebody wrote of hinges, to {READER}, and was answered.\n\n"
        "THE LOCKS ARE OUT (5 MINUTE READ)\nhttps://two.example/b\n\nSomebody wrote of locks, and of what they lock.\n"
    )
    head = f"From: Text <text@gates.example>\nTo: {READER}\nSubject: As text\nMessage-ID: <text@gates.example>\nList-Id: <text.gates.example>\n\n"
    take(settings, store, tmp_path, ("text.eml", (head + text).encode()))
    path = f"/issues/{issue_id(store, 'As text')}"
    client = app.test_client()
    page = page_of(client, f"{path}/original")
    shown = page.css_first("pre").text()
    assert "  Somebody <wrote> of gates & hinges." in shown
    assert "https://one.example/a\n" in shown
    assert READER not in shown


@pytest.mark.parametrize(
    "name",
    [
        "text-footnotes.txt",
        "text-inline.txt",
        "text-numbered.eml",
        "text-ruled-boxes.eml",
        "text-setext.txt",
        "text-wrapped-markers.txt",
    ],
)
def test_articles_of_a_text_have_places_in_it(settings: Settings, tmp_path: Path, name: str) -> None:
    with open_store(settings.database_url) as store:
        assert ingest_paths([FIXTURES / name], settings, store).accepted == 1
        client = create_app(settings, store).test_client()
        path = f"/issues/{newest(store, 1)[0].issue_id}"
        page, mail_page = page_of(client, path), page_of(client, f"{path}/original")
        for article in page.css("article"):
            place = (article.css_first("a.to-mail").attributes["href"] or "").partition("#")[2]
            shown = text_of(mail_page.css_first(f"#{place}")).casefold()
            title = text_of(article.css_first("h2")).casefold()
            assert title[:12] in shown or shown in title, (title, shown)


def tree_of(found: Original) -> Any:
    return LexborHTMLParser(found.body)


def plain(markup: str, *wanted: Wanted) -> Original:
    return original_of_html(
        markup, wanted, Rules(lambda href: href if href.startswith("https:") else None, lambda src: src)
    )


def test_two_articles_with_one_link_have_places_of_their_own() -> None:
    markup = '<a href="https://a.example">One</a><p>x</p><a href="https://a.example">Two</a>'
    found = plain(
        markup, Wanted("https://a.example", ("One",)), Wanted("https://a.example", ("Two",)), Wanted(None, ("No",))
    )
    tree = tree_of(found)
    assert [tree.css_first(f"#{place}").text() for place in found.places[:2]] == ["One", "Two"]
    assert found.places[2] is None


def test_a_place_is_where_the_words_are_not_where_a_list_of_contents_names_the_link() -> None:
    markup = '<a href="https://a.example"><img src="https://b.example/x.png"></a><p>Pad</p><a href="https://a.example"><b>A long title</b></a>'
    found = plain(markup, Wanted("https://a.example", ("A long title",)))
    assert tree_of(found).css_first(f"#{found.places[0]}").text() == "A long title"


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color: #123; font-size:16px", "color:#123;font-size:16px"),
        ("COLOR:RED !important", "color:RED"),
        ("background: #fff", "background-color:#fff"),
        ("background:url(https://x.example/a.png)", ""),
        ("background:#fff url(x)", ""),
        ("width:expression(alert(1))", ""),
        ("color:rgba(1,2,3,.5)", "color:rgba(1,2,3,.5)"),
        ("position:fixed;top:0;z-index:9", ""),
        ("margin:-20px;padding:4px", "padding:4px"),
        ("font-family:'Segoe UI', \"x\"", "font-family:Segoe UI, x"),
        ("color:red}body{display:none", ""),
        ("color:red/**/;width:10px", "width:10px"),
        ("content:'x';behavior:url(#a);-moz-binding:url(x)", ""),
        ("color:\\72 ed", ""),
        ("width:calc(1px + 2px)", ""),
        ("color:var(--x)", ""),
        ("@import 'x'", ""),
    ],
)
def test_of_styles_only_harmless_looks_are_kept(style: str, kept: str) -> None:
    assert harmless(style) == kept


@given(st.text(max_size=200))
def test_whatever_a_style_says_it_leads_nowhere_and_ends_where_it_should(style: str) -> None:
    book = StyleBook("s")
    book.name(f"color:{style};{style};width:{style}")
    css = book.css()
    assert not re.search(r"url|[@\\<>\"'*]|/\*", re.sub(r"[\w-]*:[\w ]*", "", css))
    assert css.count("{") == css.count("}") <= 1
    for call in re.findall(r"([a-z]+)\(", css, re.IGNORECASE):
        assert call.lower() in ("rgb", "rgba", "hsl", "hsla")


@given(st.text(max_size=300), st.text(max_size=30))
def test_no_text_and_no_markup_is_too_odd_to_be_shown(body: str, words: str) -> None:
    wanted = [Wanted("https://a.example/x", (words,))]
    rules = Rules(lambda href: None, lambda src: None, frozenset({READER}))
    for show in (original_of_html, original_of_text):
        found = show(body, wanted, rules)
        tree = LexborHTMLParser(f"<body>{found.body}")
        assert tree.css("script, style, [onload], [style], [href], [src]") == []
        assert len(found.places) == 1


# --- mending ------------------------------------------------------------------------------------------------------


def feed(client: FlaskClient) -> dict[str, Any]:
    parsed = feedparser.parse(client.get("/feed.xml").data)
    return {entry.id: entry for entry in parsed.entries}


def mended(client: FlaskClient, path: str, title: str, **said: str) -> str:
    page = page_of(client, path)
    article = next(one for one in page.css("article") if text_of(one.css_first("h2")) == title)
    answer = client.post(f"{path}/mend", data={"article": article.attributes["id"] or "", **said})
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{path}?done=mended#{article.attributes['id']}"
    return f"urn:uuid:{article.attributes['id']}"


def test_what_is_said_of_one_changes_its_feed_and_no_other_entry(app: Flask, client: FlaskClient, store: Store) -> None:
    path = f"/issues/{issue_id(store)}"
    before = feed(client)
    entry = mended(client, path, "Title 2.0.1 is a title", verdict="sponsor", scope="item")
    assert entry in before
    after = feed(client)
    assert after.keys() == before.keys() - {entry}
    assert {uid: one.updated for uid, one in after.items()} == {uid: before[uid].updated for uid in after}
    page = page_of(client, f"{path}?done=mended")
    assert "Mended." in text_of(page.css_first(".notice"))
    assert text_of(page.css_first(".rule-list p")) == "A sponsor Only “Title 2.0.1 is a title”"
    assert text_of(page.css_first(".folded summary")) == "1 sponsor"
    assert page.css(".rules [data-rereading]") == []  # only this issue had to follow
    undo = page.css_first(".rule-list form").attributes["action"] or ""
    answer = client.post(undo, data={"issue": issue_id(store)})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{path}?done=undone")
    assert feed(client).keys() == before.keys()
    assert {uid: one.summary for uid, one in feed(client).items()} == {uid: one.summary for uid, one in before.items()}


def test_a_rule_goes_as_far_as_it_is_let(
    app: Flask, client: FlaskClient, store: Store, settings: Settings, tmp_path: Path
) -> None:
    path = f"/issues/{issue_id(store)}"
    menu = page_of(client, path).css_first(".mend")
    choices = [text_of(node) for node in menu.css("fieldset")[1].css("label")]
    assert choices == [
        "Only this one",
        "Every item in the section “Section 0” 6 articles so far",
        "Every item that links to site0.example 3 articles so far",
    ]
    mended(client, path, "Title 2.0.0 is a title", verdict="nothing", scope="section")
    assert "Section 0" not in {one.article.section for one in store.issue_articles(issue_id(store))}
    wait_for(redo_of(app))
    assert {one.article.section for one in newest(store, 100)} == {"Section 1"}
    take(settings, store, tmp_path, ("4.eml", mail(4)))
    assert {one.article.section for one in newest(store, 100)} == {"Section 1"}
    assert len(feed(client)) == 8
    assert store.rereading_of("letter@gates.example") is None
    number = store.corrections_of("letter@gates.example")[0].id
    client.post(f"/newsletters/gate-weekly/rules/{number}/undo")
    wait_for(redo_of(app))
    assert len(feed(client)) == 16


def test_two_are_one(client: FlaskClient, store: Store) -> None:
    path = f"/issues/{issue_id(store)}"
    before = feed(client)
    gone = mended(client, path, "Title 2.0.1 is a title", verdict="joined", scope="item")
    after = feed(client)
    assert after.keys() == before.keys() - {gone}
    changed = {uid for uid in after if after[uid].updated != before[uid].updated}
    assert [after[uid].title for uid in changed] == ["Title 2.0.0 is a title"]
    assert "A summary of 2.0.1" in after[changed.pop()].content[0].value


def test_a_newsletter_is_kept_whole_and_split_again(app: Flask, client: FlaskClient, store: Store) -> None:
    before = feed(client)
    answer = client.post("/newsletters/gate-weekly/whole", data={"whole": "1", "issue": issue_id(store)})
    assert answer.headers["Location"] == f"/issues/{issue_id(store)}?done=mended"
    assert len(store.issue_articles(issue_id(store))) == 1
    wait_for(redo_of(app))
    assert len(feed(client)) == 3
    page = page_of(client, f"/issues/{issue_id(store)}")
    assert "kept in one piece" in text_of(page.css_first(".whole"))
    labels = [text_of(one) for one in page.css(".mend label")]
    assert labels == ["A sponsor", "A job"]
    client.post("/newsletters/gate-weekly/whole", data={"whole": "0"})
    wait_for(redo_of(app))
    assert feed(client).keys() == before.keys()


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"verdict": "sponsor", "article": "00000000-0000-0000-0000-000000000000"}, 400),
        ({"verdict": "sponsor", "article": "<script>"}, 400),
        ({"verdict": "spam"}, 400),
        ({}, 400),
        ({"verdict": "job", "scope": "label"}, 400),  # it has none
        ({"verdict": "job", "scope": "begins"}, 400),  # it shares none
        ({"verdict": "job", "scope": "universe"}, 400),
    ],
)
def test_what_cannot_be_meant_is_refused(client: FlaskClient, store: Store, said: dict[str, str], status: int) -> None:
    path = f"/issues/{issue_id(store)}"
    entry = page_of(client, path).css("article")[0].attributes["id"] or ""
    answer = client.post(f"{path}/mend", data={"article": entry, **said})
    assert answer.status_code == status
    assert store.corrections() == {}


def test_what_is_not_there_is_not_found(client: FlaskClient) -> None:
    for path in (
        "/issues/x/mend",
        "/newsletters/x/whole",
        "/newsletters/x/reread",
        "/newsletters/x/rules/1/undo",
        f"/newsletters/gate-weekly/rules/{2**63}/undo",  # more than a database can hold
    ):
        assert client.post(path).status_code == 404
    for path in ("/issues/x", "/issues/x/original", "/issues/x/picture/y", "/newsletters/x/rereading"):
        assert client.get(path).status_code == 404
    assert client.post(f"/newsletters/gate-weekly/rules/{2**63 - 1}/undo").status_code == 303
    assert client.post("/newsletters/gate-weekly/rules/99/undo").status_code == 303  # somebody undid it before


# --- reading again ------------------------------------------------------------------------------------------------


def test_what_a_process_that_died_left_is_taken_up(settings: Settings, store: Store) -> None:
    key = "letter@gates.example"
    store.add_correction(key, Correction("job", "section", "Section 0"), title="", issue="x")
    died = (
        "import os, sys\n"
        "from datetime import UTC, datetime\n"
        "from feedsvc.store import open_store\n"
        "store = open_store(sys.argv[1])\n"
        f"store.ask_again({key!r})\n"
        "work = store.claim_rereading(datetime.now(UTC))\n"
        "store.note_rereading(work, 1)\n"
        "os._exit(9)\n"
    )
    run = subprocess.run([sys.executable, "-c", died, settings.database_url], check=False, timeout=60)
    assert run.returncode == 9
    found = store.rereading_of(key)
    assert found is not None
    assert (found.done, found.total) == (1, 3)
    early = Redo(settings, store, idle=timedelta(hours=1))
    early.go_on()  # somebody may still be at it
    early.stop()
    assert store.rereading_of(key) == found
    redo = Redo(settings, store, idle=timedelta(milliseconds=50))
    redo.go_on()
    wait_for(redo)
    assert store.rereading_of(key) is None
    assert [one.article.kind for one in stored_issue(store)] == ["job", "job", "article", "article"]


def test_who_lost_a_newsletter_to_another_process_does_not_end_what_that_one_does(store: Store) -> None:
    key, now = "letter@gates.example", datetime.now(UTC)
    store.ask_again(key)
    first = store.claim_rereading(now)
    assert first is not None
    store.ask_again(key)  # something else is mended, and another process is quicker
    second = store.claim_rereading(now)
    assert second is not None
    assert store.note_rereading(first, 2) is None
    store.end_rereading(first)
    store.leave_rereading(first, "of the first")
    noted = store.note_rereading(second, 1)
    assert noted is not None
    assert store.rereading_of(key) == noted
    assert store.claim_rereading(now) is None
    stalled = store.claim_rereading(datetime.now(UTC))  # so long that it was taken for dead
    assert stalled is not None
    store.end_rereading(noted)
    assert store.rereading_of(key) == stalled
    store.end_rereading(stalled)
    assert store.rereading_of(key) is None


def stored_issue(store: Store) -> tuple[StoredArticle, ...]:
    return store.issue_articles(issue_id(store, "Gates, week 3"))


def test_what_is_asked_while_it_runs_is_read_from_the_beginning(settings: Settings, store: Store) -> None:
    key = "letter@gates.example"
    redo = Redo(settings, store)
    said: tuple[Verdict, ...] = ("job", "sponsor", "article", "sponsor")
    for verdict in said:
        store.add_correction(key, Correction(verdict, "section", "Section 0"), title="", issue="x")
        redo.ask(key)
    wait_for(redo)
    kinds = {
        one.article.kind for week in (1, 2, 3) for one in store.issue_articles(issue_id(store, f"Gates, week {week}"))
    }
    assert kinds == {"article", "sponsor"}
    assert store.rereading_of(key) is None
    redo.stop()
    redo.stop()
    redo.ask(key)  # nobody is there to do it, and it waits
    assert store.rereading_of(key) is not None
    assert threading.active_count() < 20


def test_a_failure_is_said_on_the_page_and_can_be_tried_again(
    app: Flask, client: FlaskClient, store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = settings.data / ".lock"
    lock.unlink(missing_ok=True)
    lock.mkdir()  # nobody can lock that
    redo_of(app).ask("letter@gates.example")
    wait_for(redo_of(app))
    lock.rmdir()
    words = text_of(page_of(client, f"/issues/{issue_id(store)}").css_first(".rules .note"))
    assert words.startswith("Past issues could not be read again: cannot write")
    state = client.get("/newsletters/gate-weekly/rereading").json
    assert state == {"words": words}
    client.post("/newsletters/gate-weekly/reread")
    wait_for(redo_of(app))
    assert client.get("/newsletters/gate-weekly/rereading").json == {"words": ""}


# --- how far it goes ----------------------------------------------------------------------------------------------


def test_suggestions_are_what_items_share() -> None:
    titles = ["Quiz of the day: rivers", "Quiz of the day: lakes", "Quiz of the week: seas", "A word on seas", "Alone"]
    counted = Census(Traits(str(number), title, "Games", None, "a.example") for number, title in enumerate(titles))
    found = counted.suggestions(Traits("0", titles[0], "GAMES", "Quiz", "b.example"))
    assert [(one.scope, one.value, one.articles) for one in found] == [
        ("item", "0", 1),
        ("section", "GAMES", 5),
        ("label", "Quiz", 1),
        ("site", "b.example", 1),
        ("begins", "Quiz of the", 3),
    ]
    assert [one.scope for one in counted.suggestions(Traits("4", "Alone"))] == ["item"]


def test_a_beginning_is_two_words_or_what_stands_before_a_colon() -> None:
    assert beginnings("Alone") == ()
    assert beginnings("Sponsor: buy this") == ("Sponsor: buy", "Sponsor:")
    assert beginnings("One two three") == ("One two",)


# --- real newsletters ---------------------------------------------------------------------------------------------


def test_mails_of_real_newsletters_are_shown_without_their_reader(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A sample of them: what leaves names nobody, and nearly every article has its place in the mail."""
    settings = load_settings(data=tmp_path / "data", workers=1, resolve="never")
    prepare_folders(settings)
    mails = sorted(path for path in shared.glob("corpus*/**/*") if path.suffix in {".eml", ".html", ".txt"})[::8]
    articles = places = 0
    with open_store(settings.database_url) as store:
        assert ingest_paths(mails, settings, store).accepted == len(mails)
        client = create_app(settings, store).test_client()
        people = store.recipient_addresses()
        for row in store.messages():
            page = page_of(client, f"/issues/{row.issue_id}")
            articles += len(page.css("article"))
            places += len(page.css("a.to-mail"))
            words = client.get(f"/issues/{row.issue_id}/original").text
            plain = unquote(unescape(words)).lower()
            assert [who for who in people if who.lower() in plain] == [], row.filename
            for url in set(re.findall(r"https?://[^\s<>\"']+", unescape(words))):
                if not url.startswith("http://localhost/"):
                    assert not is_tracker(url), (row.filename, url)
                    assert unwrap(url) is None, (row.filename, url)
                    assert not is_personal(url), (row.filename, url)
    assert len(mails) > 20
    assert places >= 0.99 * articles
    assert caplog.records == []  # the last look at each page found nothing
