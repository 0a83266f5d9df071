"""Mail from accounts, by IMAP (RFC 9051, and RFC 3501 servers).

A message is known to a server by its UID, as long as the folder's UIDVALIDITY stays. What is kept for each folder is
that number and the highest UID that was dealt with. It is noted after the messages are safe in the spool and what
is to be done with them there is done; so a crash in between fetches some again, and the same bytes are one message. A
folder with another UIDVALIDITY is looked through from its beginning, for the same reason without harm.

The server tells of new mail by IDLE (RFC 2177) where it can; else it is asked every `poll_s`. A connection that fails is
made anew, after a pause that grows. A message that the server does not give, or that is too long, is told of and passed over.
"""

from __future__ import annotations

import logging
import random
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from imapclient import DELETED, SEEN, IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from feedsvc.config import Settings
from feedsvc.errors import FeedsvcError, StoreError
from feedsvc.intake.accounts import secret_of
from feedsvc.intake.outcome import too_large
from feedsvc.intake.spool import Arrival, Spool
from feedsvc.store import Store
from feedsvc.ways import ImapAccount

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 32
BATCH_BYTES = 16_000_000
CONNECT_S = 30.0
ANSWER_S = 120.0
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 300.0
IDLE_RENEW_S = 9 * 60.0  # servers and routers cut what is silent for longer
_LOOK_AGAIN_S = 1.0  # how long a stop may have to wait
_Broken = (IMAPClientError, OSError, ssl.SSLError, EOFError)


class Folder:
    """One folder of one account, over one connection. A context manager; raises the errors of IMAPClient and OSError."""

    def __init__(self, settings: Settings, store: Store, name: str, account: ImapAccount) -> None:
        self.way = f"imap-{name}"
        self._name = name
        self._account = account
        self._limit = settings.max_message_bytes
        self._spool = Spool(settings.spool)
        self._store = store
        self._client: IMAPClient | None = None
        self._next_uid: Any = None  # what the server promised when we looked last
        self.failures: list[str] = []

    def __enter__(self) -> Folder:
        account = self._account
        context = ssl.create_default_context(cafile=str(account.ca_file) if account.ca_file else None)
        client = IMAPClient(
            account.host,
            port=account.real_port,
            ssl=account.security == "tls",
            ssl_context=context if account.security == "tls" else None,
            use_uid=True,
            timeout=CONNECT_S,
        )
        self._client = client
        try:
            client.socket().settimeout(ANSWER_S)
            if account.security == "starttls":
                client.starttls(context)
            secret = secret_of(self._name, account)
            if account.token_command is not None:
                client.oauth2_login(account.user, secret)
            elif account.user.isascii() and secret.isascii():
                client.login(account.user, secret)
            else:  # LOGIN has no way to say more (RFC 3501 section 6.2.3)
                client.plain_login(account.user, secret)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Log out, if the server still hears."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(*_Broken):
                client.socket().settimeout(2.0)
                client.logout()
            with suppress(*_Broken):
                client.shutdown()

    def fetch(self, stopping: threading.Event) -> int:
        """Take what is new in the folder; returns how many messages."""
        client = self._open()
        reads_only = self._account.after == "leave"
        selected = client.select_folder(self._account.folder, readonly=reads_only)
        validity = int(selected[b"UIDVALIDITY"])
        self._next_uid = selected.get(b"UIDNEXT")
        mark = self._mark()
        last = mark.last if mark.validity == validity else 0
        if mark.validity not in (0, validity):
            logger.info(
                "%s: the server has numbered the folder anew; it is looked through from its beginning", self.way
            )
        taken = 0
        uids = self._find(last)
        for start in range(0, len(uids), BATCH_MESSAGES):
            if stopping.is_set():
                break
            batch = uids[start : start + BATCH_MESSAGES]
            taken += self._take(batch)
            self._store.set_marks(self.way, {self._account.folder: f"{validity} {batch[-1]}"})
        if not uids and mark.validity != validity:
            self._store.set_marks(self.way, {self._account.folder: f"{validity} {last}"})
        return taken

    def wait(self, stopping: threading.Event) -> None:
        """Wait until the server tells of something, or until it is time to look again."""
        client = self._open()
        until = time.monotonic() + self._account.poll_s
        if not client.has_capability("IDLE"):
            stopping.wait(self._account.poll_s)
            return
        until = time.monotonic() + max(self._account.poll_s, IDLE_RENEW_S)
        # What came while we looked was told to commands that did not ask; IDLE would not tell it again.
        selected = client.select_folder(self._account.folder, readonly=self._account.after == "leave")
        if selected.get(b"UIDNEXT") != self._next_uid:
            return
        while not stopping.is_set() and time.monotonic() < until:
            client.idle()
            renew = time.monotonic() + IDLE_RENEW_S
            told: list[Any] = []
            while not (told or stopping.is_set() or time.monotonic() > min(renew, until)):
                told = client.idle_check(timeout=_LOOK_AGAIN_S)
            told += client.idle_done()[1] or []
            if any(b"EXISTS" in one or b"BYE" in one for one in told if isinstance(one, tuple)):
                return

    def _open(self) -> IMAPClient:
        assert self._client is not None
        return self._client

    def _mark(self) -> _Mark:
        words = self._store.marks(self.way).get(self._account.folder, "0 0").split()
        return _Mark(int(words[0]), int(words[1]))

    def _find(self, last: int) -> list[int]:
        """The UIDs above `last` that are asked for, in order."""
        client = self._open()
        beyond = f"UID {last + 1}:*"
        if self._account.gmail_search is not None:
            found = client.gmail_search(self._account.gmail_search)
        elif self._account.search is not None:
            found = client.search(f"{beyond} {self._account.search}")
        else:
            found = client.search(beyond)
        return sorted(uid for uid in found if uid > last)  # `n:*` gives the last message whatever n is (RFC 9051)

    def _take(self, uids: Sequence[int]) -> int:
        client = self._open()
        arrivals: list[Arrival] = []
        waiting: list[int] = []
        done: list[int] = []
        size = 0

        def put() -> None:
            nonlocal size
            if arrivals:
                self._spool.put_all(arrivals, way=self.way)
                done.extend(waiting)
            arrivals.clear()
            waiting.clear()
            size = 0

        for uid, facts in sorted(client.fetch(uids, ["RFC822.SIZE"]).items()):
            length = int(facts.get(b"RFC822.SIZE", 0))
            if length > self._limit:
                self._fail(f"message {uid} in {self._account.folder}: {too_large('it', self._limit).detail}")
                continue
            arrival = self._fetch_one(uid)
            if arrival is None:
                continue
            arrivals.append(arrival)
            waiting.append(uid)
            size += len(arrival.data)
            if size >= BATCH_BYTES:
                put()
        put()
        if done:
            self._after(done)
        return len(done)

    def _fetch_one(self, uid: int) -> Arrival | None:
        try:
            facts = self._open().fetch([uid], ["BODY.PEEK[]", "INTERNALDATE"]).get(uid)
        except IMAPClient.AbortError:
            raise  # the connection is gone
        except IMAPClientError as refusal:
            self._fail(f"message {uid} in {self._account.folder}: the server does not give it: {refusal}")
            return None
        if facts is None:
            return None  # somebody else deleted it
        data = facts.get(b"BODY[]")
        if not data:
            self._fail(f"message {uid} in {self._account.folder}: the server gives it without any content")
            return None
        came = facts.get(b"INTERNALDATE")
        received = came.astimezone(UTC) if isinstance(came, datetime) else None
        return Arrival(data, f"{self._name}-{uid}.eml", received)

    def _after(self, uids: list[int]) -> None:
        """Do with messages that are safe here what the settings say."""
        client, account = self._open(), self._account
        if account.after == "seen":
            client.add_flags(uids, [SEEN], silent=True)
        elif account.after == "move":
            assert account.move_to is not None
            if not client.folder_exists(account.move_to):
                client.create_folder(account.move_to)
            if client.has_capability("MOVE"):
                client.move(uids, account.move_to)
            else:
                client.copy(uids, account.move_to)
                self._delete(uids)
        elif account.after == "delete":
            self._delete(uids)

    def _delete(self, uids: list[int]) -> None:
        client = self._open()
        client.add_flags(uids, [DELETED], silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)  # without that, what others marked would go too: it is left to them

    def _fail(self, detail: str) -> None:
        logger.warning("%s: %s", self.way, detail)
        self.failures.append(detail)


@dataclass(frozen=True, slots=True)
class _Mark:
    validity: int
    last: int


class ImapIntake:
    """Fetches from one account in a thread of its own, and calls `on_ready` after each look that brought something."""

    def __init__(
        self, settings: Settings, store: Store, name: str, account: ImapAccount, on_ready: Callable[[], None]
    ) -> None:
        self._folder = Folder(settings, store, name, account)
        self._store = store
        self._on_ready = on_ready
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feedsvc-{self._folder.way}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the messages in hand. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(ANSWER_S)

    def _run(self) -> None:
        pause = FIRST_PAUSE_S
        told = ""
        while not self._stopping.is_set():
            try:
                with self._folder as folder:
                    while not self._stopping.is_set():
                        look(folder, self._store, self._stopping, self._on_ready)
                        if told:
                            logger.info("%s: it works again", folder.way)
                        pause, told = FIRST_PAUSE_S, ""
                        folder.wait(self._stopping)
            except (*_Broken, FeedsvcError) as failure:
                problem = explain(failure)
            except Exception as failure:
                logger.exception("%s", self._folder.way)
                problem = f"feedsvc itself failed: {failure!r}"
            else:
                continue
            if problem != told:
                logger.warning("%s: %s", self._folder.way, problem)
                told = problem
            with suppress(StoreError):
                self._store.note_look(self._folder.way, problem)
            self._stopping.wait(pause * random.uniform(0.8, 1.2))
            pause = min(pause * 2, LONGEST_PAUSE_S)


def look(folder: Folder, store: Store, stopping: threading.Event, on_ready: Callable[[], None]) -> int:
    """Take what is new, and note that; returns how many messages."""
    taken = folder.fetch(stopping)
    store.note_look(folder.way)
    if folder.failures:
        store.note_failures(folder.way, folder.failures)
        folder.failures = []
    if taken:
        on_ready()
    return taken


def fetch_once(settings: Settings, store: Store, name: str, account: ImapAccount) -> tuple[int, str | None]:
    """Look into an account once: how many messages came, and why it could not be looked into, if so."""
    try:
        with Folder(settings, store, name, account) as folder:
            return look(folder, store, threading.Event(), lambda: None), None
    except (*_Broken, FeedsvcError) as failure:
        problem = explain(failure)
        with suppress(StoreError):
            store.note_look(f"imap-{name}", problem)
        return 0, problem


def explain(failure: BaseException) -> str:
    """Why a mail account cannot be read, in words that say what to do."""
    if isinstance(failure, FeedsvcError):
        return failure.detail
    said = str(failure).strip() or type(failure).__name__
    if isinstance(failure, LoginError):
        return f"the server does not let this user in ({said}). Check user and password; some providers want an app password."
    if isinstance(failure, ssl.SSLCertVerificationError):
        return (
            f"the server's certificate cannot be trusted ({failure.verify_message}). Check `host`; for a server with its own "
            "certificate set ca_file."
        )
    if isinstance(failure, ssl.SSLError):
        return f"no TLS connection can be made ({said}). Check `port` and `security`."
    if isinstance(failure, ConnectionRefusedError):
        return "nobody listens there. Check `host` and `port`; it is tried again."
    if isinstance(failure, OSError):
        return f"the server cannot be reached ({said}). It is tried again."
    return f"the server says: {said}"
