"""A static copy: the same documents and pages as files, which any web server can hold.

They are what the application itself answers, asked for by their addresses, so that nothing is there in a second
version. What needs a program behind it is left out: links that only `/go/` could follow lead to the issue's page, and
narrowed feeds are not there. A file is only written where its bytes are others than before, so that a web server's own
validators hold; files of an earlier copy that are no more are removed, and nothing else in the folder is touched.

Pictures are part of it where they are served from here (`images = "proxy"`, and those that came within a message). One
that is in the copy already is not asked for again: what is at its address never changes. One that cannot be had from
the newsletter's server is left out, and the next copy asks for it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from flask.testing import FlaskClient

from feedsvc.config import Settings
from feedsvc.errors import PublishError, SettingsError
from feedsvc.publish import newsletter_path
from feedsvc.store import Store
from feedsvc.web.app import create_app
from feedsvc.web.feeds import FORMATS

LIST_NAME: Final = ".feedsvc-export.json"
_ADDRESS = re.compile(r"""(?:href|src|url|xmlUrl|"next_url"|"image")(?:=|:\s*)(?:\\?["']|&quot;)([^"'\\\s<>&]+)""")
_PAGE: Final = "index.html"
_PICTURES: Final = ("/image/", "/inline/")


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many files the copy has, and how many of them were written anew or removed."""

    files: int
    written: int
    removed: int


def export(
    settings: Settings, store: Store, folder: Path, progress: Callable[[int], None] = lambda files: None
) -> ExportReport:
    """Write the copy into this folder, making it where it is not there; `progress` hears of each file.

    Raises SettingsError where no `base_url` is set or the folder cannot be written, PublishError where a page cannot be
    made.
    """
    if settings.base_url is None:
        raise SettingsError(
            "a static copy needs the address at which it will stand, for feeds hold whole addresses. "
            "Give it with --base-url, such as --base-url https://news.example.org."
        )
    # Nobody asks from outside: what is behind the token is to be in the copy, whose web server must keep it.
    inside = settings.model_copy(update={"access_token": None, "hub": None, "trusted_proxies": 0})
    app = create_app(inside, store, follow=False)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write_all(folder, _Copy(app.test_client(), settings.base_url, store, _listed(folder)), progress)
    except OSError as failure:
        raise SettingsError(f"cannot write {failure.filename or folder}: {failure.strerror or failure}.") from failure


class _Copy:
    """The files of a copy, each by the path of its address below the base; `before` are the names of those it has."""

    def __init__(self, client: FlaskClient, base: str, store: Store, before: frozenset[str]) -> None:
        self._client = client
        self._base = base
        self._store = store
        self._before = before

    def __iter__(self) -> Iterator[tuple[str, bytes | None]]:
        """Yield the name of each file, with slashes, and its bytes, None where it stays as it is; none twice."""
        seen: set[str] = set()
        waiting = list(self._first())
        while waiting:
            path = waiting.pop()
            if path in seen:
                continue
            seen.add(path)
            picture = path.startswith(_PICTURES)
            if picture and (name := _file_name(path, "")) in self._before:
                yield name, None
                continue
            answer = self._client.get(path, headers={"Host": urlsplit(self._base).netloc})
            with answer:
                if picture and answer.status_code in (404, 502):
                    continue  # it cannot be had
                if answer.status_code != 200:
                    raise PublishError(f"The page {path} could not be made (status {answer.status_code}).")
                body, media_type = answer.data, answer.mimetype or ""
            yield _file_name(path, media_type), body
            if media_type.startswith("text/") or media_type.endswith(("xml", "json")):
                waiting += self._beside(body)

    def _first(self) -> Iterator[str]:
        yield from ("/", "/subscriptions.opml")
        folders = ["", *(newsletter_path(one.slug).rpartition("/")[0] for one in self._store.newsletter_names())]
        yield from (f"{folder}/feed.{extension}" for folder in folders for extension in FORMATS)
        yield from (f"/issues/{issue}" for issue in self._store.issue_ids())

    def _beside(self, body: bytes) -> Iterator[str]:
        """What a document refers to: the archive, pictures, and what a page needs."""
        root = urlsplit(self._base).path
        for address in set(_ADDRESS.findall(body.decode("utf-8", "replace"))):
            path = address.removeprefix(self._base)
            if path == address and root:
                path = address.removeprefix(root)
            path = path.partition("?")[0].partition("#")[0]
            if re.match(r"/(static|inline|image|archive|newsletters/[^/]+/archive)/", path) and ".." not in path:
                yield path


def _file_name(path: str, media_type: str) -> str:
    plain = unquote(path).strip("/")
    if media_type == "text/html":
        return f"{plain}/{_PAGE}".lstrip("/")
    return plain


def _listed(folder: Path) -> frozenset[str]:
    """The names of the files of the earlier copy in this folder that are still there."""
    listing, root = folder / LIST_NAME, folder.resolve()
    named = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else ()
    targets = {name: (root / name).resolve() for name in named}
    return frozenset(name for name, target in targets.items() if target.is_relative_to(root) and target.is_file())


def _write_all(folder: Path, files: _Copy, progress: Callable[[int], None]) -> ExportReport:
    before, root = _listed(folder), folder.resolve()
    names: set[str] = set()
    written = removed = 0
    for name, body in files:
        target = (root / name).resolve()
        if not target.is_relative_to(root):
            continue
        names.add(name)
        progress(len(names))
        if body is None or (target.is_file() and target.read_bytes() == body):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(f".{target.name}.part")
        part.write_bytes(body)
        part.replace(target)
        written += 1
    for name in sorted(before - names):
        (root / name).resolve().unlink()
        removed += 1
    (folder / LIST_NAME).write_text(json.dumps(sorted(names), indent=0), encoding="utf-8")
    return ExportReport(len(names), written, removed)
