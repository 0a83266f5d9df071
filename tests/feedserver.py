"""What tests with real feed readers share: a server that notes what it answered, and a reader that is a library."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from library import serving
from programs import missing

from feedsvc.config import Settings
from feedsvc.store import Store
from feedsvc.web import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from reader import Reader

# The path with its query, and the status.
Answers = list[tuple[str, int]]


@contextmanager
def answering(settings: Settings, store: Store, answers: Answers | None = None) -> Iterator[str]:
    """A server's address, while it runs; it notes its answers."""
    with serving(_noting(create_app(settings, store), [] if answers is None else answers)) as base:
        yield base


def lemon24_reader(database: Path) -> Reader:
    """Lemon24's reader, with this database."""
    if importlib.util.find_spec("sgmllib") is None:
        # reader 3.26 brings its own feedparser, which wants this module under the name that feedparser 6.0.14 gave up.
        sys.modules["sgmllib"] = importlib.import_module("feedparser_sgmllib")
    try:
        from reader import make_reader
    except ModuleNotFoundError:
        missing("reader", "pip install reader")
    return make_reader(str(database))


def _noting(app: WSGIApplication, answers: Answers) -> WSGIApplication:
    """Return the application with a note taken of each answer."""

    def noting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")

        def start(status: str, *rest: Any) -> Any:
            answers.append((f"{environ['PATH_INFO']}{'?' if query else ''}{query}", int(status[:3])))
            return start_response(status, *rest)

        return app(environ, start)

    return noting
