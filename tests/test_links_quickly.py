"""The quick ways through links/ tell the same as the thorough ones that they spare: sound links, normal addresses, rows taken together."""

from __future__ import annotations

import re

import ada_url
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from feedsvc.links.mend import mend, mend_step_by_step
from feedsvc.links.parts import cut, parse
from feedsvc.links.rules import table
from feedsvc.links.shapes import Row, Shape, Shapes

# Pieces that WHATWG's serialiser changes, or hardly does not, among ordinary ones.
_LABELS = st.sampled_from(
    ["a", "www", "letter", "xn--99999", "xn--mnchen-3ya", "a--b", "-a", "a-", "12", "0x7f", "1e", "A", "é", "a_b", ""]
)
_ENDS = st.sampled_from(["example", "com", "12", "0x7f", "xn--p1ai", "1a", "", "example:443", "example:80", "example."])
_SEGMENTS = st.one_of(
    st.sampled_from(
        ["", ".", "..", "...", ".well-known", "%2e", "%2E.", ".%2e", "a.b", "a..", "@a", "CL0", "https:%2F%2Fb.example"]
    ),
    st.text("aZ0-_.~!$&'()*+,;=:@%|[]{}^`\\\"<> é", max_size=6),
)
_QUERIES = st.one_of(
    st.just(""), st.text("?#aZ0-_.~!$&'()*+,;=:@%/|[]{}^`\\\"<> é", max_size=10).map(lambda text: "?" + text)
)
_FRAGMENTS = st.one_of(
    st.just(""), st.text("?#aZ0-_.~!$&'()*+,;=:@%/|[]{}^`\\\"<> é", max_size=10).map(lambda text: "#" + text)
)


def _address(odd: str) -> st.SearchStrategy[str]:
    """Addresses that are odd in one place at most: where several are, the quick way is hardly ever open."""
    schemes = (
        st.sampled_from(["http", "HTTPS", "http://http", "https://https%3A"]) if odd == "scheme" else st.just("https")
    )
    labels = st.lists(_LABELS, max_size=3) if odd == "host" else st.just(["www", "letter"])
    ends = _ENDS if odd == "host" else st.just("example")
    segments = st.lists(_SEGMENTS if odd == "path" else st.just("a"), max_size=4)
    return st.builds(
        lambda scheme, labels, end, segments, query, fragment: (
            f"{scheme}://{'.'.join([*labels, end])}{''.join(f'/{each}' for each in segments)}{query}{fragment}"
        ),
        schemes,
        labels,
        ends,
        segments,
        _QUERIES if odd == "query" else st.sampled_from(["", "?a=b"]),
        _FRAGMENTS if odd == "fragment" else st.sampled_from(["", "#a"]),
    )


ADDRESSES = st.sampled_from(["scheme", "host", "path", "query", "fragment"]).flatmap(_address)


@given(ADDRESSES)
@example("https://www.letter.example/2024/09/story?id=4&x#part")
@example("https://www.letter.example/a'b?a'b#a'b")
@example("https://www.letter.example/?")
@example("https://www.letter.example/#")
def test_a_normal_address_is_cut_as_the_serialiser_would(url: str) -> None:
    try:
        whole = cut(ada_url.normalize_url(url))
    except ValueError:
        whole = None
    assert parse(url) == whole


@given(ADDRESSES)
@example("https://letter.example/CL0/https:%2F%2Fb.example%2Fa/1")
@example("https://letter.example/a%e2%80%8bb")
@example("https://letter.example/a?b=1&amp;c=2")
def test_a_sound_link_needs_no_mending(link: str) -> None:
    assert mend.__wrapped__(link) == mend_step_by_step(link)


def test_most_links_take_the_quick_way() -> None:
    link = "https://tracking.letter.example/CL0/https:%2F%2Fb.example%2Fa%3Fb=1/1/0100018f-00/x=100?a=b&c=d"
    assert mend(link)[0] is link
    assert parse(link) is not None


def _rows() -> list[tuple[str, int]]:
    tables = {"personal": table("purposes")["personal"]["address"], "purposes": table("purposes")["address"]}
    return [(name, at) for name, rows in tables.items() for at in range(len(rows))]


@pytest.mark.parametrize(("name", "at"), _rows())
@given(data=st.data())
def test_no_row_is_missed_where_all_are_looked_for_as_one(name: str, at: int, data: st.DataObject) -> None:
    rows: list[Row] = table("purposes")["address"] if name == "purposes" else table("purposes")["personal"]["address"]
    row = rows[at]
    place = data.draw(st.sampled_from([each for each in ("start", "page", "path", "query", "anywhere") if each in row]))
    wording = data.draw(st.from_regex(re.compile(f"(?:{row[place]})", re.IGNORECASE | re.ASCII), fullmatch=True))
    host, rest = "letter.example", f"/x{ {'path': '/', 'query': '?'}.get(place, '/') }{wording}"
    if place in ("start", "page"):
        host, _, rest = (wording if place == "start" else f"{host}/{wording}").partition("/")
        rest = f"/{rest}"
    fits = Shape.of(row).fits(host, rest)
    assume(fits)
    assert at in Shapes.of(rows).fit(host, rest)
