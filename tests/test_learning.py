"""What every issue of a newsletter repeats is furniture; rules for single newsletters hold where evidence cannot decide."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from articles import newest

from feedsvc.config import load_settings, prepare_folders
from feedsvc.convert import convert
from feedsvc.errors import SettingsError
from feedsvc.ingest import ingest_paths
from feedsvc.lessons import Lessons
from feedsvc.model import Issue, Knowledge, Newsletter, Rule
from feedsvc.reprocess import reprocess
from feedsvc.rules import read_rules
from feedsvc.split import parse_rules, rule_for
from feedsvc.store import open_store

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
HOUSE = "Our book about gates that do not squeak is out and every reader of this letter gets it for half the price"


def issue_bytes(number: int) -> bytes:
    """The letter of one week: three items of its own, and a paragraph of the house that stands in each."""
    items = "".join(
        f'<p><a href="https://paper.example/{number}/{item}"><b>Gate number {number * 10 + item} was painted</b></a></p>'
        f"<p>Somebody painted gate {number * 10 + item} in week {number}, and the neighbours have opinions about the colour.</p>"
        for item in range(3)
    )
    sent = (FIRST + timedelta(weeks=number)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    head = (
        f"From: Gate Weekly <letter@gates.example>\r\nTo: reader@example.org\r\nSubject: Gates, week {number}\r\nDate: {sent}\r\n"
        f"Message-ID: <week-{number}@gates.example>\r\nList-Unsubscribe: <https://gates.example/leave>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    )
    return f"{head}<html><body><h1>Gate Weekly</h1>{items}<p>{HOUSE}</p></body></html>".encode()


def converted(number: int, known: Knowledge = Knowledge()) -> Issue:  # noqa: B008 -- frozen
    return convert(issue_bytes(number), received=FIRST, known=known)


def test_a_line_that_every_issue_has_is_furniture() -> None:
    first, second = converted(1), converted(2)
    assert HOUSE in first.articles[-1].summary
    known = Knowledge(repeated=first.fingerprints & second.fingerprints)
    third = converted(3, known)
    assert [a.title for a in third.articles] == [
        "Gate number 30 was painted",
        "Gate number 31 was painted",
        "Gate number 32 was painted",
    ]
    assert all(HOUSE not in a.summary for a in third.articles)
    assert "stands in every issue" in {r.reason for r in third.readings}
    assert [a.id for a in third.articles] == [a.id for a in converted(3).articles]


def test_it_is_learnt_from_the_store_once_three_issues_are_there(tmp_path: Path) -> None:
    letters = tmp_path / "letters"
    letters.mkdir()
    settings = load_settings(data=tmp_path / "data")
    prepare_folders(settings)
    with open_store(settings.database_url) as store:
        for number in range(1, 5):
            path = letters / f"{number}.eml"
            path.write_bytes(issue_bytes(number))
            ingest_paths([path], settings, store)
        texts = {a.article.title: a.article.summary for a in newest(store, 20)}
        assert HOUSE in texts["Gate number 32 was painted"]  # the third issue: two others were known
        assert HOUSE not in texts["Gate number 42 was painted"]  # the fourth: three were
        ids = {a.article.id for a in newest(store, 20)}
        reprocess(settings, store)
        assert {a.article.id for a in newest(store, 20)} == ids
        assert all(HOUSE not in a.article.summary for a in newest(store, 20))


def test_what_was_learnt_holds_until_the_next_look(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data")
    prepare_folders(settings)
    issues = [converted(number) for number in range(1, 10)]
    newsletter = issues[0].newsletter
    with open_store(settings.database_url) as store:
        lessons = Lessons(settings, store)
        lessons.refresh()
        for number, issue in enumerate(issues):
            with store.batch() as transaction:
                transaction.add_issue(issue, sha256=f"{number:064}", received=FIRST, size=1, filename=None)
            before = lessons.teach(newsletter, "new").repeated
            assert bool(before) == (number >= 3)  # as of the last look
            lessons.refresh()
            assert bool(lessons.teach(newsletter, "new").repeated) == (number >= 2)
            # One that is read again does not count: without it there are only two.
            assert bool(lessons.teach(newsletter, issue.key).repeated) == (number >= 3)
        newest_six = frozenset.intersection(*(issue.fingerprints for issue in issues[-6:]))
        assert lessons.teach(newsletter, "new").repeated == newest_six
        others = frozenset.intersection(*(issue.fingerprints for issue in issues[-7:-1]))
        assert lessons.teach(newsletter, issues[-1].key).repeated == others


def test_sections_and_columns_stand_in_every_issue_by_right() -> None:
    marks = [
        convert(issue_bytes(n).replace(b"<h1>Gate Weekly</h1>", b"<h1>The paint column</h1>"), received=FIRST)
        for n in (1, 2)
    ]
    known = Knowledge(repeated=marks[0].fingerprints & marks[1].fingerprints)
    page = issue_bytes(3).replace(b"<h1>Gate Weekly</h1>", b"<h1>The paint column</h1>")
    assert {a.section for a in convert(page, received=FIRST, known=known).articles} == {"The paint column"}


def test_a_rule_keeps_an_issue_whole_and_names_what_is_no_article() -> None:
    whole = Rule("letter@gates.example", "it is one story", whole=True)
    assert len(converted(1, Knowledge(rules=(whole,))).articles) == 1
    gone = Rule("*@gates.example", "the first is a joke", not_article=("number 10",))
    assert [a.title for a in converted(1, Knowledge(rules=(gone,))).articles] == [
        "Gate number 11 was painted",
        "Gate number 12 was painted",
    ]
    paid = Rule("*@gates.example", "the paint maker pays", sponsor=("^gate number 12",))
    assert [a.kind for a in converted(1, Knowledge(rules=(paid,))).articles] == ["article", "article", "sponsor"]
    other = Rule("*@doors.example", "for another", whole=True)
    assert len(converted(1, Knowledge(rules=(other,))).articles) == 3


def test_a_rule_is_found_by_key_list_id_and_address() -> None:
    newsletter = Newsletter("gates.list.example", "Gates", "gates", "letter@gates.example", "gates.list.example")
    for pattern in ("gates.list.example", "LETTER@gates.example", "*.list.example"):
        rule = Rule(pattern, "because")
        assert rule_for(newsletter, (rule,)) is rule
    assert not rule_for(newsletter, ()).whole


def test_rules_in_the_data_folder_are_used(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path)
    prepare_folders(settings)
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nnewsletter = "*@gates.example"\nreason = "one story"\nwhole = true\n'
    )
    (tmp_path / "letter.eml").write_bytes(issue_bytes(1))
    with open_store(settings.database_url) as store:
        assert ingest_paths([tmp_path / "letter.eml"], settings, store).accepted == 1
        assert len(newest(store, 20)) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule]]\nreason = 'x'\n", "rule 1: newsletter is missing"),
        ("[[rule]]\nnewsletter = 'x'\n", "rule 1: reason is missing"),
        ("[[rule]]\nnewsletter = 'x'\nreason = 'y'\nhole = true\n", "unknown key 'hole'"),
        ("[[rule]]\nnewsletter = 'x'\nreason = 'y'\nsponsor = ['(']\n", "no regular expression"),
        ("[[rule]]\nnewsletter = 'x'\nreason = 'y'\nnot_article = 'z'\n", "a list of regular expressions"),
        ("[[rule]]\nnewsletter = 'x'\nreason = 'y'\nwhole = 1\n", "true or false"),
        ("rule = 3", "[[rule]]"),
        ("[[rule", "no valid TOML"),
    ],
)
def test_a_wrong_rule_is_told(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(SettingsError, match=r"rules\.toml") as caught:
        read_rules(tmp_path)
    assert told in caught.value.detail


def test_the_built_in_rules_are_few_and_sorted() -> None:
    text = (Path(__file__).parents[1] / "feedsvc" / "split" / "rules.toml").read_text()
    rules = parse_rules(text, "rules.toml")
    assert len(rules) < 10
    assert [r.newsletter for r in rules] == sorted(r.newsletter for r in rules)
