"""How long `convert` takes on a large digest, beside mail-parser and selectolax alone on the same bytes, in the same run.

    python tests/bench_convert.py [ROUNDS] [--profile]

The digest has 40 items in the table markup of a newsletter builder, with a click-tracker on every link, a preheader, sponsors and a
footer: 150 KB of HTML in an .eml, quoted-printable. The second message is a plain text of 10 KB with footnotes. Rounds alternate, and the
least time of each counts: what disturbs a round only ever makes it longer. Every round has an edition of its own, with other words and
links, so that no cache answers for the work. `--profile` adds where the time goes.
"""

from __future__ import annotations

import cProfile
import logging
import pstats
import quopri
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote

import mailparser
from selectolax.lexbor import LexborHTMLParser

from feedsvc.convert import convert

RECEIVED = datetime(2024, 9, 4, tzinfo=UTC)
HTML_BYTES = 150_000
ITEMS = 40
TEXT_BYTES = 10_000
WANTED = 3.0
WORDS = (
    "harbour lantern compiler orchard ferry kernel ladder meadow packet quarry river schema tiller vessel weather"
    " index bakery cable dune engine field garden hinge island journal kettle library market needle oven"
).split()


def _words(count: int, seed: int) -> str:
    """`count` words that differ from item to item, as one sentence."""
    chosen = [WORDS[(seed * 7 + n * (3 + seed % 5) + n * n) % len(WORDS)] for n in range(count)]
    return " ".join(chosen).capitalize()


def _link(number: int, what: str) -> str:
    target = f"https://site{number % 23}.example/2024/09/{what}-{number}?utm_source=bench&utm_medium=email"
    return f"https://tracking.bench.example/CL0/{quote(target, safe='')}/1/0100018f2a3b4c5d-0000/s{number}=100"


def _item(number: int, section: bool) -> str:
    link = _link(number, "story")
    font = "font-family:Helvetica,Arial,sans-serif;mso-line-height-rule:exactly;-ms-text-size-adjust:100%"
    style = f"{font};font-size:16px;line-height:150%;color:#202020;text-align:left"
    table = f'border="0" cellpadding="0" cellspacing="0" width="100%" style="min-width:100%;border-collapse:collapse;{font}"'
    text = ". ".join(_words(14, number * 5 + n) for n in range(5))
    head = f'<h2 style="font-size:26px;color:#17a;{font}">{_words(2, number + 3)}</h2>' if section else ""
    return f"""<tr><td valign="top" class="bodyContainer" style="padding-top:9px;{font}">
<table class="mcnTextBlock" {table}><tbody class="mcnTextBlockOuter"><tr><td valign="top" class="mcnTextBlockInner" style="{font}">
<!--[if mso]><table align="left" border="0" cellspacing="0" cellpadding="0" width="100%"><tr><td valign="top" width="600"><![endif]-->
<table align="left" class="mcnTextContentContainer" {table}><tbody><tr>
<td valign="top" class="mcnTextContent" style="padding:0 18px 9px;{style}">
{head}<a href="{link}" style="color:#0066aa;text-decoration:none" target="_blank"><img src="https://cdn.bench.example/{number}.png" width="264"
 height="148" alt="" style="display:block;max-width:100%;border:0;height:auto;outline:none;text-decoration:none"></a>
<h3 style="{style};font-size:20px;margin:0"><a href="{link}" style="color:#0066aa;text-decoration:none" target="_blank">
<strong>{_words(8, number)} ({number % 19 + 2} minute read)</strong></a></h3>
<p style="{style};margin:10px 0"><span style="color:#202020">{text}.</span> See also
<a href="{_link(number, "aside")}" style="color:#0066aa">{_words(3, number + 11)}</a>.</p>
<p style="{style};font-size:14px"><a href="{link}" style="color:#0066aa;font-weight:bold" target="_blank">Read more</a></p>
</td></tr></tbody></table>
<!--[if mso]></td></tr></table><![endif]-->
</td></tr></tbody></table>
</td></tr>
"""


def large_digest(edition: int) -> bytes:
    """An .eml with 150 KB of HTML that holds 40 items under five sections."""
    body = "".join(_item(edition * ITEMS + n, section=n % 8 == 0) for n in range(ITEMS))
    head = '<html><head><meta charset="utf-8"><title>Bench</title><style>p{margin:10px 0}h2{font-size:26px}'
    foot = (
        '</table><p style="font-size:12px">You get this because you signed up. '
        '<a href="https://bench.example/unsubscribe?u=1">Unsubscribe</a></p></center></body></html>'
    )
    start = '</style></head><body><center><table width="600" style="border-collapse:collapse">\n'
    room = HTML_BYTES - len(head) - len(start) - len(body) - len(foot)
    rules = "".join(f".mcn{n} .box p{{color:#{n:06x};font-size:{n % 9 + 12}px}}\n" for n in range(max(room, 0) // 47))
    markup = f"{head}{rules}{start}{body}{foot}"
    header = (
        "From: Bench Weekly <bench@mail.bench.example>\nTo: reader@example.org\nSubject: Forty items of one week\n"
        "Date: Tue, 03 Sep 2024 06:00:00 +0000\nMessage-ID: <bench.1@mail.bench.example>\nList-Id: <bench.mail.bench.example>\n"
        'MIME-Version: 1.0\nContent-Type: text/html; charset="utf-8"\nContent-Transfer-Encoding: quoted-printable\n\n'
    )
    return header.encode() + quopri.encodestring(markup.encode())


def text_digest(edition: int) -> bytes:
    """An .eml with 10 KB of plain text that holds items in capitals with footnotes."""
    items, links, number = "", "", edition * ITEMS
    while len(items) + len(links) < TEXT_BYTES:
        number += 1
        text = ".\n".join(_words(11, number * 3 + n) for n in range(4))
        items += f"{_words(7, number).upper()} ({number % 19 + 2} MINUTE READ) [{number}]\n\n{text}.\n\n"
        links += f"[{number}] https://site{number}.example/2024/09/story-{number}?utm_source=bench\n"
    header = (
        "From: Bench Daily <daily@mail.bench.example>\nSubject: A day in plain text\nMessage-ID: <bench.2@mail.bench.example>\n"
        "Date: Tue, 03 Sep 2024 06:00:00 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    return f"{header}{items}Links:\n------\n{links}".encode()


def parse_alone(data: bytes) -> None:
    """What no converter can do without: MIME by mail-parser, HTML by selectolax."""
    mail = mailparser.parse_from_bytes(data)
    for markup in mail.text_html:
        tree = LexborHTMLParser(markup)
        assert tree.body is not None


def measure(name: str, make: Callable[[int], bytes], rounds: int) -> float:
    """Print the least processor time of both over so many editions, and give their ratio."""
    issue = convert(make(0), received=RECEIVED)  # the tables are read once
    alone = ours = float("inf")
    for edition in range(1, rounds + 1):
        data = make(edition)
        start = time.process_time()
        parse_alone(data)
        between = time.process_time()
        convert(data, received=RECEIVED)
        alone, ours = min(alone, between - start), min(ours, time.process_time() - between)
    print(f"{name}: {len(make(0)) / 1000:.0f} KB of mail, {len(issue.articles)} articles")
    print(f"  mail-parser and selectolax alone {alone * 1000:8.2f} ms")
    print(f"  convert                          {ours * 1000:8.2f} ms   {ours / alone:.2f} times as long")
    return ours / alone


def main() -> None:
    """Print the figures; exit status 1 where the large digest takes more than three times as long."""
    numbers = [word for word in sys.argv[1:] if word.isdigit()]
    rounds = int(numbers[0]) if numbers else 20
    logging.getLogger("mailparser").setLevel(logging.CRITICAL)
    ratio = measure("large digest, HTML", large_digest, rounds)
    measure("small digest, text", text_digest, rounds)
    if "--profile" in sys.argv:
        editions = [large_digest(n) for n in range(rounds + 1, 2 * rounds + 1)]
        with cProfile.Profile() as profile:
            for data in editions:
                convert(data, received=RECEIVED)
        pstats.Stats(profile).sort_stats("tottime").print_stats(15)
    print(f"asked for: at most {WANTED:.0f} times on the large digest")
    sys.exit(ratio > WANTED)


if __name__ == "__main__":
    main()
