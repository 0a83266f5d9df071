"""Digests made by rule, as large as real ones: for measuring, and for tests that need many messages."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

_WORDS = (
    "the of and to in for with that from on as by at is are was will has how why what new open small large quick model "
    "system service library compiler network database kernel browser engine memory storage release paper study market "
    "company team engineer reader writer city river museum factory garden planet weather energy battery sensor signal "
    "design method measure result answer question problem pattern habit rule price budget report index letter journey"
).split()
_SECTIONS = ("Headlines & Launches", "Research & Ideas", "Tools & Code", "Quick Links")
_CELL = "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:24px;color:#222222;padding:0 24px 16px 24px;"


def plain_mail(number: int) -> bytes:
    """A small digest of plain text with three items; each number is another message."""
    text = "\n\n".join(
        f"A TITLE THAT IS NUMBER {number}.{item} (3 MINUTE READ)\nhttps://example.com/{number}/{item}\n\n"
        f"A summary of what is to be read at number {item}, in a sentence or two."
        for item in range(3)
    )
    return (
        "From: Example Weekly <weekly@example.org>\nTo: reader@example.net\n"
        f"Subject: Issue {number}\nMessage-ID: <{number}@example.org>\n"
        f"Date: Tue, {number // 1440 % 28 + 1:02} Sep 2024 {number // 60 % 24:02}:{number % 60:02}:14 +0000\n"
        f"Content-Type: text/plain; charset=utf-8\nMIME-Version: 1.0\n\n{text}\n"
    ).encode()


def digest(number: int, items: int = 20) -> bytes:
    """A newsletter issue with an HTML and a text part: this many items in four sections, about 55 kB with 20 of them."""
    chance = random.Random(number)
    html, text = [], []
    for item in range(items):
        if item % max(1, items // len(_SECTIONS)) == 0:
            section = _SECTIONS[item * len(_SECTIONS) // items]
            html.append(
                f'<tr><td style="{_CELL}"><h1 style="font-size:24px;margin:24px 0 8px 0;">{section}</h1></td></tr>'
            )
            text.append(section.upper())
        title = _sentence(chance, 9).rstrip(".")
        link = f"https://site{chance.randrange(400)}.example/{number}/{item}/{title.lower().replace(' ', '-')}"
        minutes = chance.randrange(2, 19)
        summary = " ".join(_sentence(chance, 14) for _ in range(3))
        html.append(
            f'<tr><td style="{_CELL}"><div class="text-block" style="margin:0;padding:0;"><span style="color:#111111;">'
            f'<a href="{link}?utm_source=digest&amp;utm_medium=email&amp;utm_campaign=issue-{number}" style="color:#1155cc;">'
            f"<strong>{title} ({minutes} minute read)</strong></a><br><br>"
            f'<span style="font-family:Helvetica,Arial,sans-serif;font-size:16px;">{summary}</span></span></div></td></tr>'
            f'<tr><td style="font-size:0;line-height:0;border-bottom:1px solid #dddddd;height:1px;">&nbsp;</td></tr>'
        )
        text.append(f"{title.upper()} ({minutes} MINUTE READ) [{item + 1}]\n\n{summary}")
    padding = "".join(
        f".c{number}-{rule}{{margin:{rule}px;padding:0;border-collapse:collapse;}}\n" for rule in range(400)
    )
    message = EmailMessage()
    message["From"] = f"Daily Digest {number % 5} <post{number % 5}@digest.example>"
    message["To"] = "reader@home.example"
    message["Subject"] = f"{_sentence(chance, 7).rstrip('.')}, no. {number}"
    message["Message-ID"] = f"<{number}.digest@digest.example>"
    message["List-Id"] = f"<daily{number % 5}.digest.example>"
    message["List-Unsubscribe"] = f"<https://digest.example/unsubscribe?token={chance.getrandbits(128):x}>"
    message["Date"] = f"Tue, {number // 1440 % 28 + 1:02} Sep 2024 {number // 60 % 24:02}:{number % 60:02}:14 +0000"
    message.set_content("\n\n".join(text) + "\n", cte="quoted-printable")
    message.add_alternative(
        f"<!doctype html><html><head><style>{padding}</style></head><body>"
        f'<table width="600" cellpadding="0" cellspacing="0" align="center">{"".join(html)}'
        f'<tr><td style="{_CELL}">If you no longer want this mail, '
        f'<a href="https://digest.example/unsubscribe?token={chance.getrandbits(128):x}">unsubscribe</a>.</td></tr>'
        "</table></body></html>",
        subtype="html",
        cte="quoted-printable",
    )
    return message.as_bytes()


def _sentence(chance: random.Random, words: int) -> str:
    return " ".join(chance.choice(_WORDS) for _ in range(words + chance.randrange(-2, 3))).capitalize() + "."


def write_folder(folder: Path, count: int) -> Path:
    """Write this many digests as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"digest-{number:05}.eml").write_bytes(digest(number))
    return folder


def as_mbox(messages: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces of an mbox (mboxrd) that holds these messages."""
    for message in messages:
        lines = message.split(b"\n")
        quoted = b"\n".join(b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines)
        yield b"From post@digest.example Tue Sep  3 13:08:14 2024\n" + quoted + b"\n"


if __name__ == "__main__":
    write_folder(Path(sys.argv[1]), int(sys.argv[2]))
