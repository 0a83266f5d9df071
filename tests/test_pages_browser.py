"""The browser of the tests itself: what goes wrong in a page fails the test that looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import Opener, Served, opened
from playwright.sync_api import Browser
from waiting import until


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("console.error('planted')", "console: planted"),
        ("setTimeout(() => { throw new Error('planted'); })", "exception: planted"),
        ("fetch('/not-there-at-all')", "status of 404"),
        ("new Image().src = 'http://127.0.0.2:9/pixel.gif'", "violates the following Content Security Policy"),
        ("location.href = 'http://elsewhere.example/'", "request to another host: http://elsewhere.example/"),
        ("document.head.append(Object.assign(document.createElement('style'), {textContent: 'a{}'}))", "violates"),
    ],
)
def test_what_goes_wrong_is_noticed(chromium: Browser, library: Served, script: str, said: str) -> None:
    with pytest.raises(AssertionError) as failure, opened(chromium, library, "/subscribe") as visit:
        visit.page.evaluate(f"() => {{ {script} }}")
        visit.page.wait_for_timeout(300)
    assert said in str(failure.value)


def test_what_keeps_people_out_is_found(library: Served, opener: Opener) -> None:
    visit = opener(library, "/subscribe")
    assert visit.axe() == []
    visit.page.evaluate("() => document.querySelector('main').append(document.createElement('input'))")
    assert [found.partition(":")[0] for found in visit.axe()] == ["label"]


def test_a_page_that_is_too_wide_is_found(library: Served, opener: Opener) -> None:
    visit = opener(library, "/subscribe", phone=True)
    assert visit.overflow() == 0
    visit.page.evaluate("() => document.querySelector('h1').append('x'.repeat(10000))")
    visit.page.evaluate(
        "() => { document.querySelector('h1').style.whiteSpace = 'pre'; document.querySelector('h1').style.overflowWrap = 'normal' }"
    )
    assert visit.overflow() > 0


def test_it_serves_what_comes_in(empty_library: Served, opener: Opener) -> None:
    visit = opener(empty_library, "/")
    mail = Path(__file__).resolve().parents[1] / "fixtures" / "digest-both-parts.eml"
    (empty_library.settings.inbox / "new.eml").write_bytes(mail.read_bytes())

    def is_shown() -> bool:
        visit.goto("/")
        return "Orbital Labs opens its weather model to everyone" in visit.page.content()

    assert until(is_shown)
