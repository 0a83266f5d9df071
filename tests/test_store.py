"""The store, on a real SQLite file: what is the same message, what is published, and when that changed."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from articles import newest
from sqlalchemy import Connection, text

from feedsvc.errors import StoreError
from feedsvc.model import Article, Issue, LinkCount, Newsletter, Problem, entry_id
from feedsvc.store import AddResult, Counts, Store, open_store
from feedsvc.store.engine import connect, reading, writing
from feedsvc.store.migrations import MIGRATIONS, Migration, migrate

SENT = datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC)
RECEIVED = datetime(2024, 9, 3, 13, 9, tzinfo=UTC)
NEWSLETTER = Newsletter("list.example.org", "Example Weekly", "example-weekly", "hello@example.org", "list.example.org")


def article(key: str, number: int, title: str = "", **more: object) -> Article:
    """A plain article with the id that its link gives it."""
    link = f"https://example.com/{number}"
    made = Article(entry_id(key, link), "article", title or f"Title {number}", link, "canonical", raw_link=link)
    return replace(made, **more)  # type: ignore[arg-type]


def issue(key: str = "a@example.org", count: int = 3, *, sent: datetime = SENT, **more: object) -> Issue:
    """An issue with this many plain articles."""
    made = Issue(
        key=key,
        newsletter=NEWSLETTER,
        subject=f"Issue {key}",
        sent=sent,
        message_id=key,
        web_url=None,
        articles=tuple(article(key, number) for number in range(count)),
        links=LinkCount(count, count),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def add(store: Store, one: Issue, sha256: str = "sha-1") -> AddResult:
    """Add an issue as if it had been made from a message with this hash."""
    return store.add_issue(one, sha256=sha256, received=RECEIVED, size=1000, filename="issue.eml")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'data' / 'feedsvc.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    with open_store(url) as opened:
        yield opened


def test_everything_of_an_article_comes_back(store: Store) -> None:
    whole = Article(
        id=entry_id("k", "x"),
        kind="article",
        title="Ünïcode 🚀 \u2028 title",
        url="https://example.com/ä?b=1",
        url_state="tracked",
        raw_link="https://click.example.com/x",
        summary="A summary",
        content_html='<p><a href="go:0">x</a></p>',
        go_links=("https://click.example.com/1", "https://click.example.com/2"),
        read_minutes=7,
        read_source="declared",
        section="News",
        label="GitHub Repo",
        image="https://example.com/i.png",
        author="A. Writer",
        title_repaired=True,
    )
    unset = [f.name for f in fields(Article) if getattr(whole, f.name) in (None, "", (), False)]
    assert unset == [], "a field that the example leaves out is not tested"
    given = issue("k", articles=(whole,), language="de", problems=(Problem("odd", "It was odd.", True),))
    result = add(store, given)
    stored = store.get_article(whole.id)
    assert stored is not None
    assert stored.article == whole
    assert stored.newsletter == NEWSLETTER
    assert (stored.issue_id, stored.issue_subject, stored.language) == (result.issue_id, given.subject, "de")
    assert stored.published == stored.updated == SENT
    assert newest(store) == (stored,)


def test_an_article_is_found_with_and_without_the_urn(store: Store) -> None:
    add(store, issue())
    uid = entry_id("a@example.org", "https://example.com/0")
    assert store.get_article(uid) == store.get_article(uid.removeprefix("urn:uuid:").upper()) is not None
    assert store.get_article("no such thing") is None


@pytest.mark.parametrize("sha256", ["sha-1", "sha-2"], ids=["same bytes", "another copy"])
def test_the_same_message_again_changes_nothing(store: Store, sha256: str) -> None:
    first = add(store, issue())
    before = (store.revision(), store.state().changed, newest(store))
    again = add(store, issue(), sha256)
    assert (first.status, again.status) == ("new", "duplicate")
    assert again == replace(first, status="duplicate")
    assert (store.revision(), store.state().changed, newest(store)) == before
    assert store.counts().messages == len({"sha-1", sha256})


def test_a_copy_that_converts_otherwise_changes_nothing_unless_it_holds_more(store: Store) -> None:
    add(store, issue(count=3))
    other = issue(count=3)
    other = replace(other, articles=tuple(replace(a, summary="Footer of a mailing list") for a in other.articles))
    assert add(store, other, "sha-2").status == "duplicate"
    assert add(store, issue(count=2), "sha-3").status == "duplicate"
    assert add(store, issue(count=9), "sha-4") == AddResult("updated", add(store, issue(count=9), "sha-4").issue_id, 9)
    assert add(store, issue(count=3), "sha-1").status == "duplicate", (
        "the copy that was cut short is not the source now"
    )
    assert store.counts().articles == 9
    assert [row.sha256 for row in store.messages() if row.is_source] == ["sha-4"]


def test_better_code_updates_in_place(store: Store) -> None:
    add(store, issue(count=3))
    before = {stored.article.id: stored for stored in newest(store)}
    kept, changed, _gone = issue().articles
    new = article("a@example.org", 77)
    assert add(store, issue(articles=(new, kept, replace(changed, summary="Better")))).status == "updated"
    after = newest(store)
    assert [stored.article.id for stored in after] == [new.id, kept.id, changed.id]
    assert after[1] == before[kept.id], "what did not change keeps its date"
    assert after[2].article.summary == "Better"
    assert after[2].updated > before[changed.id].updated
    assert after[0].updated == after[2].updated
    assert all(stored.published == SENT for stored in after)
    assert store.revision() == 2


def test_what_is_not_published_does_not_grow_the_revision(store: Store) -> None:
    add(store, issue())
    again = add(
        store, issue(links=LinkCount(9, 8), problems=(Problem("x", "y"),), recipients=frozenset({"me@example.org"}))
    )
    assert (again.status, store.revision()) == ("duplicate", 1)
    store.record_rejection("sha-9", "x.pdf", "unreadable", "No text.", RECEIVED)
    assert store.revision() == 1


def test_the_revision_grows_once_a_commit(store: Store) -> None:
    assert (store.revision(), store.state().changed) == (0, None)
    with store.batch() as batch:
        for key in "bcd":
            batch.add_issue(issue(key), sha256=key, received=RECEIVED, size=1, filename=None)
    assert store.revision() == 1
    changed = store.state().changed
    assert changed is not None
    assert abs(datetime.now(UTC) - changed) < timedelta(minutes=1)


def test_another_mail_with_the_same_message_id_is_another_issue(store: Store) -> None:
    """Some senders give every mail one Message-ID; none of them may be lost."""
    first = add(store, issue())
    other = issue(subject="Another day", articles=tuple(article("a@example.org", n) for n in range(10, 14)))
    second = add(store, other, "sha-2")
    assert (first.status, second.status) == ("new", "new")
    assert first.issue_id != second.issue_id
    ids = [stored.article.id for stored in newest(store)]
    assert len(set(ids)) == len(ids) == 7
    assert add(store, other, "sha-2").status == "duplicate"
    improved = replace(other, articles=tuple(replace(a, summary="Better") for a in other.articles))
    assert add(store, improved, "sha-2").status == "updated"
    assert {stored.article.id for stored in newest(store)} == set(ids)


def test_one_bad_issue_does_not_undo_its_batch(store: Store) -> None:
    bad = issue("bad", articles=(article("bad", 1), article("bad", 1)))  # one id twice
    with store.batch() as batch:
        batch.add_issue(issue("b"), sha256="b", received=RECEIVED, size=1, filename=None)
        with pytest.raises(Exception, match=r"(?i)unique"):
            batch.add_issue(bad, sha256="bad", received=RECEIVED, size=1, filename=None)
        batch.add_issue(issue("c"), sha256="c", received=RECEIVED, size=1, filename=None)
    assert store.counts() == Counts(newsletters=1, issues=2, articles=6, messages=2, rejected=0)


def test_an_exception_undoes_the_whole_batch(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.batch() as batch:
        batch.add_issue(issue("b"), sha256="b", received=RECEIVED, size=1, filename=None)
        raise ZeroDivisionError
    assert (store.counts(), store.revision()) == (Counts(0, 0, 0, 0, 0), 0)


def test_newsletters_get_slugs_of_their_own(store: Store) -> None:
    names = [Newsletter(f"key{n}", f"News {n}", "news") for n in range(3)] + [Newsletter("key9", "N", "news-2")]
    for number, newsletter in enumerate(names):
        add(store, issue(f"k{number}", newsletter=newsletter), f"sha-{number}")
    assert [row.newsletter.slug for row in store.newsletters()] == ["news-2-2", "news", "news-2", "news-3"]
    assert all((row.issues, row.articles, row.latest) == (1, 3, SENT) for row in store.newsletters())


def test_the_newest_issue_names_the_newsletter_and_the_slug_stays(store: Store) -> None:
    add(store, issue("b"), "b")
    renamed = replace(NEWSLETTER, name="Example Daily", slug="example-daily")
    add(store, issue("old", newsletter=renamed, sent=SENT - timedelta(days=1)), "old")
    assert store.newsletters()[0].newsletter == NEWSLETTER
    add(store, issue("new", newsletter=renamed, sent=SENT + timedelta(days=1)), "new")
    assert store.newsletters()[0].newsletter == replace(renamed, slug="example-weekly")


def test_an_issue_that_turns_out_to_be_anothers_moves(store: Store) -> None:
    add(store, issue())
    add(store, issue(newsletter=Newsletter("other", "Other", "other")))
    assert [row.newsletter.slug for row in store.newsletters()] == ["other"]
    assert len(newest(store, newsletter="other")) == 3


def test_the_newest_articles_are_in_order_and_filtered(store: Store) -> None:
    other = Newsletter("o", "Other", "other")
    for day in range(5):
        kinds = ("article", "sponsor", "job", "message")
        articles = tuple(article(f"k{day}", 8 * day + n, f"Title {n}", kind=kinds[n % 4]) for n in range(8))
        newsletter = other if day % 2 else NEWSLETTER
        sent = SENT + timedelta(days=day)
        add(store, issue(f"k{day}", articles=articles, sent=sent, newsletter=newsletter), f"sha-{day}")
    everything = newest(store, 1000, kinds=frozenset({"article", "sponsor", "job", "message"}))
    assert len(everything) == 40
    assert [(s.published, s.issue_id) for s in everything] == sorted(
        [(s.published, s.issue_id) for s in everything], reverse=True
    )
    assert [s.article.title for s in everything[:8]] == [f"Title {n}" for n in range(8)]
    assert [s.article.kind for s in newest(store, 4)] == ["article", "message"] * 2
    jobs = newest(store, kinds=frozenset({"job"}), newsletter="other")
    assert {s.newsletter.slug for s in jobs} == {"other"}
    assert [s.article.kind for s in jobs] == ["job"] * 4
    assert newest(store, 3) == everything[0:1] + everything[3:5]
    assert newest(store, 0) == newest(store, kinds=frozenset()) == ()
    assert newest(store, newsletter="nobody") == ()


def test_issues_of_the_same_second_do_not_mix(store: Store) -> None:
    add(store, issue("b"), "b")
    add(store, issue("c"), "c")
    assert [s.issue_subject for s in newest(store)] == ["Issue c"] * 3 + ["Issue b"] * 3


@pytest.mark.parametrize("newsletter", [None, "example-weekly"])
def test_the_newest_are_found_without_reading_the_rest(store: Store, url: str, newsletter: str | None) -> None:
    """With a million articles the time must be the same as with a thousand: every walk is along an index, and is cut."""
    add(store, issue())
    asked: list[str] = []
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        store._engine.dispose()
        from sqlalchemy import event

        @event.listens_for(store._engine, "before_cursor_execute")
        def _note(_c: object, _cur: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
            if statement.startswith("SELECT"):
                asked.append(statement)
                plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
                plans.extend(str(row[3]) for row in plan)

        plans: list[str] = []
        newest(store, newsletter=newsletter)
    assert asked
    scans = [line for line in plans if line.startswith("SCAN") and not line.startswith("SCAN (subquery")]
    walks = [line for line in plans if "articles_newest" in line]
    assert len(walks) == 2, plans
    assert [line for line in scans if "articles" in line] == [], plans


def test_a_rejection_is_remembered_once_and_forgotten_when_the_message_gets_in(store: Store) -> None:
    for reason in ("first", "second"):
        store.record_rejection("sha-1", "x.eml", "unreadable", reason, RECEIVED)
    assert store.counts().rejected == 1
    add(store, issue())
    assert store.counts().rejected == 0


def test_messages_are_listed_oldest_first_while_the_store_changes(store: Store) -> None:
    with store.batch() as batch:
        for number in range(1203):
            made = issue(f"k{number}", 1, sent=SENT + timedelta(seconds=number // 3))
            batch.add_issue(made, sha256=f"{number:04}", received=RECEIVED, size=7, filename="a.txt")
    listed = []
    for row in store.messages():
        listed.append(row)
        if len(listed) == 10:
            add(store, issue("later", sent=SENT + timedelta(days=1)), "zz")
    assert [row.sha256 for row in listed] == [*(f"{number:04}" for number in range(1203)), "zz"]
    assert listed[0] == store.get_message("0000")
    assert (listed[0].filename, listed[0].received, listed[0].size, listed[0].dated) == ("a.txt", RECEIVED, 7, SENT)


def test_a_naive_date_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="without a zone"):
        add(store, issue(sent=datetime(2024, 1, 1)))  # noqa: DTZ001
    assert store.counts().issues == 0


# --- opening, migrating, failing ------------------------------------------------------------------------------------


def test_a_database_is_opened_again_with_all_that_is_in_it(url: str) -> None:
    with open_store(url) as first:
        add(first, issue())
    with open_store(url) as second:
        assert second.counts().articles == 3
        assert second.revision() == 1


def test_a_database_newer_than_the_program_is_refused_in_words(url: str) -> None:
    open_store(url).close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        raw.execute("UPDATE meta SET schema_version = 99")
    with pytest.raises(StoreError, match="version 99, made by a newer feedsvc") as caught:
        open_store(url)
    assert caught.value.code == "database-newer"


def test_migrations_are_numbered_in_order_with_a_reason() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(1, len(MIGRATIONS) + 1))
    assert all(step.reason for step in MIGRATIONS)


def _add_table(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE resolved_links (id TEXT PRIMARY KEY, url TEXT NOT NULL)"))


def _fail(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE half (id TEXT)"))
    raise ZeroDivisionError


def test_an_old_database_is_migrated_and_keeps_what_it_holds(url: str) -> None:
    with open_store(url) as old:
        add(old, issue())
    steps = (*MIGRATIONS, Migration(len(MIGRATIONS) + 1, "a test", _add_table))
    engine = connect(url)
    with writing(engine) as connection:
        assert migrate(connection, steps) == len(MIGRATIONS)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM resolved_links")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM articles")).scalar() == 3
    with writing(engine) as connection:
        assert migrate(connection, steps) == len(steps), "a second time does nothing"
    engine.dispose()


def found_by(url: str, word: str) -> int:
    """How many articles the index finds; raises DatabaseError where it is not what the articles say."""
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        raw.execute("INSERT INTO articles_words(articles_words, rank) VALUES ('integrity-check', 1)")
        (count,) = raw.execute("SELECT count(*) FROM articles_words WHERE articles_words MATCH ?", (word,)).fetchone()
        (indexed,) = raw.execute("SELECT count(*) FROM articles_words_docsize").fetchone()
        assert indexed == raw.execute("SELECT count(*) FROM articles").fetchone()[0]
    return int(count)


def test_what_is_added_changed_and_taken_away_is_indexed(url: str) -> None:
    whole = issue()
    short = replace(whole, articles=whole.articles[:1])
    with open_store(url) as store:
        add(store, short)
        assert found_by(url, "title") == 1
        added = tuple(
            replace(a, id=entry_id("x", str(n)), title=f"Title zebra{n}") for n, a in enumerate(whole.articles * 2)
        )
        add(store, replace(short, articles=(*short.articles, *added)), "sha-2")
        assert found_by(url, "zebra*") == len(added)
        changed = (*short.articles, replace(added[0], title="Now a heron"), *added[2:])
        add(store, replace(short, articles=changed), "sha-2")
        assert found_by(url, "zebra*") == len(added) - 2
        assert found_by(url, "heron") == 1


def test_an_index_whose_rows_a_trigger_added_is_kept(url: str) -> None:
    with open_store(url) as old:
        add(old, issue())
    engine = connect(url)
    step = next(step for step in MIGRATIONS if "indexed at once" in step.reason)
    with writing(engine) as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER articles_words_insert AFTER INSERT ON articles BEGIN "
            "INSERT INTO articles_words(rowid, words) VALUES (new.id, new.words); END"
        )
        step.apply(connection)
    engine.dispose()
    with open_store(url) as store:
        before = found_by(url, "title*")
        more = issue("another")
        add(store, replace(more, articles=tuple(replace(a, title="Title zebra") for a in more.articles)), "sha-2")
        assert found_by(url, "zebra") == len(more.articles)
        assert found_by(url, "title*") == before + len(more.articles)


def test_a_migration_that_fails_leaves_the_database_as_it_was(url: str) -> None:
    with open_store(url) as old:
        add(old, issue())
    newest = len(MIGRATIONS)
    steps = (*MIGRATIONS, Migration(newest + 1, "works", _add_table), Migration(newest + 2, "fails", _fail))
    engine = connect(url)
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        migrate(connection, steps)
    engine.dispose()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert not tables & {"resolved_links", "half"}
        assert raw.execute("SELECT schema_version FROM meta").fetchall() == [(newest,)]


def test_a_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as raw:
        raw.execute("CREATE TABLE articles (body TEXT)")
    with pytest.raises(StoreError, match="another program made them"):
        open_store(f"sqlite:///{file}")


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("nonsense", "looks like sqlite:"),
        ("oracle2://x/y", "driver"),
        ("sqlite:////proc/nobody/feedsvc.db", "--data"),
    ],
)
def test_an_address_that_will_not_do_is_refused_with_a_remedy(address: str, remedy: str) -> None:
    with pytest.raises(StoreError, match=remedy):
        open_store(address)


def test_a_file_that_is_no_database_is_refused_with_a_remedy(tmp_path: Path) -> None:
    file = tmp_path / "feedsvc.db"
    file.write_bytes(b"This is a text, and long enough to be taken for one. " * 40)
    with pytest.raises(StoreError, match="feedsvc reprocess"):
        open_store(f"sqlite:///{file}")


def test_sqlite_is_set_up_for_many_readers_and_durable_commits(store: Store) -> None:
    with reading(store._engine) as connection:
        values = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_readers_are_not_held_up_by_a_writer(store: Store) -> None:
    add(store, issue())
    with store.batch() as batch:
        batch.add_issue(issue("b"), sha256="b", received=RECEIVED, size=1, filename=None)
        seen: list[int] = []
        reader = threading.Thread(target=lambda: seen.append(len(newest(store))))
        reader.start()
        reader.join(4)
        assert seen == [3]
    assert len(newest(store)) == 6


def _write_from_another_process(url: str, name: str, count: int) -> None:
    with open_store(url) as store:
        for number in range(count):
            key = f"{name}-{number}"
            add(store, issue(key, newsletter=Newsletter(key, "Same", "same")), key)


def test_processes_that_write_at_once_wait_for_one_another(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_from_another_process, args=(url, name, 20)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0]
    with open_store(url) as store:
        assert store.counts() == Counts(newsletters=40, issues=40, articles=120, messages=40, rejected=0)
        assert store.revision() == 40
        assert len({row.newsletter.slug for row in store.newsletters()}) == 40
