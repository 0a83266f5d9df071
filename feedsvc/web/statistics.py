"""What arrives, when, and how much there is to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from flask import Blueprint, render_template
from markupsafe import Markup

from feedsvc.publish import Entry, publish_entry
from feedsvc.web.charts import Bar, bar_chart, heat_map, round_top
from feedsvc.web.language import gettext, ngettext
from feedsvc.web.privacy import everybody, mention
from feedsvc.web.site import base_url, site
from feedsvc.web.tally import MAX_LINKS, RECENT_WEEKS, Shared, Tally, first_day, make_tally, monday
from feedsvc.web.when import day as day_words
from feedsvc.web.when import duration

blueprint = Blueprint("statistics", __name__)

WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart with the words beside it: the end of its scale, its first and last column, and its numbers as a table."""

    svg: Markup
    top: str
    first: str
    last: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@blueprint.get("/statistics")
def statistics() -> str:
    """Show the page."""
    here = site()
    today = datetime.now().astimezone().date()
    tally = here.tallies.get((here.store.revision(), today), lambda: _count(today))
    if not tally.total:
        return render_template("statistics.html", tally=None)
    names = {one.slug: one.name for one in here.store.newsletter_names()}
    series = tuple(gettext("others") if slug is None else names.get(slug, slug) for slug in tally.series)
    return render_template(
        "statistics.html",
        tally=tally,
        days=_by_day(tally),
        weeks=_by_week(tally),
        heat=_hours(tally),
        weekdays=tuple(gettext(name) for name in WEEKDAYS),
        minutes=_minutes(tally, series),
        series=series,
        week_minutes=duration(tally.week_minutes),
        mean_articles=round(sum(count for _, count in tally.by_day) / RECENT_WEEKS),
        mean_minutes=duration(round(sum(sum(parts) for _, parts in tally.minutes) / RECENT_WEEKS)),
        most_cited=max((count for _, count in tally.sites), default=0),
        shared=[
            (entry, [names.get(slug, slug) for slug in shared.newsletters])
            for shared in tally.shared
            if (entry := _entry(shared)) is not None
        ],
        zone=datetime.now().astimezone().tzname(),
    )


def _count(today: date) -> Tally:
    store = site().store
    since = datetime.combine(first_day(today), time()).astimezone(UTC)
    recent = datetime.combine(monday(today) - timedelta(weeks=RECENT_WEEKS - 1), time()).astimezone(UTC)
    return make_tally(
        store.articles_by_hour(since),
        store.issues_by_hour(since),
        store.minutes_by_hour(recent),
        store.newest_links(recent, MAX_LINKS),
        today,
        None,
    )


def _articles_words(count: int) -> str:
    return ngettext("%(num)s article", "%(num)s articles", count) % {"num": f"{count:,}"}


def _week_words(week: date) -> str:
    return gettext("week of %(day)s") % {"day": day_words(datetime.combine(week, time()))}


def _plain_chart(name: str, title: str, counted: tuple[tuple[str, int], ...], column: str) -> Chart:
    top = round_top(max(count for _, count in counted))
    total = _articles_words(sum(count for _, count in counted))
    most = max(counted, key=lambda pair: pair[1])
    description = gettext("%(total)s in all; the most, %(most)s: %(articles)s.") % {
        "total": total,
        "most": most[0],
        "articles": _articles_words(most[1]),
    }
    bars = [Bar(f"{words}: {_articles_words(count)}", (count,)) for words, count in counted]
    return Chart(
        bar_chart(name, title, description, bars, top=top),
        f"{top:,}",
        counted[0][0],
        counted[-1][0],
        (column, gettext("Articles")),
        tuple((words, f"{count:,}") for words, count in counted),
    )


def _by_day(tally: Tally) -> Chart:
    counted = tuple((day_words(datetime.combine(day, time())), count) for day, count in tally.by_day)
    return _plain_chart("by-day", gettext("Articles a day, over twelve weeks"), counted, gettext("Day"))


def _by_week(tally: Tally) -> Chart:
    counted = tuple((_week_words(week), count) for week, count in tally.by_week)
    return _plain_chart("by-week", gettext("Articles a week, over twelve months"), counted, gettext("Week"))


def _hours(tally: Tally) -> Chart:
    def words(weekday: int, hour: int) -> str:
        count = tally.hours[weekday][hour]
        mails = ngettext("%(num)s issue", "%(num)s issues", count) % {"num": f"{count:,}"}
        return f"{gettext(WEEKDAYS[weekday])} {hour:02}:00: {mails}"

    counts = {(weekday, hour): count for weekday, row in enumerate(tally.hours) for hour, count in enumerate(row)}
    busiest = max(counts, key=lambda place: counts[place])
    rows = [[(words(weekday, hour), tally.hours[weekday][hour]) for hour in range(24)] for weekday in range(7)]
    return Chart(
        heat_map(
            "hours",
            gettext("Issues by day of the week and hour"),
            gettext("The busiest hour: %(words)s.") % {"words": words(*busiest)},
            rows,
        ),
        "",
        "0:00",
        "23:00",
        (gettext("Hour"), *(gettext(name) for name in WEEKDAYS)),
        tuple((f"{hour:02}:00", *(f"{tally.hours[day][hour]:,}" for day in range(7))) for hour in range(24)),
    )


def _minutes(tally: Tally, series: tuple[str, ...]) -> Chart:
    totals = [sum(parts) for _, parts in tally.minutes]
    top = round_top(max(totals) / 60) * 60 if max(totals) > 60 else 60
    bars = []
    for week, parts in tally.minutes:
        largest = [
            f"{name} {duration(part)}" for part, name in sorted(zip(parts, series, strict=True), reverse=True) if part
        ]
        bars.append(Bar(f"{_week_words(week)}: {duration(sum(parts))}\n" + "\n".join(largest), tuple(parts)))
    description = gettext("%(total)s in all.") % {"total": duration(sum(totals))}
    return Chart(
        bar_chart("minutes", gettext("Time to read, by week and newsletter"), description, bars, top=top),
        duration(top),
        _week_words(tally.minutes[0][0]),
        _week_words(tally.minutes[-1][0]),
        (gettext("Week"), *series),
        tuple((_week_words(week), *map(duration, parts)) for week, parts in tally.minutes),
    )


def _entry(shared: Shared) -> Entry | None:
    here = site()
    stored = here.store.get_article(shared.uid)
    if stored is None:
        return None
    entry = publish_entry(stored, base_url(), follow=here.follow, recipients=everybody(), content=False)
    mention(entry.recipients)
    return entry
