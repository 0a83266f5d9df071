"""Who the reader is to the sender, as the reader's own copy of a mail tells it."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.links import canonical, is_personal, is_pixel, recipients_of, subscriber_tokens

UUID = "99928a2a-2afa-11ee-824b-2306ff3c376d"
TOKEN = "uxz7dfiv-o6cz2uk0-t3h"


def body(*links: str) -> str:
    return "".join(f'<a href="{link.replace("&", "&amp;")}">x</a>' for link in links)


@pytest.mark.parametrize(
    ("links", "found"),
    [
        # Mailchimp: `u` is the account, `id` the list, `c` the campaign; only `e` is the reader.
        (["https://shop.us1.list-manage.com/unsubscribe?u=f39692e245b94f7fb693b6d82&id=93b2272cb6&e=8523a5b059&c=d56269d909"], {"8523a5b059"}),
        ([f"https://mail.example.com/unsubscribe?ep=1&l=cfa2d55a-b7be-11e8-a3c9-06b79b628af2&lc={UUID}"], {UUID}),
        (["https://news.example.com/unsubscribe?uid=DhS8ajH7NeRZK5Ns&cid=2cf526c5144bffe6"], {"DhS8ajH7NeRZK5Ns"}),
        ([f"https://news.example.com/unsubscribe/{TOKEN}"], {TOKEN}),
        (["https://news.example.com/unsubscribe?email=Reader%40Example.org"], {"reader@example.org"}),
        ([f"https://news.example.com/preferences?d={base64.b64encode(b'reader@example.org').decode()}"], set()),  # `d`: an account
        ([f"https://news.example.com/preferences?data={base64.b64encode(b'reader@example.org').decode()}"], {"reader@example.org"}),
        (["https://news.example.com/email/preferences?token=8c9d0e1f2a3b4c5d6e7f"], {"8c9d0e1f2a3b4c5d6e7f"}),
        ([f"https://track.example.net/CL0/{quote('https://n.example.com/unsubscribe?e=a1b2c3d4e5', safe='')}/1/01-0/x=1"], {"a1b2c3d4e5"}),
        # A number that three links and more carry under a reader's name.
        ([f"https://news.example.com/{n}?sid=a7b8c9d0" for n in range(3)], {"a7b8c9d0"}),
        ([f"https://news.example.com/{n}?sid=a7b8c9d0" for n in range(2)], set()),
        ([f"https://site{n}.example/{n}?q9=a1B2c3D4e5F6g7H8" for n in range(4)], {"a1B2c3D4e5F6g7H8"}),
        ([f"https://news.example.com/{n}?page=2024" for n in range(9)], set()),
        ([f"https://news.example.com/{n}?uid=home" for n in range(9)], set()),
        (["https://x.substack.com/p/1?r=1iefy", "https://x.substack.com/p/2?r=1iefy", "https://x.substack.com/p/3?r=1iefy"], {"1iefy"}),
        (["https://x.substack.com/p/1?r=1iefy", "https://x.substack.com/p/2"], set()),
        (["https://example.com/a", "https://example.com/unsubscribe-from-everything-you-hate"], set()),
    ],
)  # fmt: skip
def test_what_a_mail_says_of_its_reader(links: list[str], found: set[str]) -> None:
    assert subscriber_tokens(body(*links)) == found


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (f"https://news.example.com/u/{TOKEN}", {TOKEN}),
        (f"mailto:unsubscribe+{TOKEN}@example.net", {TOKEN}),
        (f"mailto:leave@example.net?subject=unsubscribe%20{UUID}", {UUID}),
        ("mailto:unsubscribe@example.net?subject=unsubscribe", set()),
        ("mailto:news-unsubscribe-request@example.net", set()),
        ("not an address", set()),
        ("", set()),
    ],
)
def test_what_list_unsubscribe_says_of_the_reader(address: str, found: set[str]) -> None:
    assert subscriber_tokens("", (address,)) == found


def test_what_was_found_keeps_links_from_being_published() -> None:
    reader = subscriber_tokens(body(f"https://news.example.com/unsubscribe/{TOKEN}"), ("mailto:x@example.net",))
    assert canonical(f"https://other.example.com/a?x={TOKEN}&b=1", reader).url == "https://other.example.com/a?b=1"
    assert is_personal(f"https://other.example.com/{TOKEN}/a", reader)
    assert not is_personal("https://other.example.com/a", reader)
    assert not is_personal("https://other.example.com/8523a5b05", frozenset({"8523a5b059"}))


@given(st.text(max_size=300), st.lists(st.text(max_size=80), max_size=3))
def test_any_input_is_read(text: str, unsubscribe: list[str]) -> None:
    for token in subscriber_tokens(text, tuple(unsubscribe)):
        assert token


@given(st.integers(0, 60), st.sampled_from(["plain", "encoded", "base64", "hex", "capitals"]))
def test_many_recipients_are_found_as_one_is(others: int, form: str) -> None:
    people = frozenset({"reader.one@example.org", *(f"a{n}.b{n}@mail{n}.example.com" for n in range(others))})
    shown = {
        "plain": "x reader.one@example.org y",
        "encoded": "https://e.example/?x=reader.one%2540example.org",
        "base64": "https://e.example/?x=" + base64.b64encode(b"??reader.one@example.org??").decode(),
        "hex": "https://e.example/?x=" + b"reader.one@example.org".hex(),
        "capitals": "READER.ONE@EXAMPLE.ORG",
    }[form]
    assert recipients_of(people).found_in(shown)
    assert recipients_of(people).named_in(shown) == {"reader.one@example.org"}
    assert recipients_of(people).named_in(shown.swapcase().replace("e", "3").replace("E", "3")) == frozenset()
    assert not recipients_of(people).found_in("https://e.example/reader/one?x=1")


@pytest.mark.parametrize(
    ("src", "counts"),
    [
        ("https://x.us1.list-manage.com/track/open.php?u=1&id=2&e=3", True),
        ("https://u1.ct.example.net/wf/open?upn=u001.x", True),
        ("https://link.mail.example.net/ss/o/u001.abc/46z/h1/s2.gif", True),
        ("https://www.google-analytics.com/collect?v=1", True),
        ("https://example.com/1x1.gif", True),
        ("https://example.com/open-source.png", False),
        ("https://example.com/images/pixel-art.png", False),
        ("https://substackcdn.com/image/fetch/w_600/https%3A%2F%2Fbucket.example%2Fa.png", False),
        ("https://example.com/o/photo.jpg", False),
        ("cid:logo", False),
        ("", False),
    ],
)
def test_pictures_that_count_are_told_from_others(src: str, counts: bool) -> None:
    assert is_pixel(src) is counts
