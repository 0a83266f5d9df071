"""The canonical form: parameters, recipients, mended input; properties that hold for any input."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from feedsvc.links import Target, canonical, is_personal, is_tracker, link_purpose, site_name, unwrap

READER = "jo.reader+news@mail.example"
READERS = frozenset({READER})


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


TIDIED = [
    # unambiguous parameters, anywhere
    ("https://a.example/x?utm_source=l&utm_medium=e&UTM_Campaign=c", "https://a.example/x"),
    ("https://a.example/x?b=1&utm_source=l&a=2", "https://a.example/x?b=1&a=2"),
    ("https://a.example/x?b&utm_source=l", "https://a.example/x?b"),
    ("https://a.example/?&utm_source=l", "https://a.example/"),
    ("https://a.example/x?z=1&y=2&_hsenc=p2AN&_hsmi=4&__hssc=1", "https://a.example/x?z=1&y=2"),
    ("https://a.example/x?mc_cid=0a&mc_eid=1b&id=3", "https://a.example/x?id=3"),
    ("https://a.example/x?ck_subscriber_id=1&vero_id=a&_bhlid=0f&mkt_tok=eyJ&__s=q", "https://a.example/x"),
    (
        "https://a.example/x?oly_enc_id=1&oly_anon_id=2&sfmc_id=3&et_rid=4&bsft_uid=5&at_recipient_id=6",
        "https://a.example/x",
    ),
    ("https://a.example/x?ml_subscriber=1&ml_subscriber_hash=2&fbclid=I&gclid=C", "https://a.example/x"),
    ("https://a.example/x?mtm_source=1&pk_campaign=2&page=2", "https://a.example/x?page=2"),
    ("https://a.example/x?utm%5Fsource=l&q=1", "https://a.example/x?q=1"),
    ("https://a.example/x?a=1?utm_source=l&utm_medium=m", "https://a.example/x?a=1"),
    # ambiguous ones only where they are known
    ("https://x.com/someone/status/1?s=20&t=abc", "https://x.com/someone/status/1"),
    ("https://letter.substack.com/p/post?r=1abcd&s=r&token=x.y.z", "https://letter.substack.com/p/post"),
    ("https://www.letter.example/p/post?r=1abcd", "https://www.letter.example/p/post"),
    ("https://youtu.be/aBcDeF0gHiJ?si=Q1w2E3&t=42", "https://youtu.be/aBcDeF0gHiJ?t=42"),
    ("https://medium.com/@a/post-0a1b?source=email-0f1e2d-1-2", "https://medium.com/@a/post-0a1b"),
    ("https://a.example/p?source=email-0f1e2d3c", "https://a.example/p"),
    ("https://mailchi.mp/letter/issue-4?e=0a1b2c3d4e", "https://mailchi.mp/letter/issue-4"),
    ("https://a.example/?token=eyJhbGciOiJI.eyJ1c2VyIjox.c2ln&x=1", "https://a.example/?x=1"),
    ("https://a.example/s/1?email=somebody%40mail.example", "https://a.example/s/1"),
    # fragments
    ("https://a.example/x#utm_source=rss", "https://a.example/x"),
    ("https://a.example/x#xtor=RSS-1", "https://a.example/x"),
    ("https://a.example/x#part-2", "https://a.example/x#part-2"),
    ("https://a.example/x#part-2?utm_source=l", "https://a.example/x#part-2"),
    ("https://a.example/x#:~:text=utm_source", "https://a.example/x#:~:text=utm_source"),
    ("https://a.example/x#/route?id=4", "https://a.example/x#/route?id=4"),
    ("https://a.example/x#", "https://a.example/x"),
    # WHATWG
    ("HTTPS://A.Example:443/%7Ex/../y", "https://a.example/y"),
    ("https://a.example", "https://a.example/"),
    ("https://a.example/x/", "https://a.example/x/"),
    ("https://user:pass@a.example/x", "https://a.example/x"),
    ("https://a.example:8443/x", "https://a.example:8443/x"),
    ("https://bücher.example/straße", "https://xn--bcher-kva.example/stra%C3%9Fe"),
    ("https://a.example/x?q=ü", "https://a.example/x?q=%C3%BC"),
]

KEPT = [
    "https://a.example/x?r=1&e=2&s=3&l=4&t=5&p=6&token=abc&ref=home&source=print",
    "https://a.example/search?q=utm_source",
    "https://a.example/x?email=weekly",
    "https://a.example/x?b=2&a=1&b=3",
    "https://a.example/x?a=&b",
    "https://www.youtube.com/watch?v=aBcDeF0gHiJ&t=42s&list=PL1",
    "https://news.ycombinator.com/item?id=1",
    "https://github.com/a/b?tab=readme-ov-file#usage",
    "https://www.nytimes.com/2025/01/02/a/b.html?unlocked_article_code=1.a.b",
    "https://a.example/p?source=rssreader-review",
]

MENDED = [
    ("  https://a.example/x \r\n", "https://a.example/x"),
    ("https://a.example/\r\n  long/path", "https://a.example/%20%20long/path"),
    ("https://a.example/a b", "https://a.example/a%20b"),
    ("https://a.example/x?a=1&amp;b=2", "https://a.example/x?a=1&b=2"),
    ("https://a.example/x?a=1&amp;amp;b=2", "https://a.example/x?a=1&b=2"),
    ("https://a.example/x?a=1&#38;b=2&#x26;c=3", "https://a.example/x?a=1&b=2&c=3"),
    ("https://a.example/x?utm_source=l&amp;utm_medium=e", "https://a.example/x"),
    ("https://a.example/x?utm_source=l&aamp;utm_medium=e", "https://a.example/x"),
    ("https://a.example/x?a=1&copy=2", "https://a.example/x?a=1&copy=2"),
    ("http:/a.example/x", "http://a.example/x"),
    ("http:///a.example/x", "http://a.example/x"),
    ("https:\\\\a.example\\x", "https://a.example/x"),
    ("https//a.example/x", "https://a.example/x"),
    ("https://https://a.example/x", "https://a.example/x"),
    ("http://https://a.example/x", "https://a.example/x"),
    ("http://http//a.example/x", "http://a.example/x"),
    ("//a.example/x", "https://a.example/x"),
    ("a.example/x?b=1", "https://a.example/x?b=1"),
    ("www.a.example", "https://www.a.example/"),
    ("blog.a.example:8080/x", "https://blog.a.example:8080/x"),
    ("bücher.example", "https://xn--bcher-kva.example/"),
    ("https://a.\u200bexample/x\u200b", "https://a.example/x"),
    ("\ufeffhttps://a.example/x", "https://a.example/x"),
    ("https://a.example/x%E2%80%8B", "https://a.example/x"),
    ("<https://a.example/x>", "https://a.example/x"),
    ('"https://a.example/x"', "https://a.example/x"),
    ("“https://a.example/x”", "https://a.example/x"),
    ("https://a.example/100%", "https://a.example/100%25"),
    ("https://a.example/%zz%20", "https://a.example/%25zz%20"),
    ("https://a.example/x)**", "https://a.example/x"),
    ("https://a.example/x)", "https://a.example/x"),
    ("https://a.example/x_(y)", "https://a.example/x_(y)"),
    ("https://a.example/x_(y))**_", "https://a.example/x_(y)"),
    ("https%3A%2F%2Fa.example%2Fx", "https://a.example/x"),
    ("https://a.example/\x00x", "https://a.example/%20x"),
]

NO_PAGE = [
    "",
    "   ",
    "#",
    "#part",
    "mailto:a@example.com",
    "MAILTO:a@example.com?subject=x",
    "tel:+15550100",
    "sms:+15550100",
    "cid:image001@example",
    "javascript:void(0)",
    "data:text/html,x",
    "ftp://files.example.com/x",
    "about:blank",
    "someapp://open/1",
    "a@example.com",
]

GARBAGE = [
    "http://",
    "https:",
    "https:///",
    "//",
    "/relative/path",
    "page.html",
    "%%unsubscribe%%",
    "{{ link }}",
    "https://[::1",
    "https://a b/",
    "https://exa mple.com/x",
    "https://999.999.999.999/",
    "https://a.example:99999/",
    "click here",
    "https://" + "a" * 20_000 + ".example/",
]


@pytest.mark.parametrize(("link", "page"), TIDIED)
def test_what_tracks_goes_and_the_rest_keeps_its_order(link: str, page: str) -> None:
    assert canonical(link) == Target(page, "canonical")


@pytest.mark.parametrize("link", KEPT)
def test_what_may_mean_something_stays(link: str) -> None:
    assert canonical(link) == Target(link, "canonical")


@pytest.mark.parametrize(("link", "page"), MENDED)
def test_malformed_links_are_mended_where_that_is_safe(link: str, page: str) -> None:
    assert canonical(link) == Target(page, "canonical")


@pytest.mark.parametrize("link", NO_PAGE)
def test_what_leads_to_no_page_is_null_without_a_problem(link: str) -> None:
    assert canonical(link) == Target(None, None)


@pytest.mark.parametrize("link", GARBAGE)
def test_what_cannot_be_mended_is_null_with_a_problem(link: str) -> None:
    target = canonical(link)
    assert (target.url, target.state) == (None, None)
    assert target.problem


FORMS = {
    "plain": READER,
    "percent": quote(READER, safe=""),
    "percent twice": quote(quote(READER, safe=""), safe=""),
    "plus as space": READER.replace("+", "%20").replace("@", "%40"),
    "upper case": READER.upper(),
    "base64": b64(READER),
    "base64, padded": base64.b64encode(READER.encode()).decode().replace("=", "%3D"),
    "base64 within": b64(f'{{"campaign": 77, "to": "{READER}", "n": 1}}'),
    "base64 in base64": b64("x:" + b64(f"id=4&to={READER}")),
    "hex": READER.encode().hex(),
    "hex, upper": READER.encode().hex().upper(),
    "md5": hashlib.md5(READER.encode()).hexdigest(),
    "sha1": hashlib.sha1(READER.encode()).hexdigest(),
    "sha256": hashlib.sha256(READER.encode()).hexdigest(),
    "sha256, base64": base64.urlsafe_b64encode(hashlib.sha256(READER.encode()).digest()).decode().rstrip("="),
    "verp": READER.replace("@", "="),
    "within another": quote(f"https://b.example/?who={quote(READER, safe='')}", safe=""),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_parameter_that_names_the_recipient_goes(form: str) -> None:
    assert canonical(f"https://a.example/x?id=4&q={form}&z=1", READERS) == Target(
        "https://a.example/x?id=4&z=1", "canonical"
    )
    assert canonical(f"https://a.example/x#{form}", READERS) == Target("https://a.example/x", "canonical")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_link_that_names_the_recipient_is_personal(form: str) -> None:
    for link in (
        f"https://a.example/x?id=4&q={form}",
        f"https://a.example/~/x/{form}/y",
        f"https://a.example/x#{form}",
    ):
        assert is_personal(link, READERS)
        assert not is_personal(link.replace(form, "weekly"), READERS)


@pytest.mark.parametrize("offset", range(6))
def test_base64_is_seen_through_at_any_offset(offset: int) -> None:
    assert is_personal(f"https://a.example/x/{b64('-' * offset + READER + chr(33) * offset)}", READERS)


def test_without_recipients_nobody_is_named() -> None:
    assert canonical(f"https://a.example/x?q={FORMS['md5']}").url == f"https://a.example/x?q={FORMS['md5']}"
    assert not is_personal(f"https://a.example/x?q={FORMS['md5']}")


SITES = [
    ("https://www.techpaper.com/a/b", "techpaper.com"),
    ("https://news.bbc.co.uk/x", "bbc.co.uk"),
    ("http://blog.some.site.example.org", "example.org"),
    ("https://someone.github.io/x", "someone.github.io"),
    ("https://letter.substack.com/p/x", "letter.substack.com"),
    ("https://xn--bcher-kva.de/", "bücher.de"),
    ("https://192.0.2.7/x", "192.0.2.7"),
    ("https://localhost/x", "localhost"),
    ("mailto:a@example.com", ""),
    ("", ""),
]


@pytest.mark.parametrize(("link", "site"), SITES)
def test_a_site_is_named_as_readers_know_it(link: str, site: str) -> None:
    assert site_name(link) == site


@pytest.mark.parametrize(
    ("host", "as_written"),
    [
        ("bücher.de", True),
        ("smørrebrød.dk", True),
        ("правда.com", True),
        ("例え.jp", True),
        ("аррӏе.com", False),  # all Cyrillic
        ("pаypal.com", False),  # one letter Cyrillic
        ("gıthub.com", False),  # without a dot
        ("νικον.com", False),  # all Greek
    ],
)
def test_a_site_that_looks_like_another_is_shown_as_it_is(host: str, as_written: bool) -> None:
    shown = site_name(f"https://www.{host}/")
    assert shown == host if as_written else shown.startswith("xn--")


# Pieces that the rules look for, so that random input meets them.
_PIECES = st.sampled_from(
    [
        "https://", "http:/", "//", "HTTPS:", "a.example", "www.", "/", "?", "&", "&amp;", "amp;", "#", "=", "%", "%2F", "%zz", "utm_source",
        "mc_eid", "/CL0/", "https:%2F%2Fb.example%2F", "url", "?url=", "redirect", "aHR0cHM6Ly9iLmV4YW1wbGUv", "eyJlIjoiaHR0cHM6Ly9iLmV4YW1wbGUvIn0",
        "/redirect/2/", "/track/click", "u=", "id=", ")", "**", "(", "<", ">", "\u200b", " ", "\t", "[", "]", "@", ":", ":443", "..", "bit.ly", "t.co/",
        "ü", "\ud800", "\x00", "email=", READER, "%40", "r=", "token=", "/v3/__", "__;", "!!", "*", "/3s/", "b.example%2Fx", "/e/f/g", "eJ", "/c/",
        "mailto:", "google.com/url", "links.", "go.", "xn--", ";", "\\", "'", '"', ".", "-", "aB3dE5", "substack.com", "/p/x", "https%3A%2F%2F",
    ]
)  # fmt: skip
LINKS = st.one_of(st.text(max_size=60), st.lists(st.one_of(_PIECES, st.text(max_size=3)), max_size=14).map("".join))


@settings(max_examples=700, deadline=None)
@given(LINKS, st.booleans())
@example("https://a.example/?amp;url=https://b.example/", False)
@example("https://a.example/?a?utm_source=1?utm_medium=2", False)
@example("https://bit.ly/x?utm_source=a#utm_b=1", False)
@example("https://a.example/x)#y)**", False)
def test_any_input_gives_a_fixed_point(link: str, known: bool) -> None:
    readers = READERS if known else frozenset[str]()
    target = canonical(link, readers)
    assert (target.url is None) == (target.state is None)
    if target.url is None:
        return
    assert target.url.startswith(("http://", "https://"))
    again = canonical(target.url, readers)
    assert (again.url, again.state) == (target.url, target.state)
    if target.state == "canonical":
        assert not is_tracker(target.url)
        assert unwrap(target.url) is None


@settings(max_examples=300, deadline=None)
@given(LINKS, st.text(max_size=70))
def test_the_questions_never_raise(link: str, text: str) -> None:
    assert is_tracker(link) in (True, False)
    assert is_personal(link, READERS) in (True, False)
    assert isinstance(link_purpose(link, text), str | None)
    assert isinstance(site_name(link), str)


@settings(max_examples=150, deadline=None)
@given(
    st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789.+_-", min_size=3, max_size=20),
    st.text(max_size=10),
    st.text(max_size=10),
)
def test_the_recipient_is_found_wherever_base64_hides_it(local: str, before: str, after: str) -> None:
    reader = f"{local}@mail.example"
    before = before.encode("utf-8", "replace").decode()
    after = after.encode("utf-8", "replace").decode()
    assert is_personal(f"https://a.example/x/{b64(before + reader + after)}", frozenset({reader}))


@pytest.mark.parametrize(
    "character", [*list("/?&#=%@:.-_("), "%2F", "/CL0/", "https://", "&amp;", "a.", "?url=", ")*", "ey"]
)
def test_long_input_takes_no_long_time(character: str) -> None:
    import time

    link = "https://a.example/" + character * (16_000 // len(character))
    start = time.perf_counter()
    canonical(link, READERS)
    is_personal(link, READERS)
    link_purpose(link, character * 50)
    assert time.perf_counter() - start < 10  # a quadratic pattern takes longer
