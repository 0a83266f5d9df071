"""Bytes to Message: e-mails."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from feedsvc.errors import MessageError, TooLarge, UnreadableMessage
from feedsvc.mail import MAX_MESSAGE_BYTES, parse_message
from feedsvc.model import Message

RECEIVED = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
HEAD = (
    "From: Weekly Bits <editor@bits.example>\nTo: Reader <Reader@Example.org>\nSubject: Issue 7\n"
    "Date: Tue, 03 Sep 2024 09:08:14 -0400\nMessage-ID: <seven@bits.example>\nMIME-Version: 1.0\n"
)


def read(source: str | bytes, filename: str | None = None) -> Message:
    data = source.encode() if isinstance(source, str) else source
    return parse_message(data, received=RECEIVED, filename=filename)


def codes(message: Message) -> set[str]:
    return {problem.code for problem in message.problems}


def multipart(*parts: str, kind: str = "alternative", head: str = HEAD) -> str:
    lines = "".join(f"--frontier\n{part}\n" for part in parts)
    return f'{head}Content-Type: multipart/{kind}; boundary="frontier"\n\n{lines}--frontier--\n'


TEXT = "Content-Type: text/plain; charset=utf-8\n\nPlain words.\n"
HTML = "Content-Type: text/html; charset=utf-8\n\n<p>Marked <b>words</b>.</p>\n"


def test_a_plain_message_is_read_with_its_headers() -> None:
    message = read(HEAD + "Content-Type: text/plain\n\nHello.\n")
    assert message.key == message.message_id == "seven@bits.example"
    assert message.newsletter.key == message.newsletter.address == "editor@bits.example"
    assert (message.newsletter.name, message.newsletter.slug) == ("Weekly Bits", "weekly-bits")
    assert message.sent == datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC)
    assert (message.subject, message.html, message.text) == ("Issue 7", None, "Hello.\n")
    assert message.recipients == {"reader@example.org"}
    assert message.problems == ()


@pytest.mark.parametrize(
    "before", ["\ufeff", "\n\n  \n", "From editor@bits.example Tue Sep  3 13:08:14 2024\n", "\ufeff\r\n>From x\n"]
)
def test_what_stands_before_the_headers_is_passed_over(before: str) -> None:
    message = read(before + HEAD + "\nHello.\n", "x.eml")
    assert (message.subject, message.text) == ("Issue 7", "Hello.\n")


@pytest.mark.parametrize("source", [HEAD + "\nHello.\n", multipart(TEXT, HTML), "Subject: bare\n\nWords\n"])
def test_line_ends_make_no_difference(source: str) -> None:
    assert read(source) == read(source.replace("\n", "\r\n"))


def test_a_message_without_message_id_has_its_hash_as_key() -> None:
    without = HEAD.replace("Message-ID: <seven@bits.example>\n", "") + "\nHello.\n"
    key = read(without).key
    assert key.startswith("sha256:")
    assert len(key) == 71
    assert read(without.replace("\n", "\r\n")).key == key
    assert read(without + "more").key != key


@pytest.mark.parametrize(
    ("lines", "subject"),
    [
        ("Subject: =?utf-8?Q?Caf=C3=A9_?=\n =?utf-8?B?8J+agA==?=", "Café 🚀"),
        ("Subject: =?UTF-8?B?w6k=?= and =?iso-8859-1?q?=E9?=", "é and é"),
        ("Subject: =?utf-8?B?8J8=?= =?utf-8?B?moA=?=", "🚀"),  # one character cut in two words
        ("Subject: =?utf-8?B?w6k?=", "é"),  # padding missing
        ("Subject: =?nonesuch?Q?words?=", "words"),
        ("Subject: one\n  two\n\tthree", "one two three"),
        ("Subject: first\nSubject: second", "first"),
        ("Subject:\nSubject: second", "second"),
        ("Subject: =?utf-8?Q?two words?=", "two words"),
        ("Subject: =?utf-8?Q?nul=00_bell=07?=", "nul bell"),
        ("Subject: 1 =?= 2 =?x", "1 =?= 2 =?x"),
        ("Subject: =?windows-1252?Q?caf=E9_=96_bar?=", "café – bar"),
        ("Subject: =?gb2312?B?1cXPyMn6?=", "张先生"),
    ],
)
def test_subjects_are_decoded_to_one_line(lines: str, subject: str) -> None:
    head = HEAD.replace("Subject: Issue 7", lines)
    assert read(head + "\nBody\n").subject == subject


def test_a_raw_8_bit_subject_is_decoded() -> None:
    for charset in ("utf-8", "latin-1"):
        assert read(HEAD.replace("Issue 7", "Übermäßig").encode(charset) + b"\nBody\n").subject == "Übermäßig"


@pytest.mark.parametrize(
    ("charset", "label", "words"),
    [
        ("utf-8", "utf-8", "naïve – “quoted” 🚀"),
        ("utf-8", "iso-8859-1", "naïve – “quoted”"),
        ("utf-8", None, "naïve"),
        ("latin-1", "iso-8859-1", "Größe"),
        ("cp1252", "iso-8859-1", "“quoted” – €5"),
        ("cp1252", "us-ascii", "“quoted”"),
        ("cp1252", None, "Größe"),
        ("gb18030", "gb2312", "朱镕基"),
        ("cp932", "shift_jis", "①こんにちは"),
        ("iso2022_jp", "iso-2022-jp", "こんにちは"),
        ("iso2022_jp", None, "こんにちは"),
        ("koi8-r", "koi8-r", "Привет, мир"),
        ("utf-16", "utf-16", "wide words"),
        ("utf-8", "base64", "naïve"),
        ("utf-8", "x-unknown", "naïve"),
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64", "quoted-printable"])
def test_bodies_are_decoded_in_the_charset_they_are_in(
    charset: str, label: str | None, words: str, encoding: str
) -> None:
    raw = words.encode(charset)
    if encoding == "base64":
        raw = base64.encodebytes(raw)
    elif encoding == "quoted-printable":
        raw = b"".join(b"=%02X" % byte for byte in raw)
    parameter = f"; charset={label}" if label else ""
    head = f"{HEAD}Content-Type: text/plain{parameter}\nContent-Transfer-Encoding: {encoding}\n\n"
    assert (read(head.encode() + raw).text or "").strip() == words


def test_a_meta_charset_decides_where_nothing_else_does() -> None:
    body = '<html><head><meta charset="windows-1251"></head><body>Привет</body></html>'.encode("cp1251")
    assert "Привет" in (read(HEAD.encode() + b"Content-Type: text/html\n\n" + body).html or "")


def test_one_bad_byte_does_not_spoil_utf_8() -> None:
    body = "Überall schöne Wörter — ".encode() * 3 + b"\x93bad\x94"
    message = read(HEAD.encode() + b"Content-Type: text/plain; charset=utf-8\n\n" + body)
    assert message.text == "Überall schöne Wörter — " * 3 + "“bad”"
    assert "charset-damaged" in codes(message)


def test_both_alternatives_are_kept_apart() -> None:
    message = read(multipart(TEXT, HTML))
    assert (message.text or "").strip() == "Plain words."
    assert (message.html or "").strip() == "<p>Marked <b>words</b>.</p>"


def test_amp_calendar_and_attachments_are_no_bodies() -> None:
    amp = "Content-Type: text/x-amp-html\n\n<html amp4email>no</html>\n"
    calendar = "Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n"
    attached = 'Content-Type: text/plain; name="n.txt"\nContent-Disposition: attachment; filename="n.txt"\n\nnotes\n'
    message = read(multipart(TEXT, amp, HTML, calendar, attached))
    assert (message.text or "").strip() == "Plain words."
    assert "amp4email" not in f"{message.html}{message.text}"
    assert "VCALENDAR" not in f"{message.html}{message.text}"
    assert "notes" not in f"{message.html}{message.text}"


def test_an_html_part_with_a_name_is_the_body() -> None:
    named = HTML.replace("charset=utf-8", 'charset=utf-8; name="mail.html"')
    assert "words" in (read(multipart(TEXT, named)).html or "")
    assert "words" in (read(HEAD + named).html or "")


def test_a_body_marked_as_attachment_is_read_where_there_is_no_other() -> None:
    marked = HTML.replace("\n\n", "\nContent-Disposition: attachment\n\n", 1)
    assert "words" in (read(multipart(marked, kind="mixed")).html or "")


def test_inline_texts_of_a_mixed_message_are_joined() -> None:
    message = read(multipart(TEXT, TEXT.replace("Plain", "More"), kind="mixed"))
    assert (message.text or "").split() == ["Plain", "words.", "More", "words."]


def test_html_that_says_it_is_text_is_html() -> None:
    body = "<html><body><table><tr><td><a href='https://a.example/'>One</a></td></tr></table></body></html>"
    message = read(HEAD + "Content-Type: text/plain\n\n" + body)
    assert message.html == body
    assert message.text is None


def test_text_that_mentions_tags_is_text() -> None:
    assert read(HEAD + "\nUse <b> and <html> with care: 1 < 2.\n").html is None


def test_base64_with_a_footer_in_clear_keeps_both() -> None:
    body = base64.encodebytes(b"Words in base64. " * 12).decode() + "\n_____\nList footer, unencoded\n"
    message = read(HEAD + "Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + body)
    assert "Words in base64." in (message.text or "")
    assert "List footer, unencoded" in (message.text or "")


def test_text_that_says_base64_but_is_not_is_kept() -> None:
    message = read(HEAD + "Content-Transfer-Encoding: base64\n\nHello there, this is plain.\n")
    assert "Hello there, this is plain." in (message.text or "")


def test_wrong_boundaries_do_not_lose_the_parts() -> None:
    source = multipart(TEXT, HTML).replace('boundary="frontier"', 'boundary="other"')
    message = read(source)
    assert (message.text or "").strip() == "Plain words."
    assert "<b>words</b>" in (message.html or "")
    assert "parts-broken" in codes(message)


def test_a_header_with_a_space_before_the_colon_does_not_end_the_headers() -> None:
    message = read("X-List : 5\n" + HEAD.replace("Subject:", "Subject :") + "\nHello.\n", "x.eml")
    assert (message.subject, message.text) == ("Issue 7", "Hello.\n")


def test_a_stray_line_does_not_end_the_headers() -> None:
    broken = HEAD.replace("Subject:", "this is no header\nSubject:")
    assert read(broken + "\nHello.\n").subject == "Issue 7"


def test_a_hostile_field_is_cut_and_does_not_take_quadratic_time() -> None:
    started = time.monotonic()
    for unit in ("=?a?q?", "(", "<", "a@b,", ";", '"', "=?utf-8?B?YQ==?= "):
        for name in ("Subject", "From", "To", "Received", "Content-Type"):
            assert read(f"{name}: {unit * (200_000 // len(unit))}\n{HEAD}\nHello.\n").key == "seven@bits.example"
    many = "--a\nContent-Type: text/plain\n\nx\n" * 50_000
    message = read(f"{HEAD}Content-Type: multipart/mixed; boundary=a\n\n{many}")
    assert [problem.lost for problem in message.problems if problem.code == "parts-too-many"] == [True]
    assert time.monotonic() - started < 20


def test_inline_images_are_kept_up_to_a_bound() -> None:
    image = "Content-Type: image/png\nContent-ID: <i{n}@x>\nContent-Transfer-Encoding: base64\n\n{data}\n"
    small = [image.format(n=n, data=base64.b64encode(b"png%d" % n).decode()) for n in range(60)]
    message = read(multipart(HTML, *small, kind="related"))
    assert [picture.content_id for picture in message.inline_images] == [f"i{n}@x" for n in range(50)]
    assert message.inline_images[3].data == b"png3"
    assert [problem.lost for problem in message.problems if problem.code == "images-left-out"] == [True]
    big = image.format(n=0, data=base64.encodebytes(b"x" * 6_000_000).decode())
    assert read(multipart(HTML, big, small[1], kind="related")).inline_images[0].content_id == "i1@x"


def test_an_image_without_content_id_is_an_attachment() -> None:
    assert read(multipart(HTML, "Content-Type: image/png\n\nxyz\n")).inline_images == ()


@pytest.mark.parametrize(
    ("date", "sent", "expected"),
    [
        ("Tue, 3 Sep 2024 13:08:14 GMT", datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC), set()),
        ("Tue, 3 Sep 2024 13:08:14", datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC), set()),
        ("Tue, 3 Sep\n 2024 15:08:14 +0200 (CEST)", datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC), set()),
        ("2024-09-03T15:08:14+02:00", datetime(2024, 9, 3, 13, 8, 14, tzinfo=UTC), set()),
        ("yesterday", RECEIVED, {"date-wrong", "date-from-arrival"}),
        ("Tue, 3 Sep 2044 13:08:14 +0000", RECEIVED, {"date-wrong", "date-from-arrival"}),
        ("Thu, 1 Jan 1970 00:00:00 +0000", RECEIVED, {"date-wrong", "date-from-arrival"}),
        ("Mon, 99 Foo 99999 99:99:99 +9999", RECEIVED, {"date-wrong", "date-from-arrival"}),
    ],
)
def test_dates(date: str, sent: datetime, expected: set[str]) -> None:
    message = read(HEAD.replace("Tue, 03 Sep 2024 09:08:14 -0400", date) + "\nHello.\n")
    assert message.sent == sent
    assert codes(message) == expected
    assert message.sent.tzinfo is UTC


def test_without_date_the_last_server_says_when() -> None:
    trace = (
        "Received: from b (b) by c;\n Tue, 03 Sep 2024 14:00:00 +0000\nReceived: from a by b; Mon, 2 Sep 2024 1:00\n"
    )
    message = read(trace + HEAD.replace("Date: Tue, 03 Sep 2024 09:08:14 -0400\n", "") + "\nHello.\n")
    assert message.sent == datetime(2024, 9, 3, 14, 0, tzinfo=UTC)
    assert codes(message) == {"date-missing", "date-from-received"}


def test_a_message_attached_to_nothing_is_the_message() -> None:
    inner = HEAD.replace("Issue 7", "Inner") + "Content-Type: text/html\n\n<p>Inner words</p>\n"
    outer = multipart(
        "Content-Type: text/plain\n\n\n",
        "Content-Type: message/rfc822\n\n" + inner,
        kind="mixed",
        head="From: Ann <ann@home.example>\nTo: feeds@box.example\nSubject: Fwd: Inner\n",
    )
    message = read(outer)
    assert (message.subject, message.newsletter.name) == ("Inner", "Weekly Bits")
    assert message.html == "<p>Inner words</p>\n"
    assert {"ann@home.example", "feeds@box.example", "reader@example.org"} <= message.recipients


def test_the_parts_of_an_attached_message_are_not_mixed_with_the_outer_ones() -> None:
    inner = "Content-Type: message/rfc822\n\n" + HEAD + "Content-Type: text/html\n\n<p>Inner</p>\n"
    message = read(multipart(TEXT, inner, kind="mixed"))
    assert (message.html, (message.text or "").strip()) == (None, "Plain words.")


def test_a_digest_keeps_all_its_messages() -> None:
    parts = [f"Content-Type: message/rfc822\n\nSubject: Part {n}\n\nWords {n}.\n" for n in range(3)]
    message = read(multipart(*parts, kind="digest"))
    assert message.subject == "Issue 7"
    assert message.text == "Part 0\n\nWords 0.\n\nPart 1\n\nWords 1.\n\nPart 2\n\nWords 2."


def test_a_subject_alone_is_a_message() -> None:
    message = read(HEAD + "\n")
    assert (message.subject, message.html, message.text) == ("Issue 7", None, "")
    assert "body-missing" in codes(message)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   \r\n\n",
        b"\0\0\0",
        b"%PDF-1.7 stuff",
        bytes(range(256)) * 10,
        b"\xd0\xcf\x11\xe0 outlook",
        b"--- !!! ---",
    ],
)
def test_what_is_no_text_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(UnreadableMessage) as caught:
        read(data)
    assert caught.value.detail.endswith((".", "it", "eml"))


def test_too_large_a_message_is_refused() -> None:
    with pytest.raises(TooLarge):
        read(b"x" * (MAX_MESSAGE_BYTES + 1))


def test_a_thousand_levels_keep_their_text() -> None:
    parts = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(1000))
    source = f"{HEAD}Content-Type: multipart/mixed; boundary=b0\n\n{parts}--b1000\nContent-Type: text/plain\n\nDeep.\n"
    message = read(source)
    assert (message.text or "").strip() == "Deep."
    assert (message.subject, "nesting-too-deep" in codes(message)) == ("Issue 7", True)


def all_strings(message: Message) -> list[str]:
    return [
        message.key,
        message.newsletter.key,
        message.newsletter.name,
        message.newsletter.slug,
        message.newsletter.address or "",
        message.subject,
        message.html or "",
        message.text or "",
        message.web_url or "",
        *message.recipients,
        *message.unsubscribe,
        *(problem.detail for problem in message.problems),
        *(image.content_id for image in message.inline_images),
        *(image.media_type for image in message.inline_images),
    ]


def assert_sound(message: Message) -> None:
    assert message.html is not None or message.text is not None
    assert message.newsletter.key
    assert message.newsletter.slug
    assert message.newsletter.name
    assert message.sent.utcoffset() is not None
    for string in all_strings(message):
        string.encode()  # no lone surrogates
        assert not [c for c in string if (c < " " and c not in "\n\t") or "\x7f" <= c <= "\x9f" or c in "\ufffe\uffff"]
    assert "\n" not in message.subject + message.newsletter.name + message.key


HEADER_VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "=?utf-8?B?8J8?=",
            "=?x?q?=00?=",
            '"a" <b@c>, d',
            "<<>>",
            "multipart/mixed; boundary=a",
            "text/html; charset*=x''y",
        ]
    ),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "Message-ID",
                    "List-Id",
                    "Content-Type",
                    "Content-Transfer-Encoding",
                    "Received",
                    "Return-Path",
                    "List-Unsubscribe",
                    "X-Odd",
                    "Content-Disposition",
                    "Sender",
                ]
            ),
            HEADER_VALUES,
        ),
        max_size=8,
    ),
    st.binary(max_size=300),
    st.sampled_from([None, "a.eml", "b.txt", "c.html", "d.md"]),
)
@example([("Content-Type", "text/plain; charset=idna")], b"x\xff", None)
@example([("Content-Type", "text/plain; charset=\0")], b"x\xff", None)
def test_odd_headers_and_bodies_never_raise_anything_else(
    headers: list[tuple[str, str]], body: bytes, filename: str | None
) -> None:
    head = "".join(f"{name}: {value}\n" for name, value in headers).encode("utf-8", "surrogatepass")
    try:
        message = read(head + b"\n" + body, filename)
    except MessageError as error:
        assert "failed" not in error.detail
    else:
        assert_sound(message)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_mutated_messages_never_raise_anything_else(data: st.DataObject) -> None:
    seed = multipart(TEXT, HTML, "Content-Type: message/rfc822\n\n" + HEAD + "\ninner\n", kind="mixed").encode()
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(seed)))
        cut = data.draw(st.integers(0, 30))
        seed = seed[:at] + data.draw(st.binary(max_size=8)) + seed[at + cut :]
    try:
        assert_sound(read(seed))
    except MessageError as error:
        assert "failed" not in error.detail


def test_a_message_that_the_standard_library_writes_comes_back() -> None:
    mail = EmailMessage()
    mail["From"] = "Été <hello@été.example>".replace("été.", "ete.")
    mail["Subject"] = "Ein sehr langer Betreff mit Ümläuten, der über mehr als eine Zeile reicht und gefaltet wird"
    mail.set_content("Grüße\n", cte="quoted-printable")
    mail.add_alternative("<p>Grüße</p>\n", subtype="html", cte="base64")
    message = read(bytes(mail))
    assert (message.subject, message.newsletter.name) == (mail["Subject"], "Été")
    assert (message.text, message.html) == ("Grüße\n", "<p>Grüße</p>\n")


# What a reader sees in each odd message: a part of its body, of its subject, and its date where it has one.
ODD = {
    "flanker-encoded-header": ("hello, world", "hello", None),
    "flanker-enclosed-broken": ("Hello", "Wow", "2012-06-30"),
    "flanker-from-encoding": ("Marc Slemko wrote:", "Re: running server as root", "1997-07-12"),
    "flanker-long-header": ("test", "Die heiße Zypernsonne quälte Max", "2013-05-07"),
    "flanker-mailformed-headers": ("Hello", "!", "2012-07-13"),
    "flanker-missing-boundaries": ("Hi This is a broken message", "", None),
    "flanker-no-ctype": ("I'm just testing message parsing", "Testing message parsing", "2011-12-29"),
    "kotlin-email-parser-german": ("Hallo Herr Specht", "Re: 34Mbit/s Netz", "1996-06-19"),
    "kotlin-email-parser-hdr-fakeout": ("The header is not properly terminated", "test message 1", "2000-05-20"),
    "mail-bad-date-header": ("", "You may_be Eligible", "2010-12-11"),
    "mail-bad-encoded-subject": ("TEST", "TEST", None),
    "mail-content-transfer-encoding-text-html": ("You have qualified", "Re: We will help you", "2005-05-06"),
    "mail-invalid-subject-characters": ("TEST", "Formação FrenetikPolis", None),
    "mail-multiple-content-types": ("foo", "Redacted", None),
    "mail-parser-mail-malformed-3": ("<html><head></head><body>", "Ahorre Dinero", "2017-03-19"),
    "mail-parser-mail-test-12": ("你好！我公司可代开各类增值税发票", "代开各地增值税发票", "2018-05-13"),
    "php-imap-issue-410": ("Hi!", "☆第132号", "2017-09-13"),
    "php-imap-ks-c-5601-1987-headers": ("Content", "RE: 회원님께 Ersi님이 메시지를", "2017-09-27"),
    "php-imap-multipart-without-body": ("This mail will not contain a body", "This mail will not", "2023-03-11"),
    "stalwart-malformed-009": ("1\n\n22\n\n333", "", None),
    "unstructured-email-no-utf8-2008-07-16-062410": ("סלבה היקר", "RE: שלום", "2008-07-16"),
    "unstructured-mime-html-only": ("The first emoticon", "Example HTML Only", "2024-10-01"),
    "unstructured-mime-multipart-digest": ("This is the second message", "Example Multipart Digest", None),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_messages_are_read_as_a_person_would(shared: Path, name: str) -> None:
    message = read((shared / "odd-mail" / f"{name}.eml").read_bytes(), f"{name}.eml")
    body, subject, date = ODD[name]
    assert body in f"{message.text or ''}{message.html or ''}"
    assert subject in message.subject
    assert message.sent.date().isoformat() == (date or "2026-11-20")


def test_every_real_message_is_sound_and_keeps_its_line_ends_apart(shared: Path) -> None:
    read_ok = 0
    for path in sorted([*shared.glob("odd-mail/*"), *shared.glob("corpus/*/*.eml"), *shared.glob("corpus/*/*.[ht]*")]):
        data = path.read_bytes()
        try:
            message = read(data, path.name)
        except MessageError as error:
            assert "failed" not in error.detail, path.name
            continue
        read_ok += 1
        assert_sound(message)
        same = read(data.replace(b"\r\n", b"\n"), path.name)
        assert same == read(data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), path.name), path.name
    assert read_ok > 80
