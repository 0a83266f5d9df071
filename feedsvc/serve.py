"""The process behind `feedsvc serve`: it watches the inbox, takes in what comes, serves, and ends cleanly."""

from __future__ import annotations

import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any, TextIO

import waitress

from feedsvc.config import Settings, prepare_folders
from feedsvc.errors import SettingsError
from feedsvc.intake.outcome import Outcome
from feedsvc.resolve import Ahead
from feedsvc.store import Store, open_store
from feedsvc.watching import start_watching
from feedsvc.web import create_app
from feedsvc.web.figures import TROUBLES
from feedsvc.web.redo import Redo, redo_of
from feedsvc.web.websub import telling_the_hub

logger = logging.getLogger(__name__)

THREADS = 8
GOOD_TOKEN_CHARS = 16


def serve(settings: Settings, announce: Callable[[Settings], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called once readers can connect, with the port that was really taken.

    Raises SettingsError where others could read the mail without a token, where the folders cannot be made, or where
    the port cannot be had; StoreError where the store cannot be opened.
    """
    _refuse_to_be_open(settings)
    prepare_folders(settings)
    with _ended_by_signals(), closing(_listen(settings.host, settings.port)) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        with open_store(settings.database_url) as store:
            app = create_app(settings, store)
            server = waitress.create_server(
                app,
                sockets=[listener],
                threads=THREADS,
                # Unless told otherwise it throws away what proxies say; how many to believe the application knows.
                clear_untrusted_proxy_headers=settings.trusted_proxies == 0,
            )
            with (
                closing(server),
                _taking_in(settings, store),
                _resolving(settings, store),
                _reading_again(redo_of(app)),
                telling_the_hub(settings, store),
            ):
                announce(settings)
                server.run()  # until a signal raises SystemExit in it, which it takes for its end


def _refuse_to_be_open(settings: Settings) -> None:
    if settings.is_public and settings.access_token is None and not settings.allow_public:
        raise SettingsError(
            f"{settings.host} can be reached from other machines, and without a token anybody there could read your "
            "newsletters. Set access_token (or FEEDSVC_ACCESS_TOKEN), or say --allow-public if that is what you want."
        )
    if settings.access_token is not None and len(settings.access_token.get_secret_value()) < GOOD_TOKEN_CHARS:
        logger.warning("access_token is short and could be guessed; `openssl rand -base64 24` prints a good one")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as failure:
        if failure.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"port {port} of {host} is in use. Stop the program that uses it, or choose another port with --port."
            ) from failure
        if failure.errno == errno.EACCES:
            raise SettingsError(f"port {port} is not for this user. Choose one above 1023 with --port.") from failure
        raise SettingsError(
            f"cannot serve on {host}: {failure.strerror}. Choose another address with --host."
        ) from failure


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Within, SIGTERM and SIGINT (Ctrl-C) end the process with status 0; a second one ends it at once."""

    def end(number: int, frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, signal.SIG_DFL)
        raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _taking_in(settings: Settings, store: Store) -> Iterator[None]:
    """Within, what is dropped into the inbox goes into the store."""
    watcher = start_watching(settings, store, tell)
    try:
        yield
    finally:
        watcher.stop()


@contextmanager
def _reading_again(redo: Redo) -> Iterator[None]:
    """Within, past issues are read again where something was mended; what an earlier process left is taken up."""
    redo.go_on()
    try:
        yield
    finally:
        redo.stop()


@contextmanager
def _resolving(settings: Settings, store: Store) -> Iterator[None]:
    """Within, links of articles are looked up ahead, where the settings ask for that."""
    ahead = Ahead(settings, store)
    try:
        yield
    finally:
        ahead.stop()


def log_to(stream: TextIO, *, tracebacks: bool) -> None:
    """Log to this stream: what feedsvc does, and what other libraries warn of; one line each, unless with tracebacks.

    The page "Status" shows the last warnings and errors of it.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        (logging.Formatter if tracebacks else _OneLine)("%(asctime)s %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("feedsvc").setLevel(logging.INFO)
    logging.getLogger("feedsvc").addHandler(TROUBLES)


class _OneLine(logging.Formatter):
    """Writes an error as its name and what it says."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 -- the name is logging's
        return ""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record).rstrip()
        error = record.exc_info[1] if record.exc_info else None
        record.exc_text = None  # or the next handler would find the empty one
        return f"{line} ({type(error).__name__}: {error})" if error else line


def tell(outcome: Outcome) -> None:
    """Log one line about what became of a message."""
    if outcome.status in ("rejected", "failed"):
        logger.warning("%s %s: %s", outcome.status, outcome.name, outcome.detail)
    elif outcome.status == "skipped":
        logger.info("skipped %s: %s", outcome.name, outcome.detail)
    elif outcome.status == "duplicate":
        logger.info("%s was here before", outcome.name)
    else:
        articles = "1 article" if outcome.articles == 1 else f"{outcome.articles} articles"
        logger.info("%s: %s from %s", outcome.newsletter, articles, outcome.name)
