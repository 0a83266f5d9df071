"""The process behind `feedsvc serve`: it watches the inbox, takes in what comes, serves, and ends cleanly."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import waitress

from feedsvc.config import Settings, prepare_folders
from feedsvc.errors import FeedsvcError, SettingsError
from feedsvc.ingest import Ingester
from feedsvc.intake.folder import FolderIntake
from feedsvc.intake.outcome import Outcome
from feedsvc.store import Store, open_store
from feedsvc.web import create_app

logger = logging.getLogger(__name__)

THREADS = 8
_LOOK_S = 30.0  # how often the spool is looked into unasked, for what other processes put there or what failed before
_LAST_MESSAGE_S = 10.0  # how long the end waits for the message that is being taken in


def serve(settings: Settings, announce: Callable[[Settings], None]) -> None:
    """Serve until SIGTERM or SIGINT; `announce` is called once readers can connect, with the port that was really taken.

    Raises SettingsError where the folders cannot be made or the port cannot be had, StoreError where the store cannot be opened.
    """
    prepare_folders(settings)
    with _ended_by_signals(), closing(_listen(settings.host, settings.port)) as listener:
        settings = settings.model_copy(update={"port": listener.getsockname()[1]})
        with open_store(settings.database_url) as store:
            server = waitress.create_server(create_app(settings, store), sockets=[listener], threads=THREADS)
            with closing(server), _taking_in(settings, store):
                announce(settings)
                server.run()  # until a signal raises SystemExit in it, which it takes for its end


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
    ready = threading.Event()
    ready.set()  # what waited before the start
    stop = threading.Event()
    ingester = Ingester(settings, store)
    worker = threading.Thread(target=_drain, args=(ingester, ready, stop), name="feedsvc-ingest", daemon=True)
    intake = FolderIntake(settings, ready.set)
    intake.start()
    worker.start()
    try:
        yield
    finally:
        intake.stop()
        stop.set()
        ready.set()
        worker.join(_LAST_MESSAGE_S)


def _drain(ingester: Ingester, ready: threading.Event, stop: threading.Event) -> None:
    def told(outcome: Outcome) -> None:
        tell(outcome)
        if stop.is_set():
            raise _StoppedError  # the rest stays in the spool, where the next start finds it

    while not stop.is_set():
        ready.wait(_LOOK_S)
        ready.clear()
        try:
            ingester.drain(told)
        except _StoppedError:
            return
        except FeedsvcError as error:
            logger.warning("nothing can be taken in: %s", error.detail)
        except Exception:
            logger.exception("taking in failed; it is tried again")


class _StoppedError(Exception):
    """The end has come between two messages."""


def tell(outcome: Outcome) -> None:
    """Log one line about what became of a message."""
    if outcome.status in ("rejected", "failed"):
        logger.warning("%s %s: %s", outcome.status, outcome.name, outcome.detail)
    elif outcome.status == "skipped":
        logger.info("skipped %s: %s", outcome.name, outcome.detail)
    elif outcome.status == "duplicate":
        logger.info("%s: %s was here before", outcome.newsletter, outcome.name)
    else:
        articles = "1 article" if outcome.articles == 1 else f"{outcome.articles} articles"
        logger.info("%s: %s from %s", outcome.newsletter, articles, outcome.name)
