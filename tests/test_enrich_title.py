"""Titles taken apart: what goes, what stays, and what it said."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.enrich import TitleParts, declared_minutes, estimate_minutes, plain_summary, split_title


@pytest.mark.parametrize(
    ("raw", "title", "minutes"),
    [
        ("AI SPELLING (5 MINUTE READ)", "AI SPELLING", 5),
        ("AI SPELLING (5 MINUTE READ) [7]", "AI SPELLING", 5),
        ("AI SPELLING (2 MINUTES READ)", "AI SPELLING", 2),
        ("Spelling (7 min read)", "Spelling", 7),
        ("Spelling (7-min read)", "Spelling", 7),
        ("SPELLING 6 MIN READ", "SPELLING", 6),
        ("Spelling (2 hour read)", "Spelling", 120),
        ("Spelling (1 hour, 20 minute listen)", "Spelling", 80),
        ("Spelling (1 hr 5 min watch)", "Spelling", 65),
        ("Spelling (5-7 minute read)", "Spelling", 7),
        ("Spelling (~4 min read)", "Spelling", 4),
        ("Spelling - 5 min read", "Spelling", 5),
        ("Spelling · 5 min read", "Spelling", 5),
        ("Spelling 8 minutes, proposé par Camille", "Spelling", 8),
        ("Ortografía 10 minutos de lectura", "Ortografía", 10),
        ("Rechtschreibung (5 Min. Lesezeit)", "Rechtschreibung", 5),
        ("Orthographe – lecture de 5 min", "Orthographe", 5),
        ("拼写 阅读时间 5 分钟", "拼写", 5),
        ("綴り(読了時間 5分)", "綴り", 5),
        ("Spelling [5 min]", "Spelling", 5),
        ("[5 min] Spelling", "Spelling", 5),
        ("5 min read: Spelling", "Spelling", 5),
        ("(5 minute read)", "", 5),
        ("Watch a 15 minute on-demand demo", "Watch a 15 minute on-demand demo", None),
        ("This is a 5 minute read", "This is a 5 minute read", None),
        ("How I read 100 books in 5 minutes", "How I read 100 books in 5 minutes", None),
    ],
)
def test_read_time_leaves_the_title(raw: str, title: str, minutes: int | None) -> None:
    parts = split_title(raw)
    assert (parts.title, parts.read_minutes) == (title, minutes)


@pytest.mark.parametrize(
    ("raw", "title", "label"),
    [
        ("ML DTYPES (GITHUB REPO)", "ML DTYPES", "GitHub Repo"),
        ("ML dtypes (github repo)", "ML dtypes", "GitHub Repo"),
        ("Paint (Website)", "Paint", "Website"),
        ("Paint (Hacker News Thread)", "Paint", "Hacker News Thread"),
        ("PAINT (HUGGINGFACE DATASET)", "PAINT", "HuggingFace Dataset"),
        ("Attention (12 minute video)", "Attention", "Video"),
        ("Attention [PDF]", "Attention", "PDF"),
        ("[PDF] Attention", "Attention", "PDF"),
        ("Attention (podcast)", "Attention", "Podcast"),
        ("PAINT (BLENDER PLUGIN)", "PAINT", "Blender Plugin"),
        ("ACME - DESIGNER (FULLY REMOTE, $80,000 - $120,000)", "ACME - DESIGNER", "Fully Remote, $80,000 - $120,000"),
        ("ACME ($150K-$200K, FULLY REMOTE)", "ACME", "$150K-$200K, Fully Remote"),
        ("Paint (Blender plugin)", "Paint (Blender plugin)", None),
        ("USB Cheat Sheet (2022)", "USB Cheat Sheet (2022)", None),
        ("Launch HN: Paint (YC S24)", "Launch HN: Paint (YC S24)", None),
        ("PAINT (PART 2)", "PAINT (PART 2)", None),
        ("WHY PAINT DRIES (AND WHY NOT)", "WHY PAINT DRIES (AND WHY NOT)", None),
        ("The video", "The video", None),
    ],
)
def test_label_leaves_the_title(raw: str, title: str, label: str | None) -> None:
    parts = split_title(raw)
    assert (parts.title, parts.label, parts.sponsor) == (title, label, False)


@pytest.mark.parametrize(
    "raw",
    [
        "Better paint (Sponsor)",
        "Better paint (SPONSOR) [4]",
        "Better paint [sponsored]",
        "[Sponsored] Better paint",
        "Better paint (ANZEIGE)",
        "SPONSORED - Better paint",
        "Sponsored: Better paint",
        "Better paint (Ad)",
        "Better paint (Promoted)",
        "Better paint (Partner)",
        "Better paint - Sponsored",
        "Anzeige | Better paint",
    ],
)
def test_paid_placement_is_marked(raw: str) -> None:
    assert split_title(raw) == TitleParts("Better paint", sponsor=True)


@pytest.mark.parametrize(
    "raw", ["Place a sponsored post", "Sponsor an issue", "Ad blockers (and how they work)", "Partner APIs: a guide"]
)
def test_a_word_about_sponsors_is_content(raw: str) -> None:
    assert split_title(raw) == TitleParts(raw)


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ("1. Paint dries", "Paint dries"),
        ("12) Paint dries", "Paint dries"),
        ("#3 Paint dries", "Paint dries"),
        ("3️⃣ Paint dries", "Paint dries"),
        ("• Paint dries", "Paint dries"),
        ("- Paint dries", "Paint dries"),
        ("# Paint dries", "Paint dries"),
        ("🚀 Paint dries 🎨", "Paint dries"),
        ("Paint dries →", "Paint dries"),
        ("Paint dries »", "Paint dries"),
        ("Paint dries >>", "Paint dries"),
        ("PAINT _IS_ DRY", "PAINT IS DRY"),
        ("Paint is *really* **very** dry", "Paint is really very dry"),
        ("“Paint dries”", "Paint dries"),
        ('"Paint" and "dry"', '"Paint" and "dry"'),
        ("  Paint \n dries\u200b ", "Paint dries"),
        ("» Paint dries", "Paint dries"),
        ("»Paint« dries", "»Paint« dries"),
        ("Why «paint»", "Why «paint»"),
        ("[Webinar] Paint dries", "[Webinar] Paint dries"),
        ("7 lessons from building", "7 lessons from building"),
        ("3D printing", "3D printing"),
        ("2024 in review", "2024 in review"),
        ("2024. A year", "2024. A year"),
        ("10 things", "10 things"),
        ("C# and F#", "C# and F#"),
        ("What __init__ does to snake_case_names", "What __init__ does to snake_case_names"),
        ("Liebe Leser*innen", "Liebe Leser*innen"),
        ("#AllesIstMöglich", "#AllesIstMöglich"),
        ("Iraq 💙. Oryx.", "Iraq 💙. Oryx."),
        ("323: Iraq", "323: Iraq"),
        ("🎉", "🎉"),
        ("", ""),
    ],
)
def test_decoration_leaves_the_title(raw: str, title: str) -> None:
    assert split_title(raw) == TitleParts(title)


def test_all_markers_at_once() -> None:
    assert split_title("🎬 1. [Sponsored] _PAINT_ (VIDEO) (12 MINUTE READ) [3] →") == TitleParts(
        "PAINT", 12, "Video", True
    )


TITLE_PIECES = st.lists(
    st.sampled_from(
        [
            "paint",
            "DRY",
            "(5 min read)",
            "[PDF]",
            "(Sponsor)",
            "Sponsored:",
            "- ",
            "1.",
            "#3",
            "_",
            "*",
            "_a_",
            "**b**",
            '"',
            "“",
            "”",
            "»",
            "🚀",
            "[7]",
            "(",
            ")",
            "5",
            "min read",
            "2 hours",
            "lecture de 5 min",
            " ",
            "\u200b",
            "'",
            "|",
            "(2019)",
            ">",
            "8 minutes, proposé par",
        ]
    ),
    max_size=12,
).flatmap(lambda pieces: st.sampled_from([" ".join(pieces), "".join(pieces)]))


@given(st.one_of(st.text(), TITLE_PIECES))
def test_splitting_a_split_title_changes_nothing(raw: str) -> None:
    title = split_title(raw).title
    assert split_title(title).title == title


@given(st.one_of(st.text(), TITLE_PIECES))
def test_nothing_raises(raw: str) -> None:
    declared_minutes(raw)
    assert estimate_minutes(raw) >= 1
    assert plain_summary(plain_summary(raw)) == plain_summary(raw)


@pytest.mark.parametrize(
    ("line", "minutes"),
    [
        ("5 min read · Ada", 5),
        ("Ada · 5 min read · 3 May", 5),
        ("Ada • 5 min", 5),
        ("Reading time: 6 minutes", 6),
        ("⏱ 4 min", 4),
        ("Temps de lecture : 6 minutes", 6),
        ("Lesezeit: 5 Minuten", 5),
        ("4 MIN READ • 3 COMMENTS", 4),
        ("8 minutes, proposé par Camille", 8),
        ("Podcast (1 hour listen)", 60),
        ("阅读时间:5 分钟", 5),
        ("It took 15 minutes to read", None),
        ("Watch a 15 minute on-demand demo", None),
        ("Posted 5 minutes ago", None),
        ("5 minutes", None),
        ("Boil the eggs for 5 minutes, then peel them - and serve.", None),
        ("", None),
    ],
)
def test_declared_minutes(line: str, minutes: int | None) -> None:
    assert declared_minutes(line) == minutes


def test_estimated_minutes_count_words_and_characters() -> None:
    assert estimate_minutes("") == 1
    assert estimate_minutes("word " * 238 * 4) == 4
    assert estimate_minutes("字" * 1500) == 3
    assert estimate_minutes("word " * 238 + "字" * 1000) == 3


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ("Paint\n dries  slowly [7].", "Paint dries slowly."),
        ("Paint [7] dries [8][9]", "Paint dries"),
        ("the array a[0] and [1, 2] stay", "the array a[0] and [1, 2] stay"),
        ("Paint \u200c \u200c \u034f \u200c dries\u00ad.", "Paint dries."),
        ("family 👨\u200d👩\u200d👧 stays", "family 👨\u200d👩\u200d👧 stays"),
        ("word " * 400, ("word " * 400).strip()),
    ],
)
def test_plain_summary(text: str, summary: str) -> None:
    assert plain_summary(text) == summary


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        ")",
        "[",
        "_*",
        "1. ",
        "A (5 MIN READ) ",
        '["',
        "[7] ",
        "🚀",
        '"',
        "_A _",
        "* _",
        "SPONSORED: ",
        " -",
        "12 HOUR ",
        "(A)",
        "\u200c ",
        "5 ",
    ],
)
def test_long_input_takes_linear_time(piece: str) -> None:
    text = (piece * 100_000)[:100_000]
    began = time.perf_counter()
    split_title(text)
    declared_minutes(text)
    estimate_minutes(text)
    plain_summary(text)
    assert time.perf_counter() - began < 5.0  # a quadratic pattern takes minutes
