"""Plain text before it is split: footnotes are resolved and no address is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedsvc.document import read_text
from feedsvc.document.notes import resolve_notes

ADDRESSES = [f"https://site{n}.example/page" for n in range(4)]
PARTS = st.lists(
    st.one_of(
        st.sampled_from(["A line of words.", "", "Words [1] and more [2]", "[3]"]),
        st.tuples(st.integers(1, 4), st.sampled_from(ADDRESSES)).map(lambda note: f"[{note[0]}] {note[1]}"),
    ),
    max_size=12,
)


@given(PARTS)
def test_no_address_is_lost(lines: list[str]) -> None:
    text = "\n".join(lines)
    resolved = resolve_notes(text)
    assert {a for a in ADDRESSES if a in text} == {a for a in ADDRESSES if a in resolved}


def test_a_number_stands_for_the_next_footnote_below_it() -> None:
    text = "One [1]\n\n[1]\nhttps://a.example/1\n\nTwo [1]\n\n[1] <https://b.example/2>\n"
    assert resolve_notes(text) == "One [https://a.example/1]\n\n\n\nTwo [https://b.example/2]\n\n\n"


def test_a_footnote_that_nothing_refers_to_is_text() -> None:
    text = "Sources:\n[1] https://a.example/1\n[2] https://b.example/2\n"
    assert resolve_notes(text) == text


def test_one_note_alone_is_text() -> None:
    text = "See [1].\n[1] https://a.example/1\n"
    assert resolve_notes(text) == text


def test_a_sentence_ends_before_its_button() -> None:
    said = "The ferry has run for forty years without a map. Read the full story. (https://a.example/ferry)"
    (block,) = read_text(said).blocks
    assert [(s.text, s.href) for s in block.spans] == [
        ("The ferry has run for forty years without a map. ", None),
        ("Read the full story.", "https://a.example/ferry"),
    ]


def test_a_sentence_goes_on_below_its_address() -> None:
    said = (
        "Oil gained as the strait stayed\n<https://a.example/strait>\nclosed for a third week, and nobody knew why.\n"
    )
    (block,) = read_text(said).blocks
    assert block.text == "Oil gained as the strait stayed closed for a third week, and nobody knew why."


def test_a_rule_may_hold_a_title() -> None:
    news, works = read_text("=====[ HARBOUR NEWS ]=====\n\n-------- Works on the pier --------\n").blocks
    assert (news.kind, news.text, works.kind, works.text) == ("heading", "HARBOUR NEWS", "heading", "Works on the pier")
    (rule,) = read_text("=====-----=====\n").blocks
    assert rule.kind == "rule"


def test_words_between_asterisks_may_open_a_line() -> None:
    item, paragraph, mild = read_text(
        "* *The slow ferry.* It runs (https://a.example/ferry) again.\n\n*Pier*: closed.\n\n*not* a title of this\n"
    ).blocks
    assert [(s.text, s.bold, s.href) for s in item.spans] == [
        ("The slow ferry.", True, None),
        (" It ", False, None),
        ("runs", False, "https://a.example/ferry"),
        (" again.", False, None),
    ]
    assert [(s.text, s.bold) for s in paragraph.spans] == [("Pier", True), (": closed.", False)]
    assert mild.text == "*not* a title of this"


def test_a_link_may_be_written_in_restructuredtext() -> None:
    (item,) = read_text("- `The slow ferry <https://a.example/ferry>`__\n").blocks
    assert [(s.text, s.href) for s in item.spans] == [("The slow ferry", "https://a.example/ferry")]


def test_a_hash_sign_before_small_letters_is_a_comment() -> None:
    comment, heading = read_text("# wrap it in quotes\n\n# Quotes\n").blocks
    assert (comment.kind, heading.kind) == ("paragraph", "heading")


def test_heavy_rules_stand_above_light_ones() -> None:
    part, story = (
        b
        for b in read_text("=====\nNews\n=====\n\n---------\nThe ferry\n---------\nIt runs.\n").blocks
        if b.kind == "heading"
    )
    assert part.level < story.level
    (alone,) = (b for b in read_text("---------\nThe ferry\n---------\nIt runs.\n").blocks if b.kind == "heading")
    assert alone.level == part.level


def test_an_address_below_a_rule_is_no_link_of_the_rule() -> None:
    blocks = read_text("*********\nThe ferry\n*********\n\n( https://a.example/ ) Friday, May 22, 2026\n").blocks
    assert [b.kind for b in blocks] == ["rule", "heading", "rule", "paragraph"]
