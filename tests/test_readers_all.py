"""Every feed that a full store has, read over HTTP by real readers: count, titles, links and dates, and 304 the second time."""

from __future__ import annotations

import calendar
import email
import email.policy
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path

import feedparser
import pytest
from articles import let_settle
from feedserver import Answers, answering, lemon24_reader
from filled import Line, Shelf
from programs import missing

from feedsvc.config import load_settings, prepare_folders
from feedsvc.ingest import ingest_paths
from feedsvc.store import open_store

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = (".eml", ".html", ".txt")
LIMIT = 50  # every reader reads every entry of some hundred documents


@dataclass(frozen=True, slots=True)
class Full:
    """A server that holds all messages of a folder, what it answered, and what its feeds hold."""

    base: str
    shelf: Shelf
    answers: Answers = field(default_factory=list)

    def paths(self, *extensions: str) -> list[str]:
        """The path of every feed, in each of these formats."""
        return [address.format(one) for address in self.shelf.addresses() for one in extensions]

    def taken(self) -> Answers:
        """What was answered since the last look."""
        answers = self.answers[:]
        self.answers.clear()
        return answers

    def assert_found(self, found: dict[str, list[Line]], shown: Callable[[str], str] = str) -> None:
        """Compare what a reader has with what the store holds; `shown` is how the reader shows a title."""
        wanted = {path: _comparable(self.shelf.lines(path), shown) for path in found}
        assert {path: _comparable(lines, shown) for path, lines in found.items()} == wanted
        assert sum(map(len, found.values())) > len(found), "an empty store shows nothing"


def _comparable(lines: Iterable[Line], shown: Callable[[str], str]) -> list[tuple[int, str, str]]:
    # A question mark with nothing behind it is lost where Python joins addresses; it leads to the same place.
    return sorted((line.date, line.link.removesuffix("?"), shown(line.title)) for line in lines)


@pytest.fixture(scope="module", params=["corpus", "fixtures"])
def full(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Full]:
    if request.param == "corpus":
        messages = [request.getfixturevalue("shared") / "corpus"]
    else:
        messages = sorted(path for path in (ROOT / "fixtures").iterdir() if path.suffix in MESSAGES)
    settings = load_settings(data=tmp_path_factory.mktemp(request.param), title="All & <everything>", feed_limit=LIMIT)
    prepare_folders(settings)
    answers: Answers = []
    with open_store(settings.database_url) as store:
        report = ingest_paths(messages, settings, store)
        assert report.count("new") >= 30
        let_settle(store)
        with answering(settings, store, answers) as base:
            yield Full(base, Shelf(settings.data / "feedsvc.db", base, LIMIT), answers)


def test_feedparser(full: Full) -> None:
    found = {}
    full.taken()
    for path in full.paths("xml", "rss"):
        parsed = feedparser.parse(full.base + path)
        assert not parsed.bozo, parsed.get("bozo_exception")
        found[path] = [
            Line(entry.title, entry.link, calendar.timegm(entry.published_parsed)) for entry in parsed.entries
        ]
        assert feedparser.parse(full.base + path, etag=parsed.etag).status == 304
        assert feedparser.parse(full.base + path, modified=parsed.modified).status == 304
        assert full.taken() == [(path, 200), (path, 304), (path, 304)]
    full.assert_found(found)


def test_reader(full: Full, tmp_path: Path) -> None:
    reader = lemon24_reader(tmp_path / "reader.sqlite")
    paths = full.paths("xml", "rss", "json")
    try:
        for path in paths:
            reader.add_feed(full.base + path)
        full.taken()
        for status in (200, 304):
            reader.update_feeds(scheduled=False, workers=4)
            assert sorted(full.taken()) == sorted((path, status) for path in paths)
        found: dict[str, list[Line]] = {path: [] for path in paths}
        for entry in reader.get_entries():
            assert entry.title and entry.link and entry.published
            line = Line(entry.title, entry.link, int(entry.published.timestamp()))
            found[entry.feed_url.removeprefix(full.base)].append(line)
        full.assert_found(found)
        assert {feed.last_exception for feed in reader.get_feeds()} == {None}
    finally:
        reader.close()


def test_newsboat(full: Full, tmp_path: Path) -> None:
    newsboat = shutil.which("newsboat") or missing("newsboat", "apt-get install newsboat")
    # It keeps an entry once, by its id, with the feed that had it last: feeds that share entries get a cache each.
    caches = [[path] for path in full.paths("xml", "rss") if not path.startswith("/newsletters/")]
    caches += [[path for path in full.paths(one) if path.startswith("/newsletters/")] for one in ("xml", "rss")]
    found: dict[str, list[Line]] = {}
    for number, paths in enumerate(caches):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "config").write_text("reload-threads 4\n")
        (folder / "urls").write_text("".join(f"{full.base}{path}\n" for path in paths))
        if paths == caches[-2]:  # which newsletters there are it takes from our list of them
            (folder / "config").write_text(f'urls-source "opml"\nopml-url "{full.base}/subscriptions.opml"\n')
        full.taken()
        for status in (200, 200, 304):
            _run(
                newsboat, "-u", folder / "urls", "-C", folder / "config", "-c", folder / "cache", "-x", "reload",
                home=folder,
            )  # fmt: skip
            # It notes validators in the row of the feed, which is not there yet when it reads the feed for the first
            # time: its second request has none to show (seen in 2.21).
            kept = [answer for answer in full.taken() if answer[0] != "/subscriptions.opml"]
            assert sorted(kept) == sorted((path, status) for path in paths)
        found |= {path: [] for path in paths}
        connection = sqlite3.connect(folder / "cache")
        for feed, *line in connection.execute("SELECT feedurl, title, url, pubDate FROM rss_item"):
            found[feed.removeprefix(full.base)].append(Line(*line))
        connection.close()
    full.assert_found(found)


@pytest.mark.parametrize("fetch", ["its own", "with validators"])
def test_sfeed(full: Full, tmp_path: Path, fetch: str) -> None:
    for program, package in (("sfeed_update", "sfeed"), ("curl", "curl")):
        if shutil.which(program) is None:
            missing(program, f"apt-get install {package}")
    paths = full.paths("xml", "rss")
    if fetch == "its own":
        paths = paths[:6]
    (tmp_path / "etags").mkdir()
    feeds = "\n".join(f'feed {number} "{full.base}{path}"' for number, path in enumerate(paths))
    tags = f'--etag-compare "{tmp_path}/etags/$1" --etag-save "{tmp_path}/etags/$1"'
    overridden = f'fetch() {{ curl -sf --compressed {tags} "$2"; }}\n' if fetch != "its own" else ""
    (tmp_path / "sfeedrc").write_text(f'sfeedpath="{tmp_path}/feeds"\n{overridden}feeds() {{\n{feeds}\n}}\n')
    full.taken()
    # What it does unless told otherwise (1.7) is `curl -L --max-redirs 0 -H "User-Agent:" -f -s -m 15`: it shows no
    # validators, so there is nothing that a server could answer with 304.
    for status in (200, 200 if fetch == "its own" else 304):
        _run("sfeed_update", tmp_path / "sfeedrc", home=tmp_path)
        assert sorted(full.taken()) == sorted((path, status) for path in paths)
    found: dict[str, list[Line]] = {}
    for number, path in enumerate(paths):
        rows = [line.split("\t") for line in (tmp_path / "feeds" / str(number)).read_text("utf-8").splitlines()]
        found[path] = [Line(row[1], row[2], int(row[0])) for row in rows]
    full.assert_found(found)


def test_rss2email(full: Full, tmp_path: Path) -> None:
    r2e = shutil.which("r2e") or missing("rss2email", "apt-get install rss2email")
    words: list[str | Path] = [r2e, "-c", tmp_path / "config", "-d", tmp_path / "data"]
    _run(*words, "new", "me@example.org", home=tmp_path)
    config = (tmp_path / "config").read_text()
    for name, value in (("email-protocol", "maildir"), ("maildir-path", tmp_path), ("date-header", "True")):
        config = re.sub(rf"(?m)^{name} =.*$", f"{name} = {value}", config)
    paths = full.paths("xml", "rss")
    sections = (
        f"[feed.f{number}]\nurl = {full.base}{path}\nmaildir-mailbox = f{number}\n" for number, path in enumerate(paths)
    )
    (tmp_path / "config").write_text("\n".join([config, *sections]))
    full.taken()
    for status in (200, 304):
        said = _run(*words, "run", home=tmp_path)
        assert "WARNING" not in said
        assert "ERROR" not in said
        assert full.taken() == [(path, status) for path in paths]
    found: dict[str, list[Line]] = {}
    for number, path in enumerate(paths):
        found[path] = []
        for file in (tmp_path / f"f{number}" / "new").glob("*"):
            mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            date = parsedate_to_datetime(str(mail["Date"])).replace(tzinfo=UTC)
            found[path].append(Line(str(mail["Subject"]), str(mail["X-RSS-URL"]), int(date.timestamp())))
    full.assert_found(found)


def _run(*words: str | Path, home: Path) -> str:
    """What a reader says on standard error."""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"HOME": str(home), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr
