"""What is done quickly gives what the plain expression gives, and no phrase is passed over because its marks were not looked for rightly."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.document.lines import BLANKS, single_spaced, visible
from feedsvc.split import nature, phrases, words

PHRASES = tomllib.loads(files("feedsvc.split").joinpath("phrases.toml").read_text(encoding="utf-8"))
MARKED = [(name, p) for name in PHRASES["marks"] for p in PHRASES[name] if not p.startswith("^")]
# Texts in which letters, joiners, blanks and what windows-1252 lacks stand side by side.
TEXTS = st.text(st.sampled_from("ab1Zß_µ -.'’&é—“²½\xa0\u200b\u2800Жяİ\n")) | st.text()


def counted_by_expression(text: str) -> int:
    """The words that the expression finds, and half of the characters that are words without spaces."""
    return len(words.WORDS.findall(words.CJK.sub(" ", text))) + (len(words.CJK.findall(text)) + 1) // 2


@given(TEXTS)
def test_words_are_counted_as_the_expression_finds_them(text: str) -> None:
    assert words.count_words(text) == counted_by_expression(text)


def test_scripts_without_spaces_have_words_too() -> None:
    sentence = "港の渡し船が四年ぶりに動きだした。"
    assert words.count_words(sentence) == 8
    assert words.count_words_of_line(sentence * 40) == 320
    assert words.count_words("The ferry 渡船 runs.") == 4


def test_a_long_line_has_the_words_that_spaces_part() -> None:
    assert words.count_words_of_line("ferry - boat " * 40) == 121


@given(TEXTS)
def test_texts_are_folded_to_their_letters_and_digits(text: str) -> None:
    assert words.fold(text) == " ".join(re.findall(r"[^\W_]+", text.casefold()))


@given(TEXTS)
def test_letters_are_found_as_the_expression_finds_them(text: str) -> None:
    letters = re.findall(r"[^\W\d_]", text)
    assert words.has_letters(text) == bool(letters)
    assert words.has_three_letters(text) == (len(letters) >= 3)
    assert words.without_noise(text) == re.sub(r"^[\W_]+", "", text)


def test_every_character_is_counted_and_folded_as_it_is_meant() -> None:
    everything = [chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000]
    assert [c for c in everything if words.count_words(c) != counted_by_expression(c)] == []
    assert [c for c in everything if words.fold(c) != " ".join(words.RUNS.findall(c.casefold()))] == []


def test_a_lowered_text_has_the_letters_that_a_search_without_case_takes_for_one() -> None:
    letters = "abcdefghijklmnopqrstuvwxyzàâäáåçéèêëíîïñóôöùûüúß"
    ignoring = re.compile(f"[{letters}]", re.IGNORECASE)
    characters = (chr(n) for n in range(sys.maxunicode + 1) if not 0xD800 <= n < 0xE000)
    # To `re` the capital sharp s is none of these letters' capital.
    assert [c for c in characters if (words.lowered(c) in letters) != bool(ignoring.fullmatch(c)) and c != "ẞ"] == []


@given(TEXTS)
def test_white_space_becomes_single_spaces(text: str) -> None:
    assert single_spaced(text) == re.sub(r"\s+", " ", text)
    assert single_spaced(text.translate(BLANKS)) == re.sub(r"[\s\u2800\u3164]+", " ", text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),  # one emoji of two
        ("a\u200db", "ab"),
        ("\U0001f468\u200b\u200d\U0001f469", "\U0001f468\U0001f469"),  # the joiner stands behind no emoji
        ("\u034f \u200c pre\u00adheader\ufeff", "  preheader"),
    ],
)
def test_what_takes_no_room_is_left_out(text: str, seen: str) -> None:
    assert visible(text) == seen


@pytest.mark.parametrize(("name", "pattern"), MARKED)
def test_whatever_a_phrase_finds_holds_one_of_its_marks(name: str, pattern: str) -> None:
    @given(st.from_regex(pattern, alphabet=st.characters(codec="utf-8", exclude_categories=("Lu", "Lt"))))
    def holds(text: str) -> None:
        assert any(mark in text for mark in PHRASES["marks"][name])

    holds()


@pytest.mark.parametrize(
    ("pattern", "marks"), [(nature.ASKED_FOR, nature.ASKED_FOR_MARKS), (nature.OFFER, nature.OFFER_MARKS)]
)
def test_whatever_tells_the_nature_of_a_mail_holds_one_of_its_marks(
    pattern: re.Pattern[str], marks: tuple[str, ...]
) -> None:
    @given(st.from_regex(pattern))
    def holds(text: str) -> None:
        assert any(mark in text for mark in marks)

    holds()


def test_phrases_are_in_small_letters_and_found_in_any() -> None:
    for name, patterns in PHRASES.items():
        if name != "marks":
            assert [p for p in patterns if re.search(r"[A-ZÀ-ÖØ-Þ]", re.sub(r"\\.", "", p))] == []
    assert phrases.says("furniture", "TO STOP, UNSUBSCRIBE")
    assert phrases.says("furniture", "No longer want to receıve this? They no longer Receive it")
    assert not phrases.says("furniture", "He had to stop at the receiver")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Der Newsletter wird nicht richtig dargestellt?", "Die Hauptrolle wird nicht richtig besetzt"),
        ("Diesen Newsletter im Browser ansehen", "PDFs ohne Zusatz im Browser ansehen"),
        ("Si vous ne voyez pas ce message, ouvrez-le dans votre navigateur", "Si vous achetez vos billets en ligne"),
        ("Lire cette lettre en ligne", "Lire une carte marine en ligne"),
        ("Ver este correo en tu navegador", "Ver una ópera en línea"),
        ("Bekijk deze e-mail in je browser", "Bekijk de sterren in je achtertuin"),
        ("Visualizza questa email nel tuo browser", "Leggi i giornali online"),
    ],
)
def test_the_way_to_the_web_version_is_furniture_and_its_like_is_not(said: str, written: str) -> None:
    assert phrases.says("furniture", said)
    assert not phrases.says("furniture", written)
