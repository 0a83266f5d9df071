"""Pictures of every page in light and dark colours and on a phone: `python tests/screenshots.py FOLDER [PATH...]`.

The pages show the fixtures (see `library`). Without paths, all pages of the application are taken; with them, only those
whose names begin so. `today-window.png` shows what fits into a window: it is the picture in the README.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from browser import Scheme, Served, opened, served, started_chromium
from library import make_library, pages

from feedsvc.web import create_app

_WAYS: tuple[tuple[str, Scheme, bool], ...] = (
    ("light", "light", False),
    ("dark", "dark", False),
    ("phone", "light", True),
)

# What a person would see, and not where the pictures were taken.
_BASE = "http://127.0.0.1:8080"
_DATA = "/home/me/newsletters"
_REPLACE = """([before, after]) => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(before, after);
}"""


def shoot(folder: Path, only: tuple[str, ...] = ()) -> Iterator[Path]:
    """Take the pictures, and tell of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, started_chromium() as browser:
        full = make_library(Path(name) / "data").data
        with served(full, base_url=_BASE) as library, served(Path(name) / "empty", base_url=_BASE) as empty:
            for page_name, path in shown(library, empty):
                server = empty if page_name.startswith("empty-") else library
                if only and not page_name.startswith(only):
                    continue
                for way, scheme, phone in _WAYS:
                    with opened(browser, server, path, scheme=scheme, phone=phone) as visit:
                        visit.allow("status of 404")
                        for frame in visit.page.locator("iframe").all():  # it loads once it is seen
                            frame.scroll_into_view_if_needed()
                        visit.page.wait_for_load_state("networkidle")
                        visit.page.evaluate(_REPLACE, [str(server.settings.data), _DATA])
                        file = folder / f"{page_name}-{way}.png"
                        visit.page.screenshot(path=file, full_page=True)
                        yield file
                        if (page_name, way) == ("today", "light"):
                            file = folder / "today-window.png"
                            visit.page.screenshot(path=file)
                            yield file


def shown(library: Served, empty: Served) -> Iterator[tuple[str, str]]:
    """Each page's name and address."""
    for path in pages(create_app(library.settings, library.store)):
        yield path.partition("?")[0].strip("/").replace("/", "-")[:40] or "today", path
    for path in pages(create_app(empty.settings, empty.store)):
        yield f"empty-{path.strip('/').replace('/', '-') or 'today'}", path
    store = library.store
    ids = [row.sha256 for _, row in zip(range(3), store.messages(), strict=False)]
    yield (
        "add-results",
        "/add?" + "&".join(f"of={one}" for one in (*ids, *(row.sha256 for row in store.newest_rejections()))),
    )
    yield "error-404", "/not-there"


if __name__ == "__main__":
    for taken in shoot(Path(sys.argv[1]), tuple(sys.argv[2:])):
        print(taken)
