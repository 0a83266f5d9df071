"""What a person mends becomes a rule: it changes the items it means, keeps ids and blocks, and holds for issues to come."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from articles import newest
from click.testing import CliRunner
from digests import digest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.cli import main
from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.convert import convert
from feedsvc.document import read_html
from feedsvc.errors import SettingsError
from feedsvc.ingest import ingest_paths
from feedsvc.links import site_name
from feedsvc.model import Correction, Issue, Knowledge, Newsletter, Rule, Scope, Verdict
from feedsvc.reprocess import reprocess
from feedsvc.split import Context, LinkBook, parse_rules, rule_for, split_message, write_rules
from feedsvc.split.corrections import JOINED, NOTHING, begins, correct
from feedsvc.split.rules import SCOPES, VERDICTS
from feedsvc.store import open_store
from feedsvc.store.engine import connect, writing
from feedsvc.store.migrations import MIGRATIONS

RECEIVED = datetime(2026, 3, 1, tzinfo=UTC)
ITEMS = (
    ("Gates open early", "https://one.example/gates", "Tools"),
    ("Why it matters: hinges", "https://two.example/hinges", "Tools"),
    ("A word on paint (GitHub Repo)", "https://two.example/paint", "Tools"),
    ("Why it matters: locks", "https://three.example/locks", "Partners"),
    ("Gates open early again", "https://one.example/gates", "Partners"),
    ("The last gate", "https://four.example/last", "Partners"),
)


def mail(number: int = 1) -> bytes:
    """An issue of six items in two sections; the first link stands there twice."""
    html, section = "", ""
    for title, link, over in ITEMS:
        html += f"<h1>{over}</h1>" if over != section else ""
        section = over
        html += (
            f'<p><a href="{link}?n={number}"><b>{title}</b></a></p><p>Somebody wrote {number} words about {title}.</p>'
        )
    head = (
        f"From: Gate Weekly <letter@gates.example>\r\nTo: reader@example.org\r\nSubject: Gates, week {number}\r\n"
        f"Date: Sun, {number:02} Mar 2026 08:00:00 +0000\r\nMessage-ID: <week-{number}@gates.example>\r\n"
        "List-Unsubscribe: <https://gates.example/leave>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    )
    return f"{head}<html><body>{html}</body></html>".encode()


def converted(*corrections: Correction, data: bytes | None = None) -> Issue:
    return convert(data or mail(), received=RECEIVED, known=Knowledge(corrections=corrections))


BEFORE = converted()
IDS = [one.id for one in BEFORE.articles]


def test_the_issue_falls_into_its_items() -> None:
    assert [one.title for one in BEFORE.articles] == [title.replace(" (GitHub Repo)", "") for title, _, _ in ITEMS]
    assert [one.section for one in BEFORE.articles] == [section for _, _, section in ITEMS]
    assert len(set(IDS)) == len(ITEMS)


@pytest.mark.parametrize(
    ("scope", "value", "meant"),
    [
        ("item", IDS[3], {3}),
        ("section", "PARTNERS", {3, 4, 5}),
        ("label", "github repo", {2}),
        ("site", "two.example", {1, 2}),
        ("begins", "why it  matters", {1, 3}),
        ("begins", "Gate", set()),
        ("site", "nowhere.example", set()),
    ],
)
@pytest.mark.parametrize("verdict", ["sponsor", "job", "nothing"])
def test_it_changes_what_it_means_and_nothing_else(verdict: Verdict, scope: Scope, value: str, meant: set[int]) -> None:
    after = {one.id: one for one in converted(Correction(verdict, scope, value)).articles}
    for number, article in enumerate(BEFORE.articles):
        if number not in meant:
            assert after[article.id] == article
        elif verdict == "nothing":
            assert article.id not in after
        else:
            assert after[article.id].kind == verdict


def test_a_sponsor_by_its_mark_can_be_an_article() -> None:
    data = mail().replace(b"The last gate", b"The last gate (SPONSOR)")
    assert converted(data=data).articles[5].kind == "sponsor"
    assert converted(Correction("article", "item", IDS[5]), data=data).articles[5].kind == "article"


def test_what_is_no_article_stays_among_the_blocks_that_belong_to_none() -> None:
    issue = converted(Correction("nothing", "item", IDS[1]))
    left = [one for one in issue.readings if one.reason == NOTHING]
    assert [one.block.text for one in left] == [
        "Why it matters: hinges",
        "Somebody wrote 1 words about Why it matters: hinges.",
    ]
    assert {(one.role, one.article) for one in left} == {("unused", None)}
    assert (issue.links.found, issue.links.assigned) == (BEFORE.links.found, BEFORE.links.assigned - 1)


def test_two_that_are_one_keep_the_first_ones_id_and_link_and_all_text() -> None:
    issue = converted(Correction("joined", "begins", "Why it matters"))
    assert [one.id for one in issue.articles] == [IDS[0], IDS[2], IDS[4], IDS[5]]
    first, second = issue.articles[0], BEFORE.articles[1]
    assert (first.title, first.url) == ("Gates open early", "https://one.example/gates?n=1")
    assert "hinges" in first.summary
    assert second.title in first.content_html
    assert second.url is not None
    assert second.url in first.content_html
    assert JOINED in {one.reason for one in issue.readings if one.article == 0}
    assert issue.links == BEFORE.links


def test_the_items_of_a_section_that_are_one_do_not_go_to_the_section_above() -> None:
    issue = converted(Correction("joined", "section", "Partners"))
    assert [one.id for one in issue.articles] == IDS[:4]


def test_the_first_item_has_none_above() -> None:
    assert converted(Correction("joined", "item", IDS[0])).articles == BEFORE.articles


def test_what_was_said_of_one_item_goes_before_all_else_and_the_last_word_counts() -> None:
    section, item = Correction("sponsor", "section", "Partners"), Correction("article", "item", IDS[4])
    for order in ((section, item), (item, section)):
        assert [one.kind for one in converted(*order).articles[3:]] == ["sponsor", "article", "sponsor"]
    later = Correction("job", "begins", "The last")
    assert converted(section, later).articles[5].kind == "job"
    assert converted(later, section).articles[5].kind == "sponsor"


def test_the_part_that_the_issue_goes_by_stays_where_few_items_are_left() -> None:
    data = digest(3, 6)
    before = converted(data=data)
    gone = tuple(Correction("nothing", "item", one.id) for one in before.articles[1:])
    after = converted(*gone, data=data)
    assert after.articles == before.articles[:1]


def test_an_issue_of_which_nothing_is_left_is_one_entry() -> None:
    issue = converted(*(Correction("nothing", "item", one) for one in IDS))
    assert len(issue.articles) == 1
    assert all(title.split(" (")[0] in issue.articles[0].content_html for title, _, _ in ITEMS)
    assert converted(*(Correction("nothing", "item", one) for one in (*IDS, "urn:uuid:x"))).articles == issue.articles


def test_an_issue_that_is_one_entry_can_be_a_sponsor() -> None:
    whole = convert(mail(), received=RECEIVED, whole=True).articles[0]
    said = Knowledge(whole=True, corrections=(Correction("sponsor", "item", whole.id),))
    assert convert(mail(), received=RECEIVED, known=said).articles[0].kind == "sponsor"


scopes: st.SearchStrategy[tuple[Scope, str]] = st.one_of(
    st.tuples(st.just("item"), st.sampled_from(IDS)),
    st.tuples(st.just("section"), st.sampled_from(["Tools", "Partners", ""])),
    st.tuples(st.just("label"), st.sampled_from(["GitHub Repo", "x"])),
    st.tuples(st.just("site"), st.sampled_from(["one.example", "two.example"])),
    st.tuples(st.just("begins"), st.sampled_from(["Why", "Gates open", "A", " "])),
)
any_corrections = st.lists(
    st.builds(lambda verdict, scope: Correction(verdict, *scope), st.sampled_from(VERDICTS), scopes), max_size=6
)


@given(any_corrections)
def test_nothing_is_lost_and_ids_stay(corrections: Sequence[Correction]) -> None:
    issue = converted(*corrections)
    assert [one.block for one in issue.readings] == [one.block for one in BEFORE.readings]
    ids = [one.id for one in issue.articles]
    if set(ids) <= set(IDS):
        assert ids == sorted(ids, key=IDS.index)
        reached = {one.article for one in issue.readings if one.article is not None}
        assert reached == set(range(len(ids)))
    else:
        assert len(ids) == 1  # nothing was left
    for before, after in zip(BEFORE.readings, issue.readings, strict=True):
        if before.article is not None and after.article is None:
            assert after.role == "unused"
        elif after.article is not None and len(set(ids) & set(IDS)) == len(ids):
            words = after.block.text
            assert words in issue.articles[after.article].content_html or words.startswith(
                issue.articles[after.article].title
            )


@given(any_corrections)
def test_to_apply_them_twice_is_to_apply_them_once(corrections: Sequence[Correction]) -> None:
    book = LinkBook(frozenset())
    html = mail().decode().partition("\r\n\r\n")[2]
    part = split_message(read_html(html), None, Context("Gates", (), True, book, key="week-1@gates.example"))
    assert [item.id for item in part.items] == IDS
    once = correct(part.items, part.readings, corrections, book)
    assert correct(*once, corrections, book) == once


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_beginning_ends_with_a_word(title: str, words: str) -> None:
    assert begins(f"{words} {title}", words) == bool(words.split())
    assert not begins(title, "")
    if words.strip() and words.strip()[-1].isalnum():
        assert not begins(f"{words.strip()}x{title}", words)


# --- rules.toml ---------------------------------------------------------------------------------------------------

words = st.text(min_size=1, max_size=30).filter(str.strip)
corrections_of_any_kind = st.lists(
    st.builds(Correction, st.sampled_from(VERDICTS), st.sampled_from(SCOPES), words), max_size=4
).map(tuple)
rules = st.builds(
    Rule,
    words.map(lambda text: text.strip().casefold()).filter(bool),
    words,
    st.booleans(),
    st.lists(st.sampled_from(["^a", r"\bword\b", '"']), max_size=2).map(tuple),
    st.lists(st.sampled_from(["(ad)", "[x]"]), max_size=2).map(tuple),
    corrections_of_any_kind,
)


@given(st.lists(rules, max_size=3))
def test_written_rules_are_read_as_the_same(given_rules: list[Rule]) -> None:
    given_rules = [rule for rule in given_rules if rule.newsletter == rule.newsletter.strip().casefold()]
    assert parse_rules(write_rules(given_rules), "rules.toml") == tuple(given_rules)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ('corrections = "x"', "corrections is a list"),
        ("corrections = [1]", "names one of item, section"),
        ('corrections = [{ verdict = "sponsor" }]', "names one of item, section"),
        ('corrections = [{ section = "a", site = "b", verdict = "sponsor" }]', "names one of item, section"),
        ('corrections = [{ section = "a", verdict = "spam" }]', "a verdict is one of article, sponsor"),
        ('corrections = [{ section = " ", verdict = "job" }]', "section in corrections is a text"),
        ("corrections = [{ section = 3, verdict = 'job' }]", "section in corrections is a text"),
    ],
)
def test_a_wrong_correction_is_an_error_that_says_so(row: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse_rules(f'[[rule]]\nnewsletter = "a"\nreason = "b"\n{row}\n', "rules.toml")


# --- the store ----------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", workers=1, resolve="never")
    prepare_folders(made)
    return made


def ingest(settings: Settings, tmp_path: Path, *numbers: int) -> None:
    paths = [tmp_path / f"{number}.eml" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        path.write_bytes(mail(number))
    with open_store(settings.database_url) as store:
        assert ingest_paths(paths, settings, store).count("new") == len(numbers)


def test_a_database_of_before_gets_the_tables(settings: Settings, tmp_path: Path) -> None:
    ingest(settings, tmp_path, 1)
    own = next(step for step in MIGRATIONS if "mended" in step.reason)
    engine = connect(settings.database_url)
    with writing(engine) as connection:
        for table in ("corrections", "rereadings"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        own.apply(connection)
    engine.dispose()
    with open_store(settings.database_url) as store:
        store.add_correction("gates", Correction("job", "section", "Jobs"), title="A job", issue="x")
        store.ask_again("gates")
        assert [row.title for row in store.corrections_of("gates")] == ["A job"]
        assert store.claim_rereading(datetime.now(UTC)) is not None
        assert store.counts().articles == len(ITEMS)
    fresh = settings.model_copy(update={"data": tmp_path / "fresh"})
    prepare_folders(fresh)
    open_store(fresh.database_url).close()
    columns = []
    for folder in (settings.data, fresh.data):
        with sqlite3.connect(folder / "feedsvc.db") as raw:
            tables = ("corrections", "rereadings")
            found = {name: raw.execute(f"PRAGMA table_info({name})").fetchall() for name in tables}
            columns.append({name: {(row[1], row[2], row[3], row[5]) for row in rows} for name, rows in found.items()})
    assert columns[0] == columns[1]


def test_what_is_said_again_of_the_same_replaces_it(settings: Settings) -> None:
    with open_store(settings.database_url) as store:
        for verdict in VERDICTS:
            store.add_correction("gates", Correction(verdict, "section", "Écoles"), title="", issue="x")
        store.add_correction("gates", Correction("job", "section", "ÉCOLES"), title="", issue="x")
        store.add_correction("gates", Correction("job", "label", "Écoles"), title="", issue="x")
        store.add_correction("doors", Correction("job", "section", "Écoles"), title="", issue="x")
        rows = store.corrections_of("gates")
        assert [row.correction for row in rows] == [
            Correction("job", "section", "ÉCOLES"),
            Correction("job", "label", "Écoles"),
        ]
        assert set(store.corrections()) == {"gates", "doors"}
        assert store.remove_correction("doors", rows[0].id) is None
        removed = store.remove_correction("gates", rows[0].id)
        assert removed is not None
        assert removed.correction.value == "ÉCOLES"
        assert len(store.corrections_of("gates")) == 1


def test_past_and_future_issues_follow_and_undoing_it_restores_them(settings: Settings, tmp_path: Path) -> None:
    ingest(settings, tmp_path, 1, 2)
    with open_store(settings.database_url) as store:
        before = {one.article.id: one for one in newest(store, 50)}
        key = next(iter(before.values())).newsletter.key
        store.add_correction(key, Correction("nothing", "section", "Partners"), title="", issue="x")
        report = reprocess(settings, store, newsletter=key)
        assert report.count("updated") == 2
        after = {one.article.id: one for one in newest(store, 50)}
        assert after == {uid: one for uid, one in before.items() if one.article.section == "Tools"}
    ingest(settings, tmp_path, 3)
    with open_store(settings.database_url) as store:
        assert {one.article.section for one in newest(store, 50)} == {"Tools"}
        store.remove_correction(key, store.corrections_of(key)[0].id)
        other = newest(store, 50)[0].issue_id
        assert reprocess(settings, store, issue=other).count("updated") == 1
        assert reprocess(settings, store, newsletter=key).count("updated") == 2
        restored = {one.article.id: one.article for one in newest(store, 50)}
        assert {uid: one for uid, one in restored.items() if uid in before} == {
            uid: one.article for uid, one in before.items()
        }
        assert reprocess(settings, store, newsletter="nobody").accepted == 0


def test_an_exported_rule_means_the_same_in_rules_toml(settings: Settings, tmp_path: Path) -> None:
    ingest(settings, tmp_path, 1)
    said = (
        Correction("sponsor", "section", "Partners"),
        Correction("joined", "begins", "Why it matters"),
        Correction("nothing", "item", IDS[5]),
    )
    with open_store(settings.database_url) as store:
        newsletter: Newsletter = store.newsletters()[0].newsletter
        for one in said:
            store.add_correction(newsletter.key, one, title="", issue="x")
    run = CliRunner().invoke(main, ["newsletters", "rules", newsletter.slug, "--data", str(settings.data)])
    assert run.exit_code == 0
    own = parse_rules(run.stdout, "rules.toml")
    assert rule_for(newsletter, own).corrections == said
    assert convert(mail(), received=RECEIVED, known=Knowledge(rules=own)).articles == converted(*said).articles


def test_sites_are_known_as_they_are_shown() -> None:
    assert {site_name(one.url or "") for one in BEFORE.articles} == {
        f"{n}.example" for n in ("one", "two", "three", "four")
    }
