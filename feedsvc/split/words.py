"""What lines are made of: their letters and words, counted, looked for, and folded so that two ways of writing one title are equal.

Every line of every mail comes through here, most of them several times. Nearly all that newsletters write fits into windows-1252, one octet
a character, in which counting takes a quarter of the time that a regular expression takes; the expression says what is meant, and does the rest.
"""

from __future__ import annotations

import re

LETTERS = re.compile(r"[^\W\d_]")
THREE_LETTERS = re.compile(r"(?:[\W\d_]*[^\W\d_]){3}")
WORDS = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")
# Chinese characters and kana, which stand without spaces; two of them say about as much as a word does.
CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
CJK_PER_WORD = 2
MAX_SHORT_CHARS = 300
MAX_MEAN_CHARS = 20  # of words parted by spaces: longer ones on average are of a script that writes none
RUNS = re.compile(r"[^\W_]+")
LEADING_NOISE = re.compile(r"^[\W_]+")
CODEC = "cp1252"
JOINERS = "'’.&-"  # one of them between two letters or digits makes one word of both
UNEQUAL = re.compile("[ßµ]")  # what casefold turns into something that the codec has not, or not in one octet


def _table(kind: str) -> bytes:
    """What each octet becomes: for counting `a` in a word, `'` joining and a blank else; for folding its small letter or a blank."""
    characters = bytes(range(256)).decode(CODEC, "replace")
    if kind == "count":
        return "".join("a" if c.isalnum() else "'" if c in JOINERS else " " for c in characters).encode()
    return "".join(c.casefold() if c.isalnum() and not UNEQUAL.match(c) else " " for c in characters).encode(CODEC)


COUNTING, FOLDING = _table("count"), _table("fold")


def has_letters(text: str) -> bool:
    """Whether there is a letter in the text."""
    return text[:1].isalpha() or LETTERS.search(text) is not None


def has_three_letters(text: str) -> bool:
    """Whether there are three letters in the text or more."""
    return (text[:3].isalpha() and len(text) >= 3) or THREE_LETTERS.match(text) is not None


def count_words(text: str) -> int:
    """How many words there are: as many as WORDS finds, where Chinese characters and kana count for half a word each."""
    try:
        marks = b" " + text.encode(_codec(text)).translate(COUNTING)
    except UnicodeEncodeError:
        cjk = len(CJK.findall(text))
        return len(WORDS.findall(CJK.sub(" ", text) if cjk else text)) + (cjk + 1) // CJK_PER_WORD
    # A word starts behind anything but a letter, digit, or what joins it to a word before.
    return marks.count(b" a") + marks.count(b" 'a") + marks.count(b"''a")


def count_words_of_line(text: str) -> int:
    """As `count_words`; of a longer text, where a few more or less do not matter, what spaces part."""
    if len(text) >= MAX_SHORT_CHARS and (words := text.count(" ") + 1) * MAX_MEAN_CHARS > len(text):
        return words
    return count_words(text)


def fold(text: str) -> str:
    """Letters and digits only, without case: equal for what two people would call the same title."""
    codec = _codec(text)
    if codec == "ascii" or not UNEQUAL.search(text):
        try:
            return b" ".join(text.encode(codec).translate(FOLDING).split()).decode(codec)
        except UnicodeEncodeError:
            pass
    return " ".join(RUNS.findall(text.casefold()))


def _codec(text: str) -> str:
    """The codec in which a text is one octet a character, if any is: ASCII is a part of the other, and known to Python without a table."""
    return "ascii" if text.isascii() else CODEC


def without_noise(text: str) -> str:
    """The text from its first letter or digit on."""
    return text if text[:1].isalnum() else LEADING_NOISE.sub("", text)


def lowered(text: str) -> str:
    """The text in small letters, so that a pattern in small letters finds in it what it would find without regard to case in the text.

    A pattern that ignores case takes four times as long. Of the letters that patterns take for one, `lower` leaves these apart.
    """
    if text.isascii():
        return text.lower()
    return text.replace("İ", "i").lower().replace("ı", "i").replace("ſ", "s")
