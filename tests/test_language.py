"""Every word of the pages can be translated: with a catalogue that puts each message in brackets, nothing is left outside.

All that the newsletters say is Greek here, so that what is in Latin letters and outside of brackets are words of ours.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser

from feedsvc.config import load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.store import open_store
from feedsvc.web import create_app
from feedsvc.web.language import gettext as spoken
from feedsvc.web.language import ngettext as spoken_of_many
from feedsvc.web.language import speaking

# What people see or hear besides text, or what a script shows them.
_ATTRIBUTES = (
    "title",
    "alt",
    "placeholder",
    "aria-label",
    "aria-description",
    "data-words",
    "data-copied",
    "data-label",
)
_NO_WORDS = "[translate=no], code, kbd, script, style, svg.cadence"
# Names that are the same in all languages, hosts, and units.
_NAMES = re.compile(
    r"\b(?:feedsvc(?: ingest(?: -)?)?|Atom|RSS|JSON Feed|OPML|UTC|SMTP|LMTP|POST /inbox|kB|MB|Prometheus|[\w.-]+\.example)(?![\w])"
)
_LATIN = re.compile(r"[A-Za-z]{2,}")


class Bracketed(gettext.NullTranslations):
    """Puts each message in brackets; what is put into it later stands within them."""

    def gettext(self, message: str) -> str:
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return f"⟦{msgid1 if n == 1 else msgid2}⟧"


def unmarked(page: str) -> list[str]:
    """What a page says in Latin letters that no message holds."""
    tree = LexborHTMLParser(page)
    shown = [("title", node.text()) for node in tree.css("title")]
    shown += [
        (f"{node.tag}[{name}]", words)
        for node in tree.css("*")
        for name in _ATTRIBUTES
        if (words := node.attributes.get(name)) and not (name == "title" and node.tag == "link")
    ]
    for node in tree.css(_NO_WORDS):
        node.decompose()
    body = tree.body
    shown.append(("text", "" if body is None else body.text(separator=" ")))
    return [
        f"{where}: {' '.join(piece.split())}"
        for where, words in shown
        for piece in _outside(words)
        if _LATIN.search(_NAMES.sub(" ", piece))
    ]


def _outside(text: str) -> Iterator[str]:
    """What stands outside of all brackets, piece by piece."""
    depth, piece = 0, ""
    for character in text:
        depth += {"⟦": 1, "⟧": -1}.get(character, 0)
        if character in "⟦⟧":
            yield piece
            piece = ""
        elif depth == 0:
            piece += character
    yield piece


def greek_mail(number: int) -> bytes:
    """A digest of four items, of which one is a sponsor's."""
    message = EmailMessage()
    message["From"] = "Νέα της Εβδομάδας <nea@digest.example>"
    message["To"] = "αναγνώστης <reader@home.example>"
    message["Subject"] = f"Τεύχος {number}: τα νέα"
    message["Message-ID"] = f"<{number}@digest.example>"
    message["Date"] = f"Tue, {number + 1:02} Sep 2026 13:08:14 +0000"
    message["List-Id"] = "<nea.digest.example>"
    message["List-Unsubscribe"] = "<https://digest.example/unsubscribe?token=0123456789abcdef>"
    items = "".join(
        f'<h3><a href="https://topos{n}.example/{number}/{n}">Τίτλος άρθρου για το θέμα {number}.{n} που ενδιαφέρει{mark}</a></h3>'
        f"<p>Μια περίληψη του άρθρου σε δύο ή τρεις προτάσεις. Λέει τι συνέβη και γιατί έχει σημασία για όλους.</p>"
        for n, mark in enumerate((" (5 minute read)", " (12 minute read)", " (3 minute read)", " (Sponsor)"))
    )
    message.set_content("Δείτε το μήνυμα ως HTML.")
    message.add_alternative(f"<html lang=el><body><h2>Ειδήσεις</h2>{items}</body></html>", subtype="html")
    return message.as_bytes()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    settings = load_settings(data=tmp_path_factory.mktemp("data"), title="Ενημέρωση", resolve="never")
    prepare_folders(settings)
    files = []
    for number in range(3):
        files.append(settings.inbox / f"{number}.eml")
        files[-1].write_bytes(greek_mail(number))
    with open_store(settings.database_url) as store:
        report = Ingester(settings, store).ingest_files(files)
        assert report.count("new") == 3
        assert store.counts().articles == 12
        yield create_app(settings, store).test_client()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    settings = load_settings(data=tmp_path_factory.mktemp("empty"), title="Ενημέρωση", resolve="never")
    with open_store(settings.database_url) as store:
        yield create_app(settings, store).test_client()


def slug_and_issue(client: FlaskClient) -> tuple[str, str]:
    page = LexborHTMLParser(client.get("/").text)
    links = [node.attributes["href"] or "" for node in page.css("#listed a")]
    return (
        next(link for link in links if link.startswith("/newsletters/")),
        next(link for link in links if link.startswith("/issues/")),
    )


def assert_all_marked(client: FlaskClient, path: str) -> None:
    """Raise where the page at this path says anything that no catalogue could change."""
    with speaking(Bracketed()):
        answer = client.get(path, follow_redirects=True)
    assert "⟦" in answer.text
    assert unmarked(answer.text) == []


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?view=stream",
        "/?q=άρθρου&kinds=article,sponsor&min_minutes=2&max_minutes=9&from=2026-09-01&to=2026-09-30",
        "/?q=τίποτα",
        "/?before=1-1-1",
        "/?kinds=sponsor",
        "/newsletters",
        "{newsletter}",
        "{newsletter}/unsubscribe",
        "{newsletter}?done=saved",
        "/subscribe",
        "/subscribe?q=άρθρου&format=json&group=issue",
        "/add",
        "/statistics",
        "{issue}",
    ],
)
def test_every_word_of_a_page_can_be_translated(client: FlaskClient, path: str) -> None:
    newsletter, issue = slug_and_issue(client)
    assert_all_marked(client, path.format(newsletter=newsletter, issue=issue))


@pytest.mark.parametrize("path", ["/", "/?q=τίποτα", "/newsletters", "/subscribe", "/add", "/statistics"])
def test_every_word_of_a_page_with_nothing_in_it_can_be_translated(empty: FlaskClient, path: str) -> None:
    assert_all_marked(empty, path)


def test_a_word_that_was_forgotten_is_found() -> None:
    page = '<title>⟦Page⟧ · Ενημέρωση</title><p title="⟦Said⟧">⟦All of <b>this</b>⟧ Τίτλος <code>feedsvc x</code></p>'
    assert unmarked(page) == []
    assert unmarked(page.replace("Τίτλος", "Forgotten")) == ["text: Forgotten"]
    assert unmarked(page.replace("⟦Said⟧", "Said")) == ["p[title]: Said"]
    assert unmarked(page.replace("⟦Page⟧", "Page")) == ["title: Page · Ενημέρωση"]


def test_words_are_english_without_a_catalogue() -> None:
    assert spoken("Saved.") == "Saved."
    assert [spoken_of_many("%(num)s job", "%(num)s jobs", number) for number in (1, 2)] == [
        "%(num)s job",
        "%(num)s jobs",
    ]
    with speaking(Bracketed()):
        assert spoken("Saved.") == "⟦Saved.⟧"
    assert spoken("Saved.") == "Saved."
