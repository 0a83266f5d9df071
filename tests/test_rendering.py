"""What is rendered once for all worker processes, who may be answered without a look at the application, and dates."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from articles import add, article, issue, let_settle
from documents import VALID

from feedsvc.config import Settings, load_settings
from feedsvc.model import entry_id
from feedsvc.store import State, Store, open_store
from feedsvc.store.kept import KeptFiles
from feedsvc.web import create_app
from feedsvc.web.documents import Document, DocumentCache
from feedsvc.web.rendering import Renderer

BASE = "https://feeds.example.org"
# A worker as a WSGI server has several of; it writes a line for each feed that it renders.
WORKER = """
import sys, waitress
from feedsvc.config import load_settings
from feedsvc.web import create_app, feeds
settings = load_settings()
real = feeds.build_feed
def noted(here, selection, *rest):
    with open(sys.argv[1], "a") as file:
        file.write(selection.path("") + "\\n")
    return real(here, selection, *rest)
feeds.build_feed = noted
server = waitress.create_server(create_app(settings), host="127.0.0.1", port=0, threads=8)
print(server.effective_port, flush=True)
server.run()
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", base_url=BASE)
    made.data.mkdir()
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        what = [
            replace(article(f"Title {n}", f"https://example.com/{n}", read_minutes=n % 9 + 1), id=entry_id("x", str(n)))
            for n in range(60)
        ]
        add(opened, issue(0, *what))
        let_settle(opened)
        yield opened


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    tag: str
    modified: str
    body: bytes


def ask(base: str, path: str = "/feed.xml", **headers: str) -> Answer:
    asked = urllib.request.Request(
        base + path, headers={name.replace("_", "-"): text for name, text in headers.items()}
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return Answer(answer.status, answer.headers["ETag"], answer.headers["Last-Modified"], answer.read())
    except urllib.error.HTTPError as other:
        with other:
            return Answer(other.code, other.headers["ETag"], other.headers["Last-Modified"], other.read())


@contextmanager
def workers(settings: Settings, rendered: Path, number: int = 2, **wishes: str) -> Iterator[list[str]]:
    """The addresses of worker processes on one data folder."""
    rendered.touch()
    environ = os.environ | {"FEEDSVC_DATA": str(settings.data), "FEEDSVC_BASE_URL": BASE}
    environ |= {f"FEEDSVC_{name.upper()}": value for name, value in wishes.items()}
    running = [
        subprocess.Popen([sys.executable, "-c", WORKER, str(rendered)], env=environ, stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    try:
        bases = []
        for process in running:
            assert process.stdout is not None
            bases.append(f"http://127.0.0.1:{process.stdout.readline().strip()}")
        yield bases
    finally:
        for process in running:
            process.terminate()
            process.communicate(timeout=20)


# -- several processes --------------------------------------------------------------------------------------------------


def test_processes_share_what_one_has_rendered(settings: Settings, store: Store, tmp_path: Path) -> None:
    paths = ["/feed.xml", "/feed.rss", "/feed.json", "/feed.xml?min_minutes=5", "/subscriptions.opml"]
    rendered = tmp_path / "rendered"
    with workers(settings, rendered) as (one, other):
        for time in range(3):
            for path in paths:
                first, second = ask(one, path), ask(other, path)
                assert first.status == second.status == 200
                assert (first.tag, first.modified, first.body) == (second.tag, second.modified, second.body)
                assert ask(other, path, If_None_Match=first.tag).status == 304
                assert ask(one, path, If_Modified_Since=second.modified).status == 304
                # To one of them each variant is compressed; the bytes are the same.
                assert ask(one, path, Accept_Encoding="gzip").body == ask(other, path, Accept_Encoding="gzip").body
            assert sorted(rendered.read_text().split()) == sorted(
                path for path in _feeds(paths) for _ in range(time + 1)
            )
            add(store, issue(time + 1, article(f"Newer {time}", f"https://example.org/{time}", read_minutes=6)))
            let_settle(store)


def test_of_many_that_ask_at_once_one_renders(settings: Settings, store: Store, tmp_path: Path) -> None:
    rendered = tmp_path / "rendered"
    with workers(settings, rendered) as bases:
        for time in range(4):
            add(store, issue(time + 1, article(f"Newer {time}", f"https://example.org/{time}")))
            let_settle(store)
            rendered.write_text("")
            together, answers = threading.Barrier(8), []

            def look(number: int) -> None:
                together.wait()  # noqa: B023
                answers.append(ask(bases[number % 2]))  # noqa: B023

            threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(answers) == 8
            assert len(set(answers)) == 1
            assert f"Newer {time}".encode() in answers[0].body
            assert rendered.read_text().split() == ["/feed."]


def test_a_process_that_comes_later_finds_what_is_there(settings: Settings, store: Store, tmp_path: Path) -> None:
    with workers(settings, tmp_path / "first", 1) as (one,):
        before = ask(one)
    with workers(settings, tmp_path / "second", 1) as (other,):
        assert ask(other) == before
    assert (tmp_path / "second").read_text() == ""
    with workers(settings, tmp_path / "third", 1, title="Another title") as (other,):
        assert b"Another title" in ask(other).body, "it was made with other settings"


def test_two_changes_within_a_second_never_hide_the_second(settings: Settings, store: Store, tmp_path: Path) -> None:
    """With the date of one worker's document nobody is told by the other that a newer one is the same."""
    with workers(settings, tmp_path / "rendered") as (one, other):
        seen: list[Answer] = []
        for number in range(6):  # in less than a second, or in more: it must not matter
            add(store, issue(number + 1, article(f"Newer {number}", f"https://example.org/{number}")))
            asked = (one, other)[number % 2]
            for before in seen:
                assert ask(asked, If_Modified_Since=before.modified).status == 200
                assert ask(asked, If_None_Match=before.tag, If_Modified_Since=before.modified).status == 200
            answer = ask(asked)
            assert f"Newer {number}".encode() in answer.body
            assert parsedate_to_datetime(answer.modified) <= datetime.now(UTC)
            assert ask(asked, If_None_Match=answer.tag).status == 304
            seen.append(answer)
        add(store, issue(7, article("Last", "https://example.org/last")))
        let_settle(store)
        last = ask(one)
        assert ask(other, If_Modified_Since=last.modified).status == 304
        # The tag is what counts: whatever the date says.
        assert ask(other, If_None_Match='"another"', If_Modified_Since=last.modified).status == 200


def test_a_document_with_a_token_in_it_is_not_written_down(settings: Settings, store: Store) -> None:
    guarded = settings.model_copy(update={"access_token": load_settings(access_token="a long secret").access_token})
    client = create_app(guarded, store).test_client()
    _, token = store.add_token("/feed.xml", "phone")
    for secret in ("a%20long%20secret", token):
        assert secret.encode() in client.get(f"/feed.xml?token={secret}").data
    assert not _kept(settings)
    assert client.get("/feed.xml", auth=("x", "a long secret")).status_code == 200
    (kept,) = _kept(settings)
    assert kept.stat().st_mode & 0o077 == 0
    for private in (b"secret", token.encode(), token.partition(".")[2].encode()):
        assert private not in kept.read_bytes()


# -- what is kept -------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_taken_only_where_it_is_right(settings: Settings, store: Store, tmp_path: Path) -> None:
    made: list[str] = []

    def render(name: str) -> Document:
        made.append(name)
        return Document.of(name.encode(), "text/plain", datetime(2024, 9, 3, tzinfo=UTC))

    def asked(name: str, renderer: Renderer, address: str = "a") -> bytes:
        return renderer.document(address, lambda state: render(name)).body

    folder = tmp_path / "documents"
    one, other = Renderer(store, folder, "x"), Renderer(store, folder, "x")
    assert (asked("first", one), asked("second", other)) == (b"first", b"first")
    assert asked("another address", one, "b") == b"another address"
    assert asked("another program", Renderer(store, folder, "y")) == b"another program"
    for spoil in (b"", b"{}\n", b"[]\nx", b"null", b"\xff\xfe", None):
        (file,) = (path for path in (folder / "kept").iterdir() if path.read_bytes().endswith(b"first"))
        file.write_bytes(file.read_bytes().replace(b"first", b"other") if spoil is None else spoil)
        assert asked("first", other) == b"first"
    with open_store(f"sqlite:///{tmp_path / 'other.db'}") as elsewhere:
        add(elsewhere, issue(0, article()))
        assert elsewhere.state().revision == store.state().revision
        assert asked("another database", Renderer(elsewhere, folder, "x")) == b"another database"


def test_what_did_not_change_keeps_its_date(store: Store, tmp_path: Path) -> None:
    def render(state: State) -> Document:
        return Document.of(b"always the same", "text/plain", state.changed)

    first = Renderer(store, tmp_path / "documents").document("a", render)
    add(store, issue(1, article("Newer", "https://example.org/newer")))
    second = Renderer(store, tmp_path / "documents").document("a", render)
    assert first.modified == second.modified != store.state().changed


def test_what_changes_while_it_is_rendered_is_not_kept(store: Store, tmp_path: Path) -> None:
    """It may be newer than its date says: who has the bytes before would be told that they are the same."""
    number = 0

    def render(state: State) -> Document:
        nonlocal number
        number += 1
        if number < 4:
            add(store, issue(number, article(f"Newer {number}", f"https://example.org/{number}")))
        return Document.of(b"%d" % number, "text/plain", state.changed)

    renderer = Renderer(store, tmp_path / "documents")
    unsure = renderer.document("a", render)
    assert (unsure.body, unsure.modified) == (b"2", None)
    assert not list((tmp_path / "documents" / "kept").glob("*"))
    again = renderer.document("a", render)
    assert (again.body, again.modified) == (b"4", store.state().changed)


def test_a_folder_that_cannot_be_written_to_harms_nobody(settings: Settings, store: Store) -> None:
    (settings.data / "cache").write_text("a file, where a folder would be")
    client = create_app(settings, store).test_client()
    for extension in VALID:
        first = client.get(f"/feed.{extension}")
        VALID[extension](first.data)
        assert client.get(f"/feed.{extension}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_process_that_stopped_while_it_rendered_holds_up_nobody_for_long(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedsvc.web.rendering._PATIENCE_S", 0.2)
    begun, go_on = threading.Event(), threading.Event()

    def stopped(state: State) -> Document:
        begun.set()
        assert go_on.wait(20)
        return Document.of(b"at last", "text/plain", state.changed)

    holding = threading.Thread(target=Renderer(store, tmp_path).document, args=("a", stopped))
    holding.start()
    try:
        assert begun.wait(20)
        made = Renderer(store, tmp_path).document("a", lambda state: Document.of(b"here", "text/plain", state.changed))
        assert made.body == b"here"
    finally:
        go_on.set()
        holding.join()


def test_the_folder_is_bounded(tmp_path: Path) -> None:
    kept = KeptFiles(tmp_path / "kept", 1000, 5)
    for number in range(20):
        kept.write(f"{number}", b"x" * 100)
        os.utime(tmp_path / "kept" / f"{number}", (number, number))
        kept.read("0")  # what is used stays
    assert len(list((tmp_path / "kept").iterdir())) == 5
    assert kept.read("0") == b"x" * 100
    kept.write("large", b"x" * 700)
    assert sum(path.stat().st_size for path in (tmp_path / "kept").iterdir()) <= 1000
    kept.write("too large", b"x" * 1001)
    assert kept.read("too large") is None


def test_memory_is_bounded() -> None:
    cache = DocumentCache(max_documents=100, max_bytes=1000)
    for number in range(50):
        cache.get(number, 1, lambda: Document.of(b"x" * 300, "text/plain", None))
    made: list[int] = []

    def make() -> Document:
        made.append(1)
        return Document.of(b"x" * 5000, "text/plain", None)

    for number in (49, 48, 47):
        cache.get(number, 1, make)
    assert not made
    cache.get(46, 1, make)
    cache.get(46, 1, make)
    assert len(made) == 1, "the last one stays, however large"
    cache.get(49, 1, make)
    assert len(made) == 2


def test_a_person_with_many_newsletters_has_each_rendered_once(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = Store.newest

    def counting(self: Store, *args: object, **fields: object) -> object:
        asked.append(args)
        return real(self, *args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "newest", counting)
    client = create_app(settings, store).test_client()
    for _ in range(3):
        for limit in range(1, 301):
            assert client.get(f"/feed.json?min_minutes=9&limit={limit}").status_code == 200
    assert len(asked) == 300


def _feeds(paths: list[str]) -> list[str]:
    """As a worker notes them: without the extension, which is another document of the same selection."""
    return [path.replace(".xml", ".").replace(".rss", ".").replace(".json", ".") for path in paths if "feed." in path]


def _kept(settings: Settings) -> list[Path]:
    return list((settings.document_cache / "kept").glob("*"))
