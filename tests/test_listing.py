"""What the pages ask of the store: pages before and after a place hold each article once, however it is narrowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from articles import DIGEST, SENT, add, article, issue
from sqlalchemy import create_engine, inspect, text

from feedsvc.model import Article, Kind, Newsletter, entry_id
from feedsvc.store import Listing, Narrowing, Place, Store, open_store, read_query
from feedsvc.store.migrations import MIGRATIONS
from feedsvc.store.schema import newsletters

ALL: frozenset[Kind] = frozenset({"article", "sponsor", "job", "message"})
OTHER = Newsletter("other.example.com", "Other", "other")


def numbered(number: int, n: int, **more: object) -> Article:
    """Article `n` of issue `number`; each third is a sponsor, each fifth is read in ten minutes."""
    made = article(
        f"Title {number}.{n}",
        f"https://example.com/{number}/{n}",
        kind="sponsor" if n % 3 == 2 else "article",
        summary="A rare bird" if (number, n) == (7, 0) else "A common word",
        read_minutes=10 if n % 5 == 0 else 2,
    )
    return replace(made, id=entry_id(str(number), str(n)), **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'feeds.db'}") as opened:
        for number in range(20):
            # Two newsletters, two issues at the same moment.
            one = issue(
                number, *(numbered(number, n) for n in range(7)), newsletter=OTHER if number % 4 == 0 else DIGEST
            )
            add(opened, replace(one, sent=SENT + timedelta(days=number // 2)))
        yield opened


def walked(store: Store, narrowing: Narrowing, limit: int, *, by_issue: bool) -> tuple[list[Listing], list[Listing]]:
    """All pages from the newest to the oldest, and back from there."""
    down = [store.listed(narrowing, limit, by_issue=by_issue)]
    while down[-1].older is not None:
        down.append(store.listed(narrowing, limit, down[-1].older, by_issue=by_issue))
    up = [down[-1]]
    while up[-1].newer is not None:
        up.append(store.listed(narrowing, limit, up[-1].newer, newer=True, by_issue=by_issue))
    return down, up


def titles(*pages: Listing) -> list[str]:
    return [stored.article.title for page in pages for stored in page.articles]


@pytest.mark.parametrize("by_issue", [False, True])
@pytest.mark.parametrize(
    "narrowing",
    [
        Narrowing(),
        Narrowing(ALL),
        Narrowing(ALL, newsletter="other"),
        Narrowing(min_minutes=5),
        Narrowing(since=SENT + timedelta(days=3), until=SENT + timedelta(days=5)),
        Narrowing(ALL, terms=read_query("common")),
        Narrowing(terms=read_query("rare")),
        Narrowing(terms=read_query("nothing")),
    ],
    ids=("feed", "all", "one newsletter", "long", "dated", "common", "rare", "nothing"),
)
@pytest.mark.parametrize("limit", [1, 4, 50])
def test_pages_hold_each_article_once_in_both_directions(
    store: Store, narrowing: Narrowing, by_issue: bool, limit: int
) -> None:
    everything = [stored.article.title for stored in store.newest(narrowing, 1000).articles]
    down, up = walked(store, narrowing, limit, by_issue=by_issue)
    assert titles(*down) == everything
    assert titles(*reversed(up)) == everything
    assert down[0].newer is None and up[-1].newer is None
    if not by_issue:
        assert all(len(page.articles) <= limit for page in down)


@pytest.mark.parametrize("looked_at", [5, 30, 800])
def test_a_common_search_finds_what_a_listed_one_does(
    store: Store, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    narrowing = Narrowing(ALL, terms=read_query("common -10"))
    listed = titles(*walked(store, narrowing, 4, by_issue=False)[0])
    assert len(listed) == 20 * 7 - 7 - 1  # without those of issue 10, and the one that has other words
    monkeypatch.setattr("feedsvc.store.narrowing._RARE", -1)
    monkeypatch.setattr("feedsvc.store.walk._LOOKED_AT", looked_at)
    monkeypatch.setattr("feedsvc.store.walk._AT_A_TIME", 3)
    assert titles(*walked(store, narrowing, 4, by_issue=False)[0]) == listed
    assert titles(*walked(store, narrowing, 4, by_issue=True)[0]) == listed


def test_an_issue_is_never_cut(store: Store) -> None:
    down, _ = walked(store, Narrowing(ALL), 3, by_issue=True)
    seen = [{stored.issue_id for stored in page.articles} for page in down]
    assert sum(map(len, seen)) == len(set().union(*seen)) == 20
    assert all(len(page.articles) % 7 == 0 for page in down)


def test_a_link_that_two_have_is_in_the_stream_once_and_says_where_else(store: Store) -> None:
    add(store, issue(30, replace(numbered(5, 0), id=entry_id("again", "x")), newsletter=OTHER))
    stream = store.listed(Narrowing(), 500).articles
    (found,) = [stored for stored in stream if stored.article.url == "https://example.com/5/0"]
    assert (found.newsletter, found.also_in) == (DIGEST, ("Other",))
    by_issue = store.listed(Narrowing(), 500, by_issue=True).articles
    both = [stored.also_in for stored in by_issue if stored.article.url == "https://example.com/5/0"]
    assert both == [(DIGEST.name,), ("Other",)]


def test_muted_newsletters_are_left_out_unless_asked_for(store: Store) -> None:
    store.mute_newsletter("other", True)
    assert {s.newsletter.slug for s in store.listed(Narrowing(), 500, by_issue=True).articles} == {"daily-digest"}
    assert store.listed(Narrowing(newsletter="other"), 5).articles


def test_what_comes_in_moves_no_page(store: Store) -> None:
    first = store.listed(Narrowing(), 4)
    after = store.listed(Narrowing(), 4, first.older)
    add(store, issue(40, numbered(40, 0)))
    assert store.listed(Narrowing(), 4, first.older) == replace(after)
    back = store.listed(Narrowing(), 4, after.newer, newer=True)
    assert titles(back) == titles(first)
    assert back.newer is not None


def test_a_place_that_nothing_is_beyond_is_an_empty_page(store: Store) -> None:
    long_ago = Place(datetime(1990, 1, 1, tzinfo=UTC), 1)
    for by_issue in (False, True):
        assert store.listed(Narrowing(), 5, long_ago, by_issue=by_issue) == Listing(())


def test_issues_of_a_newsletter_page_by_page(store: Store) -> None:
    rows, newer, older = store.issues_of("daily-digest", 4)
    subjects, pages = [row.subject for row in rows], 1
    assert newer is None
    assert (rows[0].articles, rows[0].minutes) == (5, 10 + 2 + 2 + 2 + 2)
    assert rows[0].recipients == frozenset()
    while older is not None:
        rows, newer, older = store.issues_of("daily-digest", 4, older)
        subjects += [row.subject for row in rows]
        pages += 1
    assert sorted(subjects) == sorted(f"Issue {n}" for n in range(20) if n % 4)
    assert pages == 4
    back = store.issues_of("daily-digest", 4, newer, newer=True)[0]
    assert [row.subject for row in back] == subjects[8:12]
    assert store.issues_of("nobody", 4) == ((), None, None)


def test_counts_of_one_newsletter_are_those_of_the_list(store: Store) -> None:
    listed = {row.newsletter.slug: row for row in store.newsletters()}
    assert store.newsletter("other") == listed["other"]
    assert (listed["other"].issues, listed["other"].articles) == (5, 35)
    assert store.newsletter("nobody") is None


def test_sent_since(store: Store) -> None:
    found = store.sent_since(SENT + timedelta(days=8))
    assert {slug: len(sent) for slug, sent in found.items()} == {"other": 1, "daily-digest": 3}


def test_wishes_are_kept(store: Store) -> None:
    before = store.revision()
    store.show_sponsors("other", True)
    assert store.revision() == before + 1
    store.set_resolve("other", "never")
    row = store.newsletter("other")
    assert row is not None
    assert (row.sponsors, row.resolve) == (True, "never")
    assert store.newsletters_with_sponsors() == {"other"}
    assert store.resolve_modes() == {"other": "never"}
    store.set_resolve("other", None)
    assert store.resolve_modes() == {}


def test_the_step_makes_what_a_new_database_has(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'older.db'}"
    open_store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        for column in ("sponsors", "resolve"):
            connection.execute(text(f"ALTER TABLE newsletters DROP COLUMN {column}"))
        next(step for step in MIGRATIONS if "sponsors are shown" in step.reason).apply(connection)
    assert {c.name for c in newsletters.columns} == {c["name"] for c in inspect(engine).get_columns("newsletters")}
    engine.dispose()
    with open_store(url) as store:
        assert store.newsletters_with_sponsors() == frozenset()
        assert store.resolve_modes() == {}
