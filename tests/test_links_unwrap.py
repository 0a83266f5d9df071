"""Click-trackers that carry their target, each shape with made-up targets; and addresses that must be left alone."""

from __future__ import annotations

import base64
import json
import zlib
from urllib.parse import quote

import pytest

from feedsvc.links import Target, canonical, unwrap

PAGE = "https://paper.example.com/2025/03/a-story?id=7"
PLAIN = "https://paper.example.com/2025/03/a-story"
QUERY = "https://shop.example.org/find?q=red%20shoes&size=42"


def b64(text: str | bytes, *, pad: bool = False, std: bool = False) -> str:
    data = text.encode() if isinstance(text, str) else text
    out = (base64.b64encode if std else base64.urlsafe_b64encode)(data).decode()
    return out if pad else out.rstrip("=")


def js(**fields: object) -> str:
    return b64(json.dumps(fields))


def pct(url: str) -> str:
    return quote(url, safe="")


def ses(url: str, mark: str = "CL0", host: str = "tracking.letter.example") -> str:
    return (
        f"https://{host}/{mark}/{pct(url)}/1/0100018f2a3b4c5d-1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d-000000/SIG-abc=412"
    )


def jwt(**payload: object) -> str:
    return ".".join((b64('{"alg":"HS256","typ":"JWT"}'), js(**payload), "c2lnbmF0dXJlLW9mLW5vdGhpbmc"))


def mailgun(url: str) -> str:
    fields = f"h=0a1b2c&i=%3Cid%40letter.example%3E&l={pct(url)}&r=reader%40example.org"
    return f"https://email.mg1.letter.example/c/{b64(zlib.compress(fields.encode()))}"


def proofpoint_v2(url: str) -> str:
    return pct(url).replace("_", "%5F").replace("-", "%2D").replace("%2F", "_").replace("%", "-").replace("-5F", "-5F")


WRAPPED = [
    # Amazon SES
    ("ses-cl0", ses(PAGE), PAGE),
    ("ses-l0", ses(PAGE, "L0"), PAGE),
    ("ses-awstrack", ses(QUERY, "L0", "abcd1234.r.us-east-1.awstrack.me"), QUERY),
    ("ses-resend", ses(PLAIN, "CL0", "us-east-1.resend-clicks.com"), PLAIN),
    ("ses-loops", ses(PLAIN, "CL0", "c.vialoops.com"), PLAIN),
    ("ses-unseen-host", ses(PAGE, "CL0", "go.nobody-has-seen.example"), PAGE),
    (
        "ses-colon-in-clear",
        f"https://t.letter.example/CL0/https:{pct(PLAIN[6:])}/1/0100018f2a3b4c5d-00-000000/s=4",
        PLAIN,
    ),
    ("ses-decoded-by-a-tool", f"https://t.letter.example/CL0/{PLAIN}/1/0100018f2a3b4c5d-1a2b-000000/sig=12", PLAIN),
    # Substack
    ("substack-json", f"https://substack.com/redirect/2/{js(e=PAGE, p=1, s=2)}", PAGE),
    ("substack-jwt", f"https://substack.com/redirect/2/{jwt(e=PAGE, iat=1)}", PAGE),
    ("substack-own-host", f"https://www.letter.example/redirect/2/{js(e=PLAIN)}?j={jwt(u='a')}", PLAIN),
    # Mailgun
    ("mailgun", mailgun(PAGE), PAGE),
    ("mailgun-query", mailgun(QUERY), QUERY),
    # Kit
    ("convertkit", f"https://click.convertkit-mail4.com/0abc9def/z9y8x7w6/{b64(PAGE)}", PAGE),
    ("kit", f"https://c0ffee12.click.kit-mail6.com/0abc9def/z9y8x7w6/{b64(PLAIN)}", PLAIN),
    ("kit-padded", f"https://click.letter.example/0abc9def/z9y8x7w6/{b64(PAGE, pad=True)}", PAGE),
    ("kit-padding-encoded", f"https://click.letter.example/0abc/z9y8/{pct(b64(PLAIN + 's', pad=True))}", PLAIN + "s"),
    # Customer.io
    ("customerio", f"https://e.customeriomail.com/e/c/{js(email_id='x1', href=PAGE, t=1)}/0f1e2d3c4b5a", PAGE),
    ("customerio-own-host", f"https://e.letter.example/e/c/{js(href=QUERY)}/0f1e2d3c4b5a", QUERY),
    # Sailthru
    ("sailthru", f"https://link.paper.example/click/4530011.22/{b64(PAGE)}/668d1371aaB12cd", PAGE),
    ("sailthru-unseen", f"https://link.mail.other.example/click/99.1/{b64(QUERY)}/5f5f5f5fB0", QUERY),
    # Mailjet
    ("mailjet", f"https://0abc.mjt.lu/lnk/AVsAAB/1/kTq9/{b64(PAGE)}", PAGE),
    ("mailjet-own-host", f"https://t.letter.example/lnk/AVsAAB/1/kTq9/{b64(PLAIN)}", PLAIN),
    # Mandrill
    (
        "mandrill",
        f"https://mandrillapp.com/track/click/300/paper.example.com?p={js(s='x', v=1, p=json.dumps({'u': 3, 'v': 1, 'url': PAGE}))}",
        PAGE,
    ),
    ("mandrill-own-host", f"https://m.letter.example/track/click/300/x?p={js(p=json.dumps({'url': QUERY}))}", QUERY),
    # Postmark
    (
        "postmark-3s",
        "https://click.pstmrk.it/3s/paper.example.com%2F2025%2F03%2Fa-story%3Fid%3D7/xyz/ABC/AQ/1-2-3/1/h4sh",
        PAGE,
    ),
    ("postmark-2s", "https://click.pstmrk.it/2s/paper.example.com%2F2025%2F03%2Fa-story/xyz/ABC/AQ/h4sh", PLAIN),
    ("postmark-3ts", "https://click.pstmrk.it/3ts/paper.example.com%2F2025%2F03%2Fa-story/xyz/ABC/AQ/h4sh", PLAIN),
    ("postmark-3ms", "https://click.pstmrk.it/3ms/paper.example.com%2F2025%2F03%2Fa-story/xyz/ABC/AQ/h4sh", PLAIN),
    (
        "postmark-http",
        "https://click.pstmrk.it/3m/old.example.com%2Fpage/xyz/ABC/AQ/h4sh",
        "http://old.example.com/page",
    ),
    (
        "postmark-own-host",
        "https://pm.letter.example/3s/paper.example.com%2F2025%2F03%2Fa-story/xyz/ABC/AQ/h4sh",
        PLAIN,
    ),
    # /emails/click
    ("emails-click", f"https://app.letter.example/emails/click/0a1b2c3d/{js(url=PAGE)}", PAGE),
    # Drip, GovDelivery, MailerLite-like: JSON or JWT behind a click path
    ("drip", f"https://t.dripemail2.com/c/{jwt(detail=1, url=PAGE)}", PAGE),
    ("govdelivery", f"https://lnks.gd/l/{jwt(bulletin_link_id=100, url=QUERY)}", QUERY),
    # redirectors by query
    ("google-q", f"https://www.google.com/url?q={pct(PAGE)}&sa=D&source=editors", PAGE),
    ("google-url", f"https://www.google.com/url?rct=j&sa=t&url={pct(PAGE)}&ct=ga&cd=CAEY", PAGE),
    ("google-other-top-level", f"https://www.google.de/url?sa=t&url={pct(PLAIN)}", PLAIN),
    ("google-not-encoded", f"https://www.google.com/url?q={PLAIN}", PLAIN),
    ("facebook", f"https://l.facebook.com/l.php?u={pct(QUERY)}&h=AT0abc", QUERY),
    ("instagram", f"https://l.instagram.com/?u={pct(PLAIN)}&e=AT1", PLAIN),
    ("youtube", f"https://www.youtube.com/redirect?event=video_description&q={pct(PAGE)}", PAGE),
    ("slack", f"https://slack-redir.net/link?url={pct(PAGE)}", PAGE),
    ("linkedin-redir", f"https://www.linkedin.com/redir/redirect?url={pct(PAGE)}&urlhash=ab1c", PAGE),
    ("linkedin-redir-short", f"https://www.linkedin.com/redir?url={pct(PAGE)}", PAGE),
    ("linkedin-safety", f"https://www.linkedin.com/safety/go?url={pct(PLAIN)}&trk=x", PLAIN),
    ("steam", f"https://steamcommunity.com/linkfilter/?url={pct(PLAIN)}", PLAIN),
    ("reddit-out", f"https://out.reddit.com/t3_abc?url={pct(PAGE)}&token=AQAA", PAGE),
    ("vk", f"https://vk.com/away.php?to={pct(PLAIN)}", PLAIN),
    ("duckduckgo", f"https://duckduckgo.com/l/?uddg={pct(PAGE)}&rut=0a", PAGE),
    ("tumblr", f"https://t.umblr.com/redirect?z={pct(PLAIN)}&t=abc", PLAIN),
    ("doubleclick", f"https://ad.doubleclick.net/pcs/click?xai=AKA&adurl={pct(PAGE)}", PAGE),
    ("skimlinks", f"https://go.skimresources.com/?id=1X2&url={pct(PLAIN)}", PLAIN),
    ("awin", f"https://www.awin1.com/cread.php?awinmid=1&ued={pct(PLAIN)}", PLAIN),
    ("linkshare", f"https://click.linksynergy.com/deeplink?id=ab&murl={pct(PLAIN)}", PLAIN),
    ("medium-r", f"https://medium.com/r/?url={pct(PLAIN)}", PLAIN),
    ("href-li", f"https://href.li/?{PLAIN}", PLAIN),
    ("unseen-redirect", f"https://mail.nobody-has-seen.example/redirect?cid=4&url={pct(PAGE)}", PAGE),
    ("unseen-click-base64", f"https://mail.nobody-has-seen.example/click?url={b64(PAGE)}", PAGE),
    ("coupon", f"http://ar.coupons.example/v1.0/emailClick?campaignUuid=A&userUuid=B&redirectUrl={pct(PLAIN)}", PLAIN),
    ("yahoo", f"https://r.search.yahoo.com/_ylt=Aw;_ylu=X/RV=2/RE=1/RO=10/RU={pct(PLAIN)}/RK=2/RS=x-", PLAIN),
    # gateways that scan links
    (
        "safelinks",
        f"https://eur02.safelinks.protection.outlook.com/?url={pct(PAGE)}&data=05%7C01%7C&sdata=x&reserved=0",
        PAGE,
    ),
    ("safelinks-gov", f"https://gcc01.safelinks.protection.office365.us/?url={pct(PLAIN)}&data=05", PLAIN),
    ("proofpoint-v1", f"https://urldefense.proofpoint.com/v1/url?u={pct(PAGE)}&k=abc%3D%0A&r=x", PAGE),
    ("proofpoint-v2", f"https://urldefense.proofpoint.com/v2/url?u={proofpoint_v2(PAGE)}&d=DwMFaQ&c=x&r=y", PAGE),
    ("proofpoint-v3", f"https://urldefense.com/v3/__{PLAIN}__;!!AbC123!sig-of-things$", PLAIN),
    (
        "proofpoint-v3-star",
        f"https://urldefense.com/v3/__https://paper.example.com/a*b__;{b64('#', pad=True)}!!AbC!sig$",
        "https://paper.example.com/a#b",
    ),
    (
        "proofpoint-v3-run",
        f"https://urldefense.com/v3/__https://paper.example.com/**Bx__;{b64('~!~', pad=True)}!!AbC!sig$",
        "https://paper.example.com/~!~x",
    ),
    ("proofpoint-v3-folded", "https://urldefense.us/v3/__https:/paper.example.com/2025/03/a-story__;!!AbC!sig$", PLAIN),
    ("barracuda", f"https://linkprotect.cudasvc.com/url?a={pct(PAGE)}&c=E,1,abc&typo=1", PAGE),
    ("sophos", f"https://eu-west-1.protection.sophos.com/?d=paper.example.com&u={b64(PLAIN)}&i=1", PLAIN),
    ("trend-micro", f"https://ca-1.gateway.example/wis/clicktime/v1/query?url={pct(PLAIN)}&umid=1", PLAIN),
    ("fireeye", f"https://protect2.fireeye.com/v1/url?k=1&q=1&e=2&u={pct(PLAIN)}", PLAIN),
    ("cisco", f"https://secure-web.cisco.com/1aBcDeF/{pct(PLAIN)}", PLAIN),
    ("avanan", f"https://url.avanan.click/v2/___{PLAIN}___.YXBjOmE6bzphYmM", PLAIN),
]

_TWO = ses(f"https://www.google.com/url?q={pct(PAGE)}")
_THREE = f"https://eur02.safelinks.protection.outlook.com/?url={pct(_TWO)}&data=05"
_FOUR = mailgun(_THREE)
_FIVE = f"https://substack.com/redirect/2/{js(e=_FOUR)}"
_SIX = f"https://click.kit-mail3.com/a1/b2/{b64(_FIVE)}"
NESTED = [("2", _TWO), ("3", _THREE), ("4", _FOUR), ("5", _FIVE), ("6", _SIX)]

LEFT_ALONE = [
    # share links, forms of others
    f"https://twitter.com/intent/tweet?url={pct(PLAIN)}",
    f"https://x.com/share?url={pct(PLAIN)}",
    f"https://www.facebook.com/sharer/sharer.php?u={pct(PLAIN)}",
    f"https://www.linkedin.com/sharing/share-offsite/?url={pct(PLAIN)}",
    f"https://www.linkedin.com/shareArticle?mini=true&url={pct(PLAIN)}",
    f"https://www.reddit.com/submit?url={pct(PLAIN)}",
    f"https://news.ycombinator.com/submitlink?u={pct(PLAIN)}",
    f"https://t.me/share/url?url={pct(PLAIN)}",
    f"https://getpocket.com/save?url={pct(PLAIN)}",
    f"https://www.pinterest.com/pin/create/button/?url={pct(PLAIN)}",
    f"https://wa.me/?text={pct(PLAIN)}",
    # log-ins that lead on
    f"https://site.example/login?next={pct(PLAIN)}",
    f"https://site.example/signin?continue={pct(PLAIN)}",
    f"https://id.example/oauth2/authorize?redirect_uri={pct(PLAIN)}&client_id=1",
    f"https://accounts.example/auth/redirect?url={pct(PLAIN)}",
    f"https://letter.example/subscribe?next={pct(PLAIN)}",
    # archives, readers, checkers
    f"https://web.archive.org/web/20200101000000/{PLAIN}",
    f"https://archive.ph/{PLAIN}",
    f"https://r.jina.ai/{PLAIN}",
    f"https://12ft.io/proxy?q={pct(PLAIN)}",
    f"https://validator.w3.org/check?uri={pct(PLAIN)}",
    f"https://translate.google.com/translate?u={pct(PLAIN)}",
    f"https://feedly.com/i/subscription/feed/{pct(PLAIN)}",
    # players and images
    f"https://player.example/embed/link?url={pct(PLAIN)}",
    f"https://cdn.images.example/insecure/w:300/{b64('https://pics.example.com/a.png')}.png",
    f"https://img.example/{b64('https://pics.example.com/a.png')}",
    # addresses that only mention another, or look like a payload
    f"https://blog.example/why?about={pct(PLAIN)}",
    f"https://app.example/page?state={js(url=PLAIN)}",
    "https://blog.example/http-2-explained",
    "https://docs.example/l0/overview",
    "https://docs.example/CL0/overview",
    "https://api.example/v2/url-shortener",
    "https://forum.example/c/eJump-tips",
    "https://forum.example/2s/hello",
    "https://paper.example/2m/dollars",
    "https://example.com/redirect/2/not-base64!",
    f"https://click.kit-mail3.com/a1/b2/{b64('javascript:alert(1)')}",
    f"https://click.kit-mail3.com/a1/b2/{b64('ftp://files.example.com/x')}",
    f"https://substack.com/redirect/2/{js(e='mailto:nobody@example.com')}",
    f"https://www.google.com/url?q={pct('javascript:alert(1)')}",
    "https://www.google.com/url?q=red+shoes",
    f"https://t.letter.example/CL0/{pct('data:text/html,x')}/1/0100018f2a3b4c5d-00-000000/s=4",
    "https://urldefense.com/v3/__mailto:a@example.com__;!!AbC!sig$",
]


def test_the_tables_are_as_long_as_promised() -> None:
    assert len(WRAPPED) >= 60
    assert len(LEFT_ALONE) >= 40
    assert len({name for name, *_ in WRAPPED}) == len(WRAPPED)


@pytest.mark.parametrize(("link", "page"), [pytest.param(link, page, id=name) for name, link, page in WRAPPED])
def test_a_wrapper_gives_its_target(link: str, page: str) -> None:
    assert canonical(link) == Target(page, "canonical")
    assert unwrap(link) is not None


@pytest.mark.parametrize("link", [pytest.param(link, id=depth) for depth, link in NESTED])
def test_wrappers_nest(link: str) -> None:
    assert canonical(link) == Target(PAGE, "canonical")


def test_more_than_six_wrappers_are_left_as_they_stand() -> None:
    link = ses(_SIX)
    target = canonical(link)
    assert (target.url, target.state) == (link, "tracked")
    assert target.problem is not None
    assert canonical(link) == target


def test_an_opaque_tracker_within_a_wrapper_is_what_remains() -> None:
    inner = "https://shop.us1.list-manage.com/track/click?u=0a1b2c&id=3d4e&e=5f6a"
    assert canonical(ses(inner)) == Target(inner, "tracked")


def test_tracking_parameters_of_the_target_go_too() -> None:
    tagged = f"{PAGE}&utm_source=letter&mc_eid=0a1b#utm_medium=email"
    assert canonical(ses(tagged)) == Target(PAGE, "canonical")


@pytest.mark.parametrize("link", LEFT_ALONE)
def test_what_holds_another_address_may_be_what_is_meant(link: str) -> None:
    assert unwrap(link) is None
    url = canonical(link).url
    assert url is not None
    assert url.split("?")[0] == link.split("?", maxsplit=1)[0]
