"""Titles in capitals mended: the words as the newsletter itself writes them, then names, shapes and endings."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.enrich import Lexicon, is_shouting, repair_case, tables

NOTHING = Lexicon()
WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@pytest.mark.parametrize(
    ("title", "shouting"),
    [
        ("PAINT DRIES", True),
        ("REJUVENATION", True),
        ("AI", False),
        ("NASA", False),
        ("GPT-4", False),
        ("F.T.C.", False),
        ("Paint dries", False),
        ("", False),
        ("2024", False),
        ("读了 5", False),
    ],
)
def test_is_shouting(title: str, shouting: bool) -> None:
    assert is_shouting(title) is shouting


@pytest.mark.parametrize(
    "title",
    [
        "Why AI can't spell 'strawberry'",
        "OpenAI's new GPU cluster trains xAI's models",
        "First MLPerf benchmarks for Nvidia, AMD, Google",
        "F.T.C. launches an antitrust investigation into Microsoft",
        "What U.S. export rules mean for chips",
        "Open-source tools for iOS and macOS developers",
        "How to run GPT-4o on an H100 with 80GB",
        "Comparing AWS S3 with Cloudflare R2: Price and performance",
        "5G and 3D printing raise $1B in the 1980s",
        "Kubernetes v1.37 is out",
        "World War II and the 21st century",
        "React Native is 10x faster",
        "Why I'm writing a JavaScript toolchain in Zig",
        "Sam Altman and Mira Murati leave",
        "idealist.org is down",
        "Tell us what you think",
        "Export rules of the US and China",
        "CTOs and CIOs don't agree",
        "San Francisco's new Google Cloud office",
        "npm packages: What is new?",
        "Is paint dry? Yes, it is",
        "How we use jax-ml/ml_dtypes and some_name",
    ],
)
def test_known_words_need_no_evidence(title: str) -> None:
    expected = title[0].upper() + title[1:] if not title.startswith("npm") else title
    assert repair_case(title.upper(), NOTHING) == expected


def test_the_items_own_summary_goes_first() -> None:
    issue = Lexicon.learn(["We painted the signal red. And the signal was red, the signal was."])
    assert repair_case("WHY SIGNAL WINS", issue) == "Why signal wins"
    assert repair_case("WHY SIGNAL WINS", issue, "Many people moved to Signal this year.") == "Why Signal wins"


def test_the_issue_tells_names_that_no_table_holds() -> None:
    issue = Lexicon.learn(["Engineers at Zorblax have built frobKit, and the zorgs like it."])
    assert repair_case("HOW ZORBLAX MAKES FROBKIT FOR ZORGS", issue) == "How Zorblax makes frobKit for zorgs"


def test_sentence_starts_capitals_and_title_case_teach_nothing() -> None:
    lexicon = Lexicon.learn(
        ["Paint dries. Brushes break.", "READ ALL ABOUT PAINT", "The Best Paint Dries First With OpenAI"]
    )
    assert lexicon.form("paint") is None
    assert lexicon.form("brushes") is None
    assert lexicon.form("about") is None
    assert lexicon.form("best") is None
    assert lexicon.form("openai") == "OpenAI"


def test_lexicons_merge() -> None:
    small = Lexicon.learn(["we like Signal a lot"])
    large = Lexicon.learn(["a signal here, a signal there, and a signal everywhere"])
    assert small.form("SIGNAL") == "Signal"
    assert small.merge(large).form("SIGNAL") == "signal"
    assert small.merge(large).counts == large.merge(small).counts


def test_the_link_spells_a_repository() -> None:
    assert repair_case("FROBKIT FOR ALL", NOTHING, url="https://github.com/ada/FrobKit") == "FrobKit for all"
    assert (
        repair_case("GYRUS-DEV/FROSTY: AN AGENT", NOTHING, url="https://github.com/gyrus-dev/frosty")
        == "gyrus-dev/frosty: An agent"
    )
    assert repair_case("PAINT FOR ALL", NOTHING, url="https://example.com/paint-for-all") == "Paint for all"


def test_a_single_short_word_changes_only_on_evidence() -> None:
    assert repair_case("SONNER", NOTHING) == "SONNER"
    assert repair_case("SONNER", NOTHING, "Sonner is a toast component.") == "Sonner"
    assert repair_case("TFTUI", NOTHING, "TFTUI is a viewer.") == "TFTUI"


def test_a_title_that_does_not_shout_stays() -> None:
    assert repair_case("Paint Dries on the CPU", NOTHING) == "Paint Dries on the CPU"


@given(st.text().map(str.upper), st.text(), st.text())
def test_only_letter_case_changes(title: str, summary: str, text: str) -> None:
    lexicon = Lexicon.learn([text, summary])
    assert repair_case(title, lexicon, summary, url=text).casefold() == title.casefold()


@pytest.mark.parametrize(
    "piece", ["A'", "A ", "A-", "A.", "AA ", "US ", "*A_B", "“A”", "A/", "A5", "SPONSORED: ", "ABCDEFGH"]
)
def test_long_input_takes_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.perf_counter()
    lexicon = Lexicon.learn([text.lower() + "x " + text])
    repair_case(text, lexicon, text.lower(), url="https://example.com/" + text)
    assert time.perf_counter() - began < 5.0  # a quadratic pattern takes minutes


@pytest.mark.parametrize("name", ["names.txt", "common_words.txt", "first_names.txt"])
def test_tables_are_sorted_and_hold_nothing_twice(name: str) -> None:
    entries = tables.read_lines(name)
    words = list(entries) if name == "names.txt" else [word for line in entries for word in line.split()]
    folded = [word.casefold() for word in words]
    assert folded == sorted(set(folded))


def test_labels_are_sorted_and_hold_nothing_twice() -> None:
    folded = list(tables.labels())
    assert folded == sorted(folded)


def test_headlines_of_the_corpus_keep_their_letter_case(shared: Path) -> None:
    """Every labelled title in sentence case, in capitals and mended with what its own message says: measured 0.948 of the words."""
    right = words = 0
    for gold in sorted((shared / "corpus").glob("*/*.gold.json")):
        articles = json.loads(gold.read_text("utf-8"))["articles"]
        lexicon = Lexicon.learn([a["summary"] for a in articles if a.get("summary")])
        for article in articles:
            title = article["title"]
            if article.get("title_free") or not _is_sentence_case(title):
                continue
            true, mended = (
                WORD.findall(title),
                WORD.findall(repair_case(title.upper(), lexicon, article.get("summary", ""))),
            )
            words += len(true)
            right += sum(a == b for a, b in zip(true, mended, strict=True)) if len(true) == len(mended) else 0
    assert words > 2000
    assert right / words >= 0.93


def _is_sentence_case(title: str) -> bool:
    longer = [word for word in WORD.findall(title)[1:] if len(word) > 3]
    return len(title.split()) > 2 and not title.isupper() and 2 * sum(w[0].islower() for w in longer) > len(longer)
