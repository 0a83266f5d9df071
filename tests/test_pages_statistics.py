"""What arrives, when, and how much there is to read: counting up, drawing, and the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from articles import add, article, issue
from browser import Opener, Served
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedsvc.config import Settings, load_settings
from feedsvc.model import Issue, Newsletter, entry_id
from feedsvc.store import LinkRow, MinutesRow, Store
from feedsvc.web.charts import HEAT_LEVELS, Bar, bar_chart, heat_level, heat_map, round_top
from feedsvc.web.tally import MAX_SERIES, make_tally, monday
from feedsvc.web.when import duration

TODAY = date(2024, 9, 4)  # a Wednesday
NOON = datetime(2024, 9, 4, 12, tzinfo=UTC)


def links(*pairs: tuple[str, str]) -> list[LinkRow]:
    return [LinkRow(f"urn:uuid:{number}", url, slug) for number, (url, slug) in enumerate(pairs)]


def test_days_and_weeks_end_today() -> None:
    hours = [(NOON, 3), (NOON - timedelta(days=6), 4), (NOON - timedelta(days=7), 5), (NOON - timedelta(days=300), 6)]
    tally = make_tally(hours, [], [], [], TODAY)
    assert len(tally.by_day) == 84
    assert tally.by_day[-1] == (TODAY, 3)
    assert dict(tally.by_day)[date(2024, 8, 29)] == 4
    assert tally.week_articles == 7
    assert len(tally.by_week) == 52
    assert tally.by_week[-1] == (date(2024, 9, 2), 3)
    assert dict(tally.by_week)[date(2024, 8, 26)] == 9
    assert tally.total == 18
    assert sum(count for _, count in tally.by_day) == 12


def test_the_hour_is_that_of_the_place() -> None:
    late = [(datetime(2024, 9, 3, 23, tzinfo=UTC), 2)]
    tally = make_tally(late, late, [], [], TODAY, timezone(timedelta(hours=2)))
    assert tally.by_day[-1] == (TODAY, 2)
    assert tally.hours[2][1] == 2
    assert sum(map(sum, tally.hours)) == 2
    assert make_tally(late, late, [], [], TODAY).hours[1][23] == 2


def test_what_many_newsletters_bring_is_summed_up_as_others() -> None:
    rows = [MinutesRow(f"n{number}", NOON - timedelta(days=7), number + 1) for number in range(MAX_SERIES + 2)]
    tally = make_tally([], [], rows, [], TODAY)
    assert tally.series == (*(f"n{number}" for number in range(8, 1, -1)), None)
    assert tally.minutes[-2] == (date(2024, 8, 26), (9, 8, 7, 6, 5, 4, 3, 1 + 2))
    assert len(tally.minutes) == 12
    assert tally.week_minutes == 0
    assert make_tally([], [], [MinutesRow("n", NOON, 5)], [], TODAY).week_minutes == 5
    assert make_tally([], [], rows[:MAX_SERIES], [], TODAY).series[-1] == "n0"


def test_a_link_counts_once_for_its_site_and_is_shared_by_its_newsletters() -> None:
    tally = make_tally(
        [],
        [],
        [],
        links(
            ("https://www.example.com/a", "one"),
            ("https://www.example.com/a", "two"),
            ("https://www.example.com/a", "two"),
            ("https://blog.example.com/b", "one"),
            ("https://example.org/c", "one"),
            ("https://example.org/c", "two"),
            ("https://example.org/c", "three"),
            ("https://example.net/d", "one"),
            ("https://example.net/d", "one"),
            ("nonsense", "one"),
        ),
        TODAY,
    )
    assert tally.sites == (("example.com", 2), ("example.net", 1), ("example.org", 1))
    assert [(shared.uid, shared.newsletters) for shared in tally.shared] == [
        ("urn:uuid:4", ("one", "two", "three")),
        ("urn:uuid:0", ("one", "two")),
    ]


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_weeks_begin_on_mondays(day: date) -> None:
    assert monday(day).weekday() == 0
    assert timedelta() <= day - monday(day) < timedelta(days=7)


@given(
    st.text(max_size=30).filter(lambda text: text.isprintable()),
    st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), min_size=1, max_size=90),
)
def test_bars_stand_on_each_other_within_the_chart(words: str, columns: list[list[int]]) -> None:
    top = round_top(max(map(sum, columns)))
    svg = etree.fromstring(str(bar_chart("x", words, words, [Bar(words, tuple(parts)) for parts in columns], top=top)))
    assert svg.findtext("title") == words
    for group, parts in zip(svg.findall("g"), columns, strict=True):
        shapes = [shape for shape in group.findall("rect") if shape.get("class") != "column"]
        assert len(shapes) == sum(part > 0 for part in parts)
        edge = 100.0
        for shape in shapes:
            edge -= float(shape.get("height") or "0")
            assert float(shape.get("y") or "-1") == pytest.approx(edge, abs=0.05)
        assert edge >= -0.05
        assert 100 - edge == pytest.approx(100 * sum(parts) / top, abs=0.05)


@given(st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=1, max_size=7))
def test_the_largest_is_the_darkest(rows: list[list[int]]) -> None:
    svg = etree.fromstring(str(heat_map("x", "t", "d", [[(f"<{value}>", value) for value in row] for row in rows])))
    levels = [int(str(cell.get("class")).removeprefix("heat-")) for cell in svg.findall("rect")]
    values = [value for row in rows for value in row]
    assert [cell.findtext("title") for cell in svg.findall("rect")] == [f"<{value}>" for value in values]
    for value, level in zip(values, levels, strict=True):
        assert (level == 0) == (value == 0)
        assert level <= HEAT_LEVELS
    if max(values):
        assert levels[values.index(max(values))] == HEAT_LEVELS


def test_a_shade_grows_with_the_number() -> None:
    assert [heat_level(value, 10) for value in (0, 1, 2, 4, 6, 8, 10)] == [0, 1, 2, 3, 4, 5, 5]
    assert heat_level(0, 0) == 0


@given(st.integers(0, 10**9))
def test_a_scale_ends_in_a_round_number_that_is_not_far(largest: int) -> None:
    top = round_top(largest)
    assert top >= largest
    assert top <= max(1, largest * 2.5)
    assert str(top).rstrip("0") in ("1", "2", "5")


@pytest.mark.parametrize(("minutes", "words"), [(0, "0 min"), (59, "59 min"), (60, "1 h"), (200, "3 h 20 min")])
def test_minutes_are_for_people(minutes: int, words: str) -> None:
    assert duration(minutes) == words


# -- the page -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path, resolve="never")


def sent_now(number: int, newsletter: Newsletter) -> Issue:
    what = [
        article("Read <this>", "https://www.example.com/read", read_minutes=5, id=entry_id(newsletter.key, "a")),
        article("Buy this", "https://ads.example.com/", kind="sponsor", id=entry_id(newsletter.key, "b")),
    ]
    return replace(issue(number, *what, newsletter=newsletter), sent=datetime.now(UTC))


def test_a_store_without_articles_says_so(client: FlaskClient, store: Store) -> None:
    assert "Nothing has come in within twelve months" in client.get("/statistics").text
    add(store, issue(0, article("Long ago")))
    assert "Nothing has come in within twelve months" in client.get("/statistics").text


def test_the_page_counts_what_the_store_has(client: FlaskClient, store: Store) -> None:
    one, two = (Newsletter(f"{name}.example.com", f"The <{name}>", name) for name in ("one", "two"))
    add(store, sent_now(1, one))
    page = client.get("/statistics").text
    assert "No article was in two newsletters" in page
    add(store, sent_now(2, two))
    page = client.get("/statistics").text
    assert "The &lt;one&gt;" in page
    assert "10 min" in page
    assert 'href="https://www.example.com/read"' in page, "what is shared is linked"
    assert "The &lt;two&gt; · The &lt;one&gt;" in page
    assert "ads.example.com" not in page
    assert "style=" not in page


def test_it_is_counted_once_for_each_change(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = Store.issues_by_hour

    def counting(self: Store, since: datetime) -> tuple[tuple[datetime, int], ...]:
        asked.append(since)
        return real(self, since)

    monkeypatch.setattr(Store, "issues_by_hour", counting)
    add(store, sent_now(1, Newsletter("one.example.com", "One", "one")))
    for _ in range(3):
        client.get("/statistics")
    assert len(asked) == 1
    add(store, sent_now(2, Newsletter("two.example.com", "Two", "two")))
    client.get("/statistics")
    assert len(asked) == 2


def test_numbers_can_be_read_as_a_table(library: Served, opener: Opener) -> None:
    visit = opener(library, "/statistics")
    summary = visit.page.get_by_text("As a table: Articles a day")
    summary.focus()
    visit.page.keyboard.press("Enter")
    assert visit.page.get_by_role("region", name="Articles a day").locator("tbody tr").count() == 84
    assert visit.page.get_by_role("img", name="Articles a day, over twelve weeks").count() == 1
    assert visit.axe() == []
