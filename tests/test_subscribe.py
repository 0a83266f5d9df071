"""Where feeds are: each address on the page answers, the form makes more, and a first run shows the ways in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import feedparser
import pytest
from articles import add, article, issue
from flask.testing import FlaskClient
from pages import page, text

from feedsvc.config import Settings, load_settings
from feedsvc.intake.maildir import way_of
from feedsvc.model import Newsletter
from feedsvc.store import Store, open_store
from feedsvc.web import create_app

OTHER = Newsletter("other.example.com", "Other & Co", "other")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path, resolve="never")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        long = article("Long", "https://example.com/long", read_minutes=30, section="News")
        ad = article("Ad", "https://example.com/ad", kind="sponsor")
        add(opened, issue(0, article("Short", read_minutes=2), long, ad))
        add(opened, issue(1, article("Else", "https://example.com/else"), newsletter=OTHER))
        yield opened


def titles(client: FlaskClient, address: str) -> set[str]:
    return {
        entry.title for entry in feedparser.parse(client.get(address.removeprefix("http://localhost")).data).entries
    }


def test_every_address_on_the_page_answers(client: FlaskClient) -> None:
    found = page(client, "/subscribe")
    addresses = [text(node) for node in found.css("code[id]")]
    assert len(addresses) == 3 + 1 + 4 + 2
    for address in addresses:
        assert address.startswith("http://localhost/")
        assert client.get(address.removeprefix("http://localhost")).status_code == 200, address
    for button in found.css("button.copy"):
        assert found.css(f"#{button.attributes['data-copies']}")


def test_readers_are_offered_to_open_feeds(client: FlaskClient) -> None:
    links = [node.attributes["href"] or "" for node in page(client, "/subscribe").css("a[href^='feed:']")]
    assert len(links) == 3 + 4
    for link in links:
        assert client.get(link.removeprefix("feed:http://localhost")).status_code == 200, link


def test_ready_made_filters_hold_what_they_say(client: FlaskClient) -> None:
    found = page(client, "/subscribe")
    offered = {name: text(found.css_first(f"#ready-{name}")) for name in ("short", "long", "issues", "sponsors")}
    assert titles(client, offered["short"]) == {"Short"}
    assert titles(client, offered["long"]) == {"Long"}
    assert titles(client, offered["sponsors"]) == {"Short", "Long", "Ad", "Else"}
    assert titles(client, offered["issues"]) == {"Issue 0", "Issue 1"}


@pytest.mark.parametrize(
    ("query", "path", "holds"),
    [
        ("q=short", "/feed.xml?q=short", {"Short"}),
        ("newsletter=other&format=rss", "/newsletters/other/feed.rss", {"Else"}),
        ("section=News&min_minutes=5&group=issue", "/feed.xml?section=News&min_minutes=5&group=issue", {"Issue 0"}),
        ("format=xml", "/feed.xml", {"Short", "Long", "Else"}),
    ],
)
def test_form_makes_an_address_without_a_script(client: FlaskClient, query: str, path: str, holds: set[str]) -> None:
    found = page(client, f"/subscribe?{query}")
    made = text(found.css_first("#made"))
    assert made == f"http://localhost{path}"
    assert titles(client, made) == holds
    listed = found.css_first(".made .also a").attributes["href"]  # type: ignore[union-attr]
    assert client.get(listed or "").status_code == 200


def test_form_with_empty_fields_leads_to_a_plain_address(client: FlaskClient) -> None:
    answer = client.get("/subscribe?q=&newsletter=other&section=&minutes=long&kinds=&group=&format=json")
    assert answer.headers["Location"] == "/subscribe?newsletter=other&format=json&min_minutes=16"
    found = page(client, answer.headers["Location"])
    chosen = {node.attributes["value"] for node in found.css("option[selected]")}
    assert {"other", "long", "json"} <= chosen


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("colour=red", 400),
        ("format=pdf", 400),
        ("q=a&q=b", 400),
        ("section=Nothing", 400),
        ("q=-a", 400),
        ("newsletter=nobody", 404),
    ],
)
def test_what_there_is_not_is_a_friendly_page(client: FlaskClient, query: str, status: int) -> None:
    assert len(text(page(client, f"/subscribe?{query}", status).css_first("main p:not(.code)"))) > 15


def test_with_a_token_it_says_how_a_reader_logs_in(settings: Settings, store: Store, client: FlaskClient) -> None:
    assert "feedsvc tokens add" not in client.get("/subscribe").text
    locked = create_app(load_settings(data=settings.data, access_token="secret-of-the-server"), store).test_client()
    answer = locked.get("/subscribe?token=secret-of-the-server")
    assert "feedsvc tokens add" in answer.text
    assert "secret-of-the-server" not in answer.text


# -- the first run ----------------------------------------------------------------------------------------------------------


def test_first_run_shows_every_way_in_and_its_state(tmp_path: Path) -> None:
    maildir = tmp_path / "Mail"
    (tmp_path / "feedsvc.toml").write_text(
        f'maildirs = ["{maildir}"]\nsmtp = "127.0.0.1:2525"\n'
        '[imap.home]\nhost = "imap.example.org"\nuser = "me"\npassword_env = "NONE"\n'
    )
    settings = load_settings(data=tmp_path)
    with open_store(settings.database_url) as store:
        store.note_look("imap-home", "The server said no.")
        store.note_look(way_of(maildir))
        found = page(create_app(settings, store).test_client(), "/")
    ways = {text(node.css_first("h3")): node for node in found.css(".ways > li")}
    states = {name: [text(state) for state in node.css(".state")] for name, node in ways.items()}
    assert states == {
        "Upload": ["nothing yet"],
        "Inbox folder": ["nothing yet"],
        "Files and archives": ["nothing yet"],
        "Mail account (IMAP)": ["fails"],
        "Maildir": ["works"],
        "Own address (SMTP, LMTP)": ["nothing yet"],
        "HTTP": ["not set up"],
    }
    assert "The server said no." in text(ways["Mail account (IMAP)"])
    assert str(tmp_path / "inbox") in text(ways["Inbox folder"])


def test_pages_of_an_empty_store_say_what_to_do(settings: Settings) -> None:
    with open_store("sqlite://") as store:
        client = create_app(settings, store).test_client()
        assert page(client, "/").css("ol.steps")
        assert page(client, "/subscribe").css(".empty a[href='/']")
        assert text(page(client, "/subscribe").css_first("#all-xml")) == "http://localhost/feed.xml"
        assert page(client, "/?q=something").css(".empty")
