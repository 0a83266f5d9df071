"""Saved bodies, the repair of their charset, and forwarded newsletters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedsvc.errors import MessageError
from feedsvc.mail import parse_message
from feedsvc.mail.charset import repair_mojibake
from feedsvc.mail.clean import clean_text
from feedsvc.mail.dates import find_date
from feedsvc.mail.forward import forwarded_date
from feedsvc.model import Message

RECEIVED = datetime(2026, 11, 20, tzinfo=UTC)


def read(source: str | bytes, filename: str | None) -> Message:
    data = source.encode() if isinstance(source, str) else source
    return parse_message(data, received=RECEIVED, filename=filename)


def test_a_first_line_with_a_date_names_newsletter_and_day() -> None:
    message = read("# Articles Bits Weekly 03-09-2024\n\nFirst words.\n", "x.txt")
    assert (message.newsletter.name, message.newsletter.key) == ("Bits Weekly", "bits-weekly")
    assert message.sent == datetime(2024, 9, 3, tzinfo=UTC)
    assert (message.subject, message.text) == ("Articles Bits Weekly 03-09-2024", "First words.\n")


def test_front_matter_is_read_and_taken_off() -> None:
    source = (
        '---\nid: 1\nnewsletter_name: "Bits Weekly"\nsubject: "Seven: more bits"\ndate: Thu, 22 Jan 2026 22:51:08 +0000\n'
        'source_url: "https://bits.example/7"\n---\n\n# Seven: more bits\n\n**From:** Bits <ed@bits.example>\n'
        "**Date:** Thu, 22 Jan 2026 22:51:08 +0000\n\n---\n\nFirst words.\n"
    )
    message = read(source, "2026-01-22-seven.txt")
    assert message.newsletter.name == "Bits Weekly"
    assert message.newsletter.key == "ed@bits.example"
    assert (message.subject, message.web_url) == ("Seven: more bits", "https://bits.example/7")
    assert message.sent == datetime(2026, 1, 22, 22, 51, 8, tzinfo=UTC)
    assert (message.text, message.problems) == ("First words.\n", ())


@pytest.mark.parametrize(
    ("source", "filename", "name", "subject", "day"),
    [
        ("<html><title>Bits / 2022-10-14</title><p>x</p></html>", "a.html", "Bits", "Bits / 2022-10-14", "2022-10-14"),
        ("<title>Bits du Mardi 31 janvier 2023</title><p>x", "a.html", "Bits", None, "2023-01-31"),
        ("<html><title>Big story</title><p>x</p></html>", "bits-2024-09-03.html", "Bits", "Big story", "2024-09-03"),
        ("Words only.\n", "tech-bits_20240903.txt", "Tech Bits", "Words only.", "2024-09-03"),
        ("Words only.\n", "bits.md", "Bits", "Words only.", "2026-11-20"),
        ("=====\n\n-- * --\nWords only.\n=====\n", "bits.txt", "Bits", "Words only.", "2026-11-20"),
        ("Words only.\n", None, "Saved newsletter", "Words only.", "2026-11-20"),
        ("# Bits 3 September 2024\nWords\n", "x.txt", "Bits", None, "2024-09-03"),
        ("# Bits, September 3rd, 2024\nWords\n", "x.txt", "Bits", None, "2024-09-03"),
        ("# Bits 09-13-2024\nWords\n", "x.txt", "Bits", None, "2024-09-13"),
        ("# Bits 99-99-2024\nWords\n", "/tmp/x.eml.txt", "Bits 99-99-2024", None, "2026-11-20"),
        ("# Bits 03-09-2044\nWords\n", "x.txt", "Bits", None, "2026-11-20"),
    ],
)
def test_weaker_evidence(source: str, filename: str | None, name: str, subject: str | None, day: str) -> None:
    message = read(source, filename)
    assert (message.newsletter.name, message.sent.date().isoformat()) == (name, day)
    assert subject is None or message.subject == subject


@pytest.mark.parametrize(
    ("source", "filename", "is_mail"),
    [
        ("From: a@b.example\nSubject: S\nDate: x\n\nWords", "mail.txt", True),
        ("Received: from a\n by b\nFrom: a@b.example\n\nWords", "mail.md", True),
        ("Note: one thing\nTo: do\n\nWords", "note.txt", False),
        ("Subject: S\n\nWords", "note.txt", False),
        ("Subject: S\n\nWords", None, True),
        ("X-Odd: S\n\nWords", "x.eml", True),
        ("Just words: here\n", "x.eml", False),
        ("https://a.example: a link\n\nWords", None, False),
        ("<html><body>From: a\nTo: b</body></html>", None, False),
    ],
)
def test_content_and_suffix_tell_a_message_from_a_body(source: str, filename: str | None, is_mail: bool) -> None:
    body = (read(source, filename).text or "").strip()
    assert (body == "Words") is is_mail


def test_a_utf_16_file_is_read() -> None:
    assert read("# Bits 03-09-2024\n\nÜber".encode("utf-16"), "a.txt").text == "Über"
    assert read("From: a@b.example\nSubject: Über\n\nx".encode("utf-16"), "a.eml").subject == "Über"


SOUND = "naïve – “quoted” text’s 🚀 café\u00a0… ÀÉÎÕÜ ß €5 √2 ≈ 1"


@pytest.mark.parametrize("codec", ["mac_roman", "latin-1", "cp1252"])
def test_a_body_read_in_the_wrong_charset_is_repaired(codec: str) -> None:
    raw = SOUND.encode()
    spoilt = "".join(_as(byte, codec) for byte in raw)
    message = read("# Bits 03-09-2024\n\n" + spoilt, "a.txt")
    assert message.text == SOUND


def _as(byte: int, codec: str) -> str:
    try:
        return bytes([byte]).decode(codec)
    except UnicodeDecodeError:
        return chr(byte)


def test_only_the_spoilt_lines_are_repaired() -> None:
    spoilt = "L’été à Šibenik\nâ€œquotedâ€\x9d and cafÃ©\n"
    assert clean_text(repair_mojibake(spoilt)).split("\n")[0] == "L’été à Šibenik"
    assert "café" in repair_mojibake(spoilt)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FFF, exclude_categories=("Cs", "Cc")), max_size=60))
def test_repair_never_raises(text: str) -> None:
    assert isinstance(repair_mojibake(text), str)


@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        "ÂME SŒUR À LA FRANÇAISE",
        "Ångström und Ærø",
        "São Paulo, Ãrea",
        "Привет, мир",
        "√ done",
        "日本語と中文",
        "£5 ± 2 ¬a",
    ],
)
def test_sound_text_is_never_touched(text: str) -> None:
    assert repair_mojibake(text) == text


def test_the_spoilt_and_the_clean_issue_are_the_same(shared: Path) -> None:
    folder = shared / "corpus" / "tldr-ai"
    clean, spoilt = (
        read((folder / name).read_bytes(), name)
        for name in ("tldr-ai-2024-09-03.txt", "tldr-ai-2024-09-03-mojibake.txt")
    )
    assert spoilt.text == clean.text
    assert spoilt.newsletter == clean.newsletter


def test_no_sound_issue_is_changed_by_the_repair(shared: Path) -> None:
    for path in sorted((shared / "corpus-tldr").glob("*/*.txt")):
        text = path.read_text("utf-8")
        assert repair_mojibake(text) == text, path.name


@given(st.text(), st.sampled_from(["a.txt", "a.md", "a.html", None]))
def test_any_text_is_a_message_or_refused(text: str, filename: str | None) -> None:
    try:
        message = read(text.encode("utf-8", "surrogatepass"), filename)
    except MessageError:
        return
    assert clean_text(message.text or message.html or "") == (message.text or message.html or "")


@given(st.text(alphabet="0123456789-/. JanuarySeptember,dehof", max_size=60))
def test_finding_a_date_never_raises(text: str) -> None:
    found = find_date(text)
    assert found is None or found[0].tzinfo is UTC


INNER = "<table><tr><td><a href='https://a.example/1'>First story of the week</a></td></tr></table>"
GMAIL_HTML = (
    '<div dir="ltr">FYI<br><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
    '---------- Forwarded message ---------<br>From: <strong class="gmail_sendername" dir="auto">Weekly Bits</strong> '
    '<span dir="auto">&lt;<a href="mailto:ed@bits.example">ed@bits.example</a>&gt;</span><br>Date: Tue, Sep 3, 2024 at 1:08 PM'
    "<br>Subject: Issue 7<br>To:  &lt;<a href='mailto:me@home.example'>me@home.example</a>&gt;<br></div><br><br>"
    + INNER
)
APPLE_HTML = (
    '<html><body><div><br><blockquote type="cite"><div>Begin forwarded message:</div><br><div style="margin:0">'
    "<span><b>From: </b></span><span>Weekly Bits &lt;ed@bits.example&gt;<br></span></div><div><span><b>Subject: </b></span>"
    "<span><b>Issue 7</b><br></span></div><div><span><b>Date: </b></span><span>September 3, 2024 at 1:08:00 PM GMT<br></span>"
    "</div><div><span><b>To: </b></span><span>me@home.example<br></span></div><br><div>" + INNER
)
OUTLOOK_HTML = (
    '<html><body><div><div style="border:none;border-top:solid"><p class=MsoNormal><b>From:</b> Weekly Bits '
    "&lt;ed@bits.example&gt; <br><b>Sent:</b> Tuesday, September 3, 2024 1:08 PM<br><b>To:</b> me@home.example<br>"
    "<b>Subject:</b> Issue 7</p></div></div>" + INNER
)
GMAIL_TEXT = (
    "FYI\n\n---------- Forwarded message ---------\nFrom: Weekly Bits <ed@bits.example>\nDate: Tue, Sep 3, 2024 at 1:08 PM\n"
    "Subject: Issue 7\nTo: <me@home.example>\n\n\nFirst story of the week\n"
)
APPLE_TEXT = (
    "\n\n> Begin forwarded message:\n> \n> From: Weekly Bits <ed@bits.example>\n> Subject: Issue 7\n"
    "> Date: September 3, 2024 at 1:08:00 PM GMT\n> To: me@home.example\n> \n> First story of the week\n> more\n> yet more\n"
)
OUTLOOK_TEXT = (
    "-----Original Message-----\nFrom: Weekly Bits <ed@bits.example>\nSent: Tuesday, September 3, 2024 1:08 PM\n"
    "To: me@home.example\nSubject: Issue 7\n\nFirst story of the week\n"
)
GERMAN_TEXT = (
    "Von: Weekly Bits <ed@bits.example>\nGesendet: Dienstag, 3. September 2024 13:08\nAn: me@home.example\n"
    "Betreff: Issue 7\n\nFirst story of the week\n"
)
OUTER = "From: Me <me@home.example>\nTo: feeds@box.example\nSubject: {subject}\nDate: Wed, 04 Sep 2024 10:00:00 +0000\n"


@pytest.mark.parametrize(
    ("body", "kind", "subject"),
    [
        (GMAIL_HTML, "html", "Fwd: Issue 7"),
        (APPLE_HTML, "html", "Fwd: Issue 7"),
        (OUTLOOK_HTML, "html", "FW: Issue 7"),
        (GMAIL_TEXT, "plain", "Fwd: Issue 7"),
        (APPLE_TEXT, "plain", "Fwd: Issue 7"),
        (OUTLOOK_TEXT, "plain", "FW: Issue 7"),
        (GERMAN_TEXT, "plain", "WG: Issue 7"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_forwarded_newsletter_is_the_newsletter(body: str, kind: str, subject: str, line_end: str) -> None:
    source = OUTER.format(subject=subject) + f"Content-Type: text/{kind}; charset=utf-8\n\n{body}"
    message = read(source.replace("\n", line_end), "mail.eml")
    assert (message.newsletter.key, message.newsletter.name) == ("ed@bits.example", "Weekly Bits")
    assert (message.subject, message.sent) == ("Issue 7", datetime(2024, 9, 3, 13, 8, tzinfo=UTC))
    shown = message.html or message.text or ""
    assert "First story of the week" in shown
    assert not [word for word in ("FYI", "orward", "home.example", "Subject", ">  First") if word in shown]
    assert {"me@home.example", "feeds@box.example"} <= message.recipients
    assert "forward-inline" in {problem.code for problem in message.problems}


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (OUTER.format(subject="Re: Issue 7"), OUTLOOK_TEXT),
        (OUTER.format(subject="Issue 7"), OUTLOOK_TEXT),
        (OUTER.format(subject="Fwd: what I think"), "From: here to there\nwe go.\n"),
        (OUTER.format(subject="Fwd: x") + "List-Id: <l.b.example>\n", GMAIL_TEXT),
        (OUTER.format(subject="How a forwarded message looks"), "A forwarded message begins with headers.\n"),
    ],
)
def test_what_is_no_forwarded_newsletter_stays_as_it_is(head: str, body: str) -> None:
    message = read(head + "\n" + body, "mail.eml")
    assert (message.newsletter.key in {"me@home.example", "l.b.example"}, message.text) == (True, body)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("Thu, Jan 11, 2024 at 2:03 PM", datetime(2024, 1, 11, 14, 3, tzinfo=UTC)),
        ("January 11, 2024 at 12:03:09 AM GMT+1", datetime(2024, 1, 10, 23, 3, 9, tzinfo=UTC)),
        ("11 janvier 2024 à 14:03:09 UTC-05:30", datetime(2024, 1, 11, 19, 33, 9, tzinfo=UTC)),
        ("Thu, 11 Jan 2024 14:03:09 +0000", datetime(2024, 1, 11, 14, 3, 9, tzinfo=UTC)),
        ("some day", None),
        ("1 January 2024 99:99", datetime(2024, 1, 1, tzinfo=UTC)),
    ],
)
def test_dates_of_forwards(words: str, expected: datetime | None) -> None:
    assert forwarded_date(words) == expected


def test_a_large_hostile_body_is_read_in_time() -> None:
    started = datetime.now(UTC)
    for body in (
        "-" * 300_000,
        "<" * 300_000,
        "=?" * 100_000,
        "Ã" * 300_000,
        "--b\nContent-Type: text/plain\n\n" * 20_000,
    ):
        for filename in ("a.txt", "a.html", "a.eml"):
            head = (
                "From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n" if filename == "a.eml" else "words "
            )
            read(head + body, filename)
    assert datetime.now(UTC) - started < timedelta(seconds=20)
