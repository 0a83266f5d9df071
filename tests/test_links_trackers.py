"""Opaque trackers are known on hosts never seen; ordinary addresses are never taken for one."""

from __future__ import annotations

import pytest

from feedsvc.links import Target, canonical, is_tracker

LONG = "9fQx2Lk7VbT0aZrM4cYwE8hNs1JdUo3Gp6Ri5KtXvBqWl"

OPAQUE = [
    "https://shop.us1.list-manage.com/track/click?u=0a1b2c3d&id=4e5f&e=6a7b",
    "https://click.own-host.example/track/click?u=0a1b2c3d&id=4e5f&e=6a7b",
    f"https://link.mail.beehiiv.com/ss/c/u001.{LONG}/4ab/xYz/h1/h001.q",
    f"https://mail.own-host.example/ss/c/{LONG}/4ab/xYz/h1/q",
    f"https://u1234.ct.sendgrid.net/ls/click?upn={LONG}-2B-3D",
    f"https://news.own-host.example/ls/click?upn={LONG}-2B-3D",
    f"https://info.own-host.example/e3t/Ctc/GD+113/abC404/{LONG}",
    f"https://abC404.na1.hubspotlinks.com/Ctc/GD+113/abC404/{LONG}",
    "https://blog.own-host.example/r/0a1b2c3d?m=0a1b2c3d-1111-2222-3333-444455556666",
    "https://substack.com/redirect/0a1b2c3d-1111-2222-3333-444455556666?j=eyJ1IjoiYWJjIn0.sig",
    "https://letter.own-host.example/redirect/0a1b2c3d-1111-2222-3333-444455556666?j=eyJ1IjoiYWJjIn0.sig",
    "https://ctrk.klclick1.com/l/01HX0A1B2C3D4E5F6G7H8J9K0M_3",
    "https://trk.own-host.example/l/01HX0A1B2C3D4E5F6G7H8J9K0M_3",
    "https://paper.cmail19.com/t/d-l-abcdefg-hijklmno-y/",
    "https://letter.own-host.example/t/y-l-abcdefg-hijklmno-jr/",
    "https://click.mlsend.com/link/c/YT0xMjM0NTY3ODkwJmI9Nw",
    f"https://abc123.r.bh.d.sendibt3.com/tr/cl/{LONG}",
    f"https://r.own-host.example/mk/cl/f/{LONG}/1",
    f"https://links.own-host.example/u/click?_t={LONG}&_m=1",
    f"https://links.own-host.example/a/click?_t={LONG}",
    "https://links.tldrnewsletter.com/aBcDeF",
    "https://links.tldrnewsletter.com/abcdef?utm_source=x",
    "https://javascriptweekly.com/link/123456/0a1b2c3d4e",
    "https://t.co/aB3dE5gH7j",
    "https://lnkd.in/gAbC12dE",
    "https://bit.ly/3AbCdEf",
    "https://buff.ly/4aBcDeF",
    "https://click.own-host.example/?qs=0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d",
    f"https://links.own-host.example/s/c/{LONG}/3",
    f"https://links.own-host.example/a/sc/{LONG}",
    "https://12345.own-host.example/c/79180030/0a1b2c3d4e5-ab9cd",
    "https://own-host.example/abcd1234-efgh5678-ijkl9012-m3n",
    "https://app.own-host.example/c?uid=aBcD1234&cid=0a1b2c&lid=xYz987&mid=1",
    "http://clickthru.own-host.example/Click?q=35-aBcDeFgHiJkLmNoP",
    f"https://url1234.own-host.example/wf/click?upn={LONG}",
    f"https://own-host.example/c/{LONG}",
    f"https://own-host.example/{LONG}{LONG}",
    "https://pages.own-host.example/FAbCd00y60S0r120000DuX6",
    "https://own-host.example/lt.php?x=3DZy~GE5",
    "https://r20.rs6.net/tn.jsp?f=001abc",
    "https://go.own-host.example/mq8",
    "https://go.own-host.example/e/123456/2025-01-01/abc/12345?h=AbC",
    f"https://own-host.example/f/a/{LONG}~~/AAAA~/x",
]

ORDINARY = [
    "https://paper.example.com/2025/03/14/what-the-markets-did-after-the-4-30-pm-announcement",
    "https://www.example.com/news/articles/2025-03-14/a-company-s-20-year-plan-for-5g-and-6g",
    "https://github.com/someone/some-repo/blob/0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d/README.md",
    "https://github.com/someone/some-repo/commit/0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d",
    "https://docs.google.com/document/d/1AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg/edit",
    "https://docs.google.com/forms/d/e/1FAIpQLSdAbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdef/viewform",
    "https://open.spotify.com/episode/7aBcDeF0gHiJ1kLmN2oPqR",
    "https://www.youtube.com/watch?v=aBcDeF0gHiJ",
    "https://youtu.be/aBcDeF0gHiJ",
    "https://arxiv.org/abs/2501.01234v2",
    "https://link.springer.com/article/10.1007/s10000-024-01234-5",
    "https://doi.org/10.1145/3411764.3445518",
    "https://medium.com/@someone/how-we-cut-our-bill-by-40-percent-0a1b2c3d4e5f",
    "https://www.reddit.com/r/programming/comments/1abc2de/a_question_about_parsers/",
    "https://forum.example.com/t/how-do-i-parse-this/12345",
    "https://forum.example.com/c/announcements/5",
    "https://forum.example.com/u/some-person",
    "https://www.amazon.com/Some-Long-Book-Title/dp/0123456789",
    "https://apps.apple.com/us/app/some-app/id1234567890",
    "https://www.eventbrite.com/e/a-day-of-talks-tickets-123456789012",
    "https://someone.notion.site/0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "https://someone.notion.site/A-Page-Title-0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "https://x.com/someone/status/1754197898814689379",
    "https://www.linkedin.com/posts/someone_a-thought-activity-7198175740440313856-L0kX",
    "https://go.dev/blog/go1.22",
    "https://t.me/channel/123",
    "https://click.palletsprojects.com/en/8.1.x/options/",
    "https://mail.python.org/archives/list/python-dev@python.org/thread/ABCDEFGHIJ2KLMNOP3QRSTUV4WXYZABC/",
    "https://paper.example.com/r/2025/story",
    "https://paper.example.com/s/1234/story-title",
    "https://example.com/track/album-title-7",
    "https://example.com/link/2024/",
    "https://example.com/click",
    "https://www.bloomberg.com/news/newsletters/2025-03-14/what-happened-today",
    "https://huggingface.co/spaces/someone/leaderboard",
    "https://example.com/",
    "https://email.example.com/",
    "https://go.example.com/pricing",
    "https://links.example.com/about-us",
    "https://share.hsforms.com/1AbCdEfGhIjKlMnOpQrStUv",
    "https://letter.substack.com/p/a-post-about-r-and-t",
]


@pytest.mark.parametrize("link", OPAQUE)
def test_an_opaque_tracker_is_known_by_its_shape(link: str) -> None:
    assert is_tracker(link)
    assert canonical(link).state == "tracked"


@pytest.mark.parametrize("link", ORDINARY)
def test_an_ordinary_link_is_no_tracker(link: str) -> None:
    assert not is_tracker(link)
    assert canonical(link) == Target(link, "canonical")


def test_a_tracker_is_left_as_it_stands() -> None:
    link = "https://Shop.us1.list-manage.com/track/click?u=0a&amp;id=4e&amp;e=6a&amp;utm_source=x"
    assert canonical(link) == Target(link.replace("&amp;", "&"), "tracked")


def test_a_short_link_needs_no_parameters() -> None:
    assert canonical("https://bit.ly/3AbCdEf?mc_eid=0a1b&utm_source=x") == Target("https://bit.ly/3AbCdEf", "tracked")


@pytest.mark.parametrize("link", ["", "mailto:a@example.com", "not a link", "https://", "#top"])
def test_what_is_no_address_is_no_tracker(link: str) -> None:
    assert not is_tracker(link)
