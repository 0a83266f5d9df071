"""Real feed readers over HTTP, from a real server: they see every article, and get 304 the second time."""

from __future__ import annotations

import email
import email.policy
import os
import re
import shutil
import sqlite3
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from articles import SENT, TRACKER, add, article, issue, let_settle
from atoma import parse_atom_bytes, parse_json_feed_bytes, parse_rss_bytes
from feedserver import Answers, answering, lemon24_reader
from programs import missing

from feedsvc.config import load_settings
from feedsvc.model import entry_id
from feedsvc.publish import entry_uuid
from feedsvc.store import open_store

HIDDEN = article("Behind a tracker", TRACKER, url_state="tracked", summary="Where does it lead?")
ARTICLES = [
    article("Tea & the <i>physics</i> of pouring", "https://www.example.com/tea?a=1&b=2", summary="Why teapots drip."),
    article("Éric’s 電車 🚆 ‘quoted’", "https://example.org/%C3%A9", content_html="<p>One <em>two</em>.</p>"),
    HIDDEN,
    article("Nothing but a title", "https://example.net/bare"),
]
TITLES = [what.title for what in ARTICLES]


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs, and the status of each answer it gave, by path."""

    base: str
    answers: Answers = field(default_factory=list)

    @property
    def links(self) -> list[str]:
        """The entries' links, in order."""
        return [
            "https://www.example.com/tea?a=1&b=2",
            "https://example.org/%C3%A9",
            f"{self.base}/go/{entry_uuid(HIDDEN.id)}",
            "https://example.net/bare",
        ]

    def taken(self) -> Answers:
        """What was answered since the last look."""
        answers = self.answers[:]
        self.answers.clear()
        return answers


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    settings = load_settings(data=tmp_path_factory.mktemp("data"), title="Morning & evening")
    with open_store(settings.database_url) as store:
        add(store, issue(0, *ARTICLES))
        let_settle(store)
        answers: Answers = []
        with answering(settings, store, answers) as base:
            yield Served(base, answers)


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.rss", "/newsletters/daily-digest/feed.xml"])
def test_feedparser(served: Served, path: str) -> None:
    served.taken()
    parsed = feedparser.parse(f"{served.base}{path}")
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert [entry.title for entry in parsed.entries if "<i>" not in entry.title] == [
        title for title in TITLES if "<i>" not in title
    ]
    assert [entry.link for entry in parsed.entries] == served.links
    assert parsed.entries[0].published_parsed[:5] == (2024, 9, 3, 13, 8)
    assert parsed.entries[0].author == "Daily Digest"
    again = feedparser.parse(f"{served.base}{path}", etag=parsed.etag)
    since = feedparser.parse(f"{served.base}{path}", modified=parsed.modified)
    assert (again.status, since.status) == (304, 304)
    assert served.taken() == [(path, 200), (path, 304), (path, 304)]


def test_atoma_is_strict(served: Served) -> None:
    def body(path: str) -> bytes:
        with urllib.request.urlopen(served.base + path) as answer:
            read: bytes = answer.read()
            return read

    atom, rss, json = (
        parse_atom_bytes(body("/feed.xml")),
        parse_rss_bytes(body("/feed.rss")),
        parse_json_feed_bytes(body("/feed.json")),
    )
    assert [entry.title.value for entry in atom.entries] == TITLES
    assert [next(link.href for link in e.links if link.rel == "alternate") for e in atom.entries] == served.links
    assert [item.title for item in rss.items] == [item.title for item in json.items] == TITLES
    assert [item.link for item in rss.items] == [item.url for item in json.items] == served.links


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.rss", "/feed.json"])
def test_reader(served: Served, path: str, tmp_path: Path) -> None:
    served.taken()
    reader = lemon24_reader(tmp_path / "reader.sqlite")
    try:
        reader.add_feed(served.base + path)
        reader.update_feeds()
        found = {entry.title: entry for entry in reader.get_entries()}
        assert len(found) == len(ARTICLES)
        assert {entry.link for entry in found.values()} == set(served.links)
        assert set(TITLES[1:]) <= set(found)
        assert {entry.published for entry in found.values()} == {SENT}
        assert served.taken() == [(path, 200)]
        reader.update_feed(served.base + path)
        assert served.taken() == [(path, 304)]
        assert reader.get_feed(served.base + path).last_exception is None
    finally:
        reader.close()


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.rss"])
def test_newsboat(served: Served, path: str, tmp_path: Path) -> None:
    newsboat = shutil.which("newsboat")
    if newsboat is None:
        missing("newsboat", "apt-get install newsboat")
    (tmp_path / "urls").write_text(f"{served.base}{path}\n")
    (tmp_path / "config").write_text("")
    files = [f"--{name}-file={tmp_path / which}" for name, which in (("url", "urls"), ("cache", "cache.db"))]

    def run(*command: str) -> str:
        done = subprocess.run(
            [newsboat, *files, f"--config-file={tmp_path / 'config'}", "-x", *command],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            env=os.environ | {"HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        )
        return done.stdout

    served.taken()
    run("reload")
    assert run("print-unread").split()[0] == str(len(ARTICLES))
    assert _newsboat_items(tmp_path / "cache.db", "title") == set(TITLES)
    assert _newsboat_items(tmp_path / "cache.db", "url") == set(served.links)
    assert _newsboat_items(tmp_path / "cache.db", "pubDate") == {int(SENT.timestamp())}
    assert any("<em>two</em>" in content for content in _newsboat_items(tmp_path / "cache.db", "content"))
    run("reload")
    run("reload")
    # Up to 2.21 it keeps the validators only once it knows the feed: it sends them from the third time on.
    statuses = served.taken()
    assert len(statuses) == 3
    assert (statuses[0], statuses[-1]) == ((path, 200), (path, 304))


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.rss", "/newsletters/daily-digest/feed.rss?limit=9"])
def test_sfeed(served: Served, path: str, tmp_path: Path) -> None:
    for program, package in (("sfeed_update", "sfeed"), ("curl", "curl")):
        if shutil.which(program) is None:
            missing(program, f"apt-get install {package}")
    # Its own fetch asks without validators; its manual shows how to override it.
    (tmp_path / "sfeedrc").write_text(
        f"""sfeedpath="{tmp_path}/feeds"
fetch() {{ curl -sf --etag-compare "{tmp_path}/etag" --etag-save "{tmp_path}/etag" "$2"; }}
feeds() {{ feed mine "{served.base}{path}"; }}
"""
    )
    served.taken()
    for _ in range(2):
        subprocess.run(["sfeed_update", tmp_path / "sfeedrc"], check=True, capture_output=True, timeout=30)
    assert served.taken() == [(path, 200), (path, 304)]
    lines = (tmp_path / "feeds" / "mine").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines]
    # It sorts what has the same date as it likes.
    assert sorted((row[1], row[2]) for row in rows) == sorted(zip(TITLES, served.links, strict=True))
    assert {row[0] for row in rows} == {str(int(SENT.timestamp()))}
    assert {row[6] for row in rows} == {"Daily Digest"}
    listed = subprocess.run(
        ["sfeed_plain", tmp_path / "feeds" / "mine"],
        check=True, capture_output=True, text=True, timeout=30, env=os.environ | {"LC_ALL": "C.UTF-8"},
    ).stdout  # fmt: skip
    assert "Tea & the <i>physics</i> of pouring" in listed


@pytest.mark.parametrize("path", ["/feed.xml", "/feed.rss"])
def test_rss2email(served: Served, path: str, tmp_path: Path) -> None:
    r2e = shutil.which("r2e")
    if r2e is None:
        missing("rss2email", "apt-get install rss2email")
    sendmail = tmp_path / "sendmail"
    sendmail.write_text(f'#!/bin/sh\ncat > "$(mktemp {tmp_path}/mail-XXXXXX)"\n')
    sendmail.chmod(0o755)

    def run(*words: str) -> None:
        done = subprocess.run(
            [r2e, "-c", str(tmp_path / "cfg"), "-d", str(tmp_path / "data"), *words],
            capture_output=True, text=True, timeout=60, env=os.environ | {"HOME": str(tmp_path)}, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "WARNING" not in done.stderr
        assert "ERROR" not in done.stderr

    run("new", "me@example.org")
    config = (tmp_path / "cfg").read_text()
    for name, value in (("sendmail", sendmail), ("date-header", "True"), ("html-mail", "True")):
        config = re.sub(rf"(?m)^{name} =.*$", f"{name} = {value}", config)
    (tmp_path / "cfg").write_text(config)
    run("add", "mine", served.base + path)
    served.taken()
    run("run")
    run("run")
    assert served.taken() == [(path, 200), (path, 304)]
    mails = [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in tmp_path.glob("mail-*")
    ]
    # What looks like markup in a title of RSS is taken for markup by some readers: the specification leaves it open.
    subjects = {str(mail["Subject"]).replace("_physics_", "<i>physics</i>") for mail in mails}
    assert (len(mails), subjects) == (len(TITLES), set(TITLES))
    assert {str(mail["X-RSS-URL"]) for mail in mails} == set(served.links)
    assert {parsedate_to_datetime(str(mail["Date"])).replace(tzinfo=UTC) for mail in mails} == {SENT}
    text = next(mail.get_content() for mail in mails if "quoted" in str(mail["Subject"]))
    assert "<em>two</em>" in text


def test_a_reader_follows_the_archive_to_the_end(tmp_path: Path) -> None:
    """feedparser, led by the links that it finds, sees every article exactly as the store has it."""
    settings = load_settings(data=tmp_path / "data", feed_limit=30)
    settings.data.mkdir()
    with open_store(settings.database_url) as store:
        for number in range(40):
            what = [
                replace(
                    article(f"Title {number}.{n}", f"https://example.com/{number}/{n}"),
                    id=entry_id(str(number), str(n)),
                )
                for n in range(10)
            ]
            add(store, issue(number, *what))
        with answering(settings, store) as base:
            for path, relation in (("/feed.xml", "prev-archive"), ("/feed.rss", "prev-archive"), ("/feed.xml", "next")):
                address, documents, entries = f"{base}{path}", 0, {}
                while address:
                    parsed = feedparser.parse(address)
                    assert not parsed.bozo
                    documents += 1
                    entries.update({entry.id: entry.title for entry in parsed.entries})
                    address = next((link.href for link in parsed.feed.links if link.rel == relation), "")
                assert set(entries.values()) == {f"Title {number}.{n}" for number in range(40) for n in range(10)}
                assert len(entries) == 400
                assert documents == 5


def test_readers_find_the_feeds_on_a_page(served: Served) -> None:
    """Autodiscovery, as readers do it that are given the address of a page."""
    with urllib.request.urlopen(served.base + "/") as answer:
        page = answer.read().decode()
    found = re.findall(r'<link rel="alternate" type="([^"]+)" title="[^"]*" href="([^"]+)">', page)
    assert [kind for kind, _ in found] == ["application/atom+xml", "application/rss+xml", "application/feed+json"]
    for kind, address in found:
        with urllib.request.urlopen(served.base + address) as answer:
            assert answer.headers.get_content_type() == kind


def _newsboat_items(cache: Path, column: str) -> set[Any]:
    connection = sqlite3.connect(cache)
    try:
        return {row[0] for row in connection.execute(f"SELECT {column} FROM rss_item")}
    finally:
        connection.close()
