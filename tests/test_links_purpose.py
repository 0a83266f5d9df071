"""What links are for, which are the reader's own, and that articles about such things stay articles; the tables' own order."""

from __future__ import annotations

from typing import Any

import pytest

from feedsvc.links import is_personal, link_purpose
from feedsvc.links.purpose import PURPOSES
from feedsvc.links.rules import table

T = "0a1b2c3d4e5f60718293a4b5"
OPAQUE = f"https://links.letter.example/ss/c/{T}aBcDeF/1/2"

BY_TEXT = [
    ("Unsubscribe", "unsubscribe"),
    ("UNSUBSCRIBE HERE", "unsubscribe"),
    ("unsubscribe from this list", "unsubscribe"),
    ("unsubscribe from TLDR", "unsubscribe"),
    ("Se désabonner", "unsubscribe"),
    ("Hier abmelden", "unsubscribe"),
    ("Abbestellen", "unsubscribe"),
    ("Darse de baja", "unsubscribe"),
    ("Manage preferences", "preferences"),
    ("update your preferences", "preferences"),
    ("Manage your email subscription preferences", "preferences"),
    ("Gérer mes préférences", "preferences"),
    ("Einstellungen ändern", "preferences"),
    ("Gestionar preferencias", "preferences"),
    ("Refer a friend", "referral"),
    ("Track your referrals here.", "referral"),
    ("View in browser", "web-version"),
    ("View this email in your browser", "web-version"),
    ("View online →", "web-version"),
    ("Read Online", "web-version"),
    ("Im Browser ansehen", "web-version"),
    ("Voir dans le navigateur", "web-version"),
    ("Lire en ligne", "web-version"),
    ("Ver en el navegador", "web-version"),
    ("[Webversion]", "web-version"),
    ("Share on X", "share"),
    ("Tweet this", "share"),
    ("Forward to a friend", "share"),
    ("Partager", "share"),
    ("Teilen", "share"),
    ("Follow us on Bluesky", "social"),
    ("LinkedIn", "social"),
    ("Folgen Sie uns", "social"),
    ("Advertise with us", "advertise"),
    ("Place a sponsored post", "advertise"),
    ("Mediadaten", "advertise"),
    ("Privacy Policy", "legal"),
    ("Impressum", "legal"),
    ("Mentions légales", "legal"),
    ("Download on the App Store", "app-store"),
    ("Subscribe for $8/month", "subscribe"),
    ("Sign up for free", "subscribe"),
    ("Jetzt abonnieren", "subscribe"),
    ("S’abonner", "subscribe"),
    ("Suscríbete", "subscribe"),
]

BY_ADDRESS = [
    (f"https://letter.example/unsubscribe/{T}", "unsubscribe"),
    (f"https://letter.example/email-unsubscribe?token={T}", "unsubscribe"),
    (f"https://unsubscribe.letter.example/{T}", "unsubscribe"),
    (f"https://letter.substack.com/action/disable_email?token={T}", "unsubscribe"),
    ("https://shop.us1.list-manage.com/unsubscribe?u=0a1b&id=2c3d&e=4e5f", "unsubscribe"),
    ("https://shop.us1.list-manage.com/profile?u=0a1b&id=2c3d&e=4e5f", "preferences"),
    (f"https://info.letter.example/hs/preferences-center/en/page?data={T}", "preferences"),
    (f"https://letter.example/edit_subscription/{T}", "preferences"),
    ("https://tldr.tech/ai/manage", "preferences"),
    ("https://refer.letter.example/0a1b2c3d/2", "referral"),
    ("https://letter.example/web-version?ep=1&lc=0a1b2c3d", "web-version"),
    ("https://mailchi.mp/letter/issue-4?e=0a1b2c3d4e", "web-version"),
    ("https://twitter.com/someone", "social"),
    ("https://x.com/someone?ref=x", "social"),
    ("https://www.facebook.com/somepage/", "social"),
    ("https://www.linkedin.com/company/some-company/", "social"),
    ("https://www.instagram.com/somepage", "social"),
    ("https://www.youtube.com/@somepage", "social"),
    ("https://www.youtube.com/channel/UCabc", "social"),
    ("https://mastodon.example/@someone", "social"),
    ("https://bsky.app/profile/someone.example", "social"),
    ("https://twitter.com/intent/tweet?text=x", "share"),
    ("https://www.facebook.com/sharer/sharer.php?u=x", "share"),
    ("https://www.linkedin.com/sharing/share-offsite/?url=x", "share"),
    ("mailto:?subject=Read%20this", "share"),
    ("https://advertise.letter.example/", "advertise"),
    ("https://letter.example/advertise", "advertise"),
    ("https://letter.example/privacy-policy", "legal"),
    ("https://letter.example/legal/terms-of-service/", "legal"),
    ("https://letter.example/impressum", "legal"),
    ("https://apps.apple.com/us/app/some-app/id1234567890", "app-store"),
    ("https://play.google.com/store/apps/details?id=com.example", "app-store"),
    ("https://letter.example/subscribe", "subscribe"),
]

ARTICLES = [
    ("https://paper.example/2025/03/how-to-unsubscribe-from-everything", "How to unsubscribe from everything"),
    ("https://en.wikipedia.org/wiki/Unsubscribe", "Unsubscribe: the history of a word"),
    ("https://paper.example/2025/03/privacy", "Privacy is dead, and other things people say every year"),
    (OPAQUE, "Privacy Policy changes that nobody reads"),
    (OPAQUE, "Unsubscribe from Reality"[:11] + " or stay? Readers decide"),
    (OPAQUE, "Why I unsubscribe"),
    (OPAQUE, "Read in browser, sleep in bed"),
    (OPAQUE, "LinkedIn buys a printing press"),
    (OPAQUE, "YouTube turns 20"),
    (OPAQUE, "Subscribe to nothing: a manifesto"),
    (OPAQUE, "The terms of the deal"),
    ("https://x.com/someone/status/1754197898814689379", ""),
    ("https://www.youtube.com/watch?v=aBcDeF0gHiJ", ""),
    ("https://www.facebook.com/somepage/posts/123456", ""),
    ("https://www.instagram.com/p/AbCdEf/", ""),
    ("https://www.linkedin.com/posts/someone_thought-activity-1", ""),
    ("https://www.linkedin.com/pulse/a-long-thought-someone", ""),
    ("https://mastodon.example/@someone/111222333", ""),
    ("https://bsky.app/profile/someone.example/post/3abc", ""),
    ("https://letter.substack.com/p/a-post", "A post"),
    ("https://github.com/sponsors/someone", "Someone is looking for sponsors"),
    ("https://apps.apple.com/us/app/some-app/id1", "Some App: a better way to keep recipes at hand"),
    ("https://twitter.com/someone", "Someone explains in twelve posts how the parser got quick"),
    ("https://paper.example/sponsors-of-terror-report", "Report"),
    ("https://paper.example/refer-madness", "Refer Madness"),
    ("https://paper.example/", ""),
    ("", ""),
]

PERSONAL = [
    f"https://letter.example/unsubscribe/{T}",
    "https://letter.example/unsubscribe.php?id=4",
    "https://letter.example/?action=unsubscribe&id=4",
    "https://letter.example/newsletter/abmelden?x=4",
    f"https://unsubscribe.letter.example/?t={T}",
    "https://shop.us1.list-manage.com/profile?u=0a&id=2c&e=4e",
    f"https://letter.example/hs/manage-preferences/unsubscribe?data={T}",
    f"https://letter.example/preferences?token={T}",
    "https://letter.example/email-preferences",
    "https://letter.example/manage-subscription?x=1",
    "https://refer.letter.example/0a1b2c3d/2",
    "https://letter.example/refer/aBcD1234",
    "https://www.letter.example/subscribe?ref=aBcD1234Ef",
    "https://www.letter.example/?rh_ref=0a1b2c3d",
    "https://letter.example/web-version?ep=1&lc=0a1b2c3d&s=4e5f",
    "https://mailchi.mp/letter/issue-4?e=0a1b2c3d4e",
    f"https://letter.example/confirm?token={T}",
    f"https://letter.example/login/magic?code={T}",
    f"https://letter.example/users/verify/{T}",
    "https://letter.example/x?email=somebody@mail.example",
    "https://letter.example/x?email=somebody%40mail.example&y=1",
    "https://letter.example/x?a=eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyX2lkIjoxfQ.c2ln",
    "https://letter.example/x?mc_eid=0a1b2c",
    "https://letter.example/x?jwt_token=0a1b2c",
    "https://t.example/CL0/https:%2F%2Fletter.example%2Funsubscribe%2F4/1/0100018f2a3b4c5d-00-000000/s=4",
]

PUBLIC = [
    "https://paper.example/2025/03/how-to-unsubscribe-from-everything",
    "https://en.wikipedia.org/wiki/Unsubscribe",
    "https://paper.example/2025/03/the-login-problem",
    "https://paper.example/confirmed-cases-2025",
    "https://paper.example/reset",
    "https://letter.example/subscribe",
    "https://paper.example/x?e=5&u=6&email=weekly",
    "https://letter.substack.com/p/a-post-about-preferences",
    "https://www.nytimes.com/2025/01/02/a/b.html?unlocked_article_code=1.a.b",
    "https://maps.example/@52.5,13.4,12z",
    "https://mastodon.example/@someone@other.example",
    "https://mailchi.mp/letter/issue-4",
    "https://paper.example/invites-and-outrage",
    "https://github.com/2Password/onepassword-sdk-for-testing",
    "https://docs.example/auth/2024-guide-to-authentication",
    "https://tldr.tech/jobs/product-manager-banking/339",
    "https://github.com/someone/authenticator/releases/tag/v1.2.3",
    "",
]


@pytest.mark.parametrize(("text", "purpose"), BY_TEXT)
def test_a_wording_tells_what_an_opaque_link_is_for(text: str, purpose: str) -> None:
    assert link_purpose(OPAQUE, text) == purpose
    assert link_purpose(OPAQUE, f"  {text.upper()}\u00a0») ") == purpose or "TLDR" in text


@pytest.mark.parametrize(("link", "purpose"), BY_ADDRESS)
def test_an_address_tells_what_a_link_is_for(link: str, purpose: str) -> None:
    assert link_purpose(link) == purpose
    assert link_purpose(link, "here") == purpose


@pytest.mark.parametrize(("link", "title"), ARTICLES)
def test_an_article_about_it_stays_an_article(link: str, title: str) -> None:
    assert link_purpose(link, title) is None


@pytest.mark.parametrize("link", PERSONAL)
def test_a_link_of_the_readers_own_is_personal(link: str) -> None:
    assert is_personal(link)


@pytest.mark.parametrize("link", PUBLIC)
def test_a_link_for_everybody_is_not(link: str) -> None:
    assert not is_personal(link)


def test_the_purposes_of_the_tables_are_the_known_ones() -> None:
    data = table("purposes")
    named = (
        {row["purpose"] for row in (*data["host"], *data["address"])} | set(data["text"]) | set(data["text_patterns"])
    )
    assert named == set(PURPOSES)


def _sorted_tables() -> list[tuple[str, list[str]]]:
    parameters, trackers, wrappers, purposes, sites = map(
        table, ("parameters", "trackers", "wrappers", "purposes", "sites")
    )
    lists: dict[str, Any] = {
        "parameters.names": parameters["names"],
        "parameters.prefixes": parameters["prefixes"],
        "parameters.fragments": parameters["fragments"],
        "trackers.shorteners": trackers["shorteners"],
        "trackers.hosts": trackers["hosts"],
        "trackers.spared": trackers["spared"],
        "trackers.segments": trackers["segments"]["names"],
        "wrappers.hosts": wrappers["kept"]["hosts"],
        "wrappers.kept": wrappers["kept"]["words"],
        "wrappers.words": wrappers["redirect"]["words"],
        "wrappers.names": wrappers["redirect"]["names"],
        "wrappers.redirectors": wrappers["redirect"]["hosts"],
        "personal.before_token": purposes["personal"]["before_token"],
        "personal.hosts": purposes["personal"]["hosts"],
        "sites.platforms": sites["platforms"],
        "sites.own": sites["own"],
        **{f"text.{name}": rows for name, rows in purposes["text"].items()},
    }
    return [(name, list(rows)) for name, rows in lists.items()]


@pytest.mark.parametrize(("name", "rows"), _sorted_tables())
def test_tables_are_sorted_and_hold_nothing_twice(name: str, rows: list[str]) -> None:
    assert rows == sorted(set(rows)), name


def test_every_rule_names_its_source() -> None:
    parameters, trackers, wrappers, purposes = map(table, ("parameters", "trackers", "wrappers", "purposes"))
    rows = [
        *parameters["rule"],
        *trackers["path"],
        *trackers["hosts"].values(),
        *wrappers["redirect"]["hosts"].values(),
        *purposes["host"],
        *purposes["address"],
        *purposes["personal"]["address"],
        *purposes["personal"]["hosts"].values(),
    ]
    assert all(row["source"] for row in rows)
    assert all([*parameters["names"].values(), *parameters["prefixes"].values(), *trackers["shorteners"].values()])


def test_a_parameter_rule_says_where_it_holds() -> None:
    assert all({"hosts", "path", "value"} & row.keys() for row in table("parameters")["rule"])
