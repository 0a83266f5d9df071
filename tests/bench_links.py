"""How many links a second `canonical` does on one core, and how that compares to bare URL parsing in the same run.

    python tests/bench_links.py [LINKS]

The links are made up in the proportions of real newsletters: most are direct with campaign parameters, many are wrapped, some opaque.
Every link is different and there are more of them than any cache holds, so that no cache answers for the work.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from urllib.parse import quote

import ada_url

from feedsvc.links import canonical

RECIPIENTS = frozenset({"reader@example.org"})


def _b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def links(count: int) -> list[str]:
    """`count` different links: 50% direct with parameters, 15% direct without, 20% wrapped, 15% opaque."""
    made = []
    for n in range(count):
        page = f"https://news{n % 997}.example.com/2025/03/{n}/a-headline-of-usual-length-{n}"
        tagged = f"{page}?utm_source=letter&utm_medium=email&id={n}&utm_campaign=c{n}"
        kind = n % 20
        if kind < 10:
            made.append(tagged)
        elif kind < 13:
            made.append(page)
        elif kind == 13:
            made.append(
                f"https://tracking.example.net/CL0/{quote(tagged, safe='')}/1/0100018f2a3b4c5d-0000-0000/s{n}=100"
            )
        elif kind == 14:
            made.append(f"https://click.mail.example.net/a1b2c3d{n}/z9y8x7/{_b64(tagged)}")
        elif kind == 15:
            made.append(f"https://letter.example.net/redirect/2/{_b64(json.dumps({'e': tagged}))}")
        elif kind == 16:
            made.append(f"https://www.google.com/url?q={quote(tagged, safe='')}&sa=D")
        elif kind == 17:
            made.append(f"https://links.example.net/ss/c/{_b64(str(n) * 9)}x9Y8z7W6v5/4a/{n}")
        elif kind == 18:
            made.append(f"https://u{n}.ct.example.net/ls/click?upn={_b64(page)}-2Bq-3D")
        else:
            made.append(f"https://shop.us1.list-manage.com/track/click?u=0a1b2c3d4e&id={n:x}&e=5f6a7b8c9d")
    return made


def _rate(made: list[str], work: object) -> float:
    assert callable(work)
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for link in made:
            work(link)
        best = min(best, time.process_time() - start)
    return len(made) / best


def main() -> None:
    """Print both rates and their ratio."""
    made = links(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000)
    canonical("https://example.com/")  # the tables are read once
    ours = _rate(made, lambda link: canonical(link, RECIPIENTS))
    plain = _rate(made, canonical)
    bare = _rate(made, lambda link: ada_url.URL(link).href)
    print(f"canonical            {plain:10,.0f} links/s")
    print(f"canonical, recipient {ours:10,.0f} links/s")
    print(f"ada_url.URL().href   {bare:10,.0f} links/s")
    print(f"canonical takes {bare / plain:.1f} times as long, with a recipient {bare / ours:.1f} times")


if __name__ == "__main__":
    main()
