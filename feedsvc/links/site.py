"""The name of a site, as a reader knows it."""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache

from publicsuffixlist import PublicSuffixList

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse
from feedsvc.links.rules import table

# Latin letters that are more than a letter of ASCII with an accent, and look like none.
_OWN_LATIN = frozenset("ßæøœðþłđħŋ")
# Letters of Cyrillic and Greek that nobody can tell from a Latin one.
_PASS_FOR_LATIN = frozenset("асԁеһіјӏорԛѕԝхуъьҽпгѵѡαγηικνορτυχω")


@cache
def _suffixes() -> PublicSuffixList:
    # The list that the package brings. Its private part is read too, which makes `x.github.io` a site of its own.
    return PublicSuffixList(accept_unknown=False)


@lru_cache(maxsize=8192)
def registrable_domain(host: str) -> str:
    """The registrable domain of a host (Public Suffix List, private part too), or the host where it has none."""
    return _suffixes().privatesuffix(host) or host


def site_name(url: str) -> str:
    """The site of an address as a reader knows it: "techcrunch.com", "bbc.co.uk", "arxiv.org"; "" where there is none.

    International names are shown as they are written, unless they can be taken for another name: then in Punycode.
    """
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    return _site_of_host(parts.host) if parts else ""


@lru_cache(maxsize=8192)
def _site_of_host(host: str) -> str:
    name = registrable_domain(host)
    if host != name:
        data = table("sites")
        below = host.removesuffix(f".{name}").rpartition(".")[2]
        if name in data["platforms"] and below not in data["own"]:
            name = f"{below}.{name}"
    if "xn--" not in name:
        return name
    try:
        written = name.encode("ascii").decode("idna")
    except UnicodeError:  # ada-url's IDNA (UTS 46) allows names that Python's (RFC 3490) does not
        return name
    return name if any(map(_misleads, written.split("."))) else written


def _misleads(label: str) -> bool:
    """Whether a label of a host looks like another: its letters are of several scripts, or all of them pass for Latin ones.

    The rules are a short form of those by which browsers decide it.
    """
    letters = [letter for letter in label if letter.isalpha()]
    scripts = {unicodedata.name(letter, "?").partition(" ")[0] for letter in letters} - {
        "HIRAGANA",
        "KATAKANA-HIRAGANA",
    }
    if not (len(scripts) <= 1 or scripts <= {"CJK", "KATAKANA"} or scripts <= {"CJK", "HANGUL"}):
        return True
    if scripts == {"LATIN"}:
        return not all(unicodedata.normalize("NFKD", letter)[0].isascii() or letter in _OWN_LATIN for letter in letters)
    return bool(letters) and all(letter in _PASS_FOR_LATIN for letter in letters)
