"""A mail server for a few secret addresses: SMTP (RFC 5321) for the outside, LMTP (RFC 2033) for a mail server in front.

It takes mail for the addresses in the store and for nobody else, passes none on, and answers 250 only when a message
is safe in the spool. An address is a secret local part; what stands behind a `+` names the newsletter. The domain is
checked where one is set.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Literal

from aiosmtpd import lmtp, smtp
from aiosmtpd.smtp import Envelope, Session

from feedsvc.config import Settings
from feedsvc.errors import SettingsError, StoreError
from feedsvc.intake.envelope import with_envelope
from feedsvc.intake.spool import LMTP, SMTP, Spool
from feedsvc.store import Store
from feedsvc.ways import host_and_port

logger = logging.getLogger(__name__)
logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the library tells of every line; what matters is told here

Way = Literal["smtp", "lmtp"]

MAX_RECIPIENTS = 50
MAX_UNKNOWN = 10  # recipients that are not there, until the connection is closed: addresses are not to be guessed
TIMEOUT_S = 120.0
_MAX_LINE_BYTES = 1 << 20  # more than the 1000 of RFC 5321: newsletters are written by programs that do not know it
_MINUTE_S = 60.0
_START_S = 10.0
_ADDRESS = re.compile(r"(?P<secret>[^+@]+)(?:\+[^@]*)?@(?P<domain>[^@]+)")


class MailServer:
    """Takes mail by SMTP or LMTP in a thread of its own, and calls `on_ready` after each message."""

    def __init__(self, settings: Settings, store: Store, on_ready: Callable[[], None], way: Way = "smtp") -> None:
        place = settings.smtp if way == SMTP else settings.lmtp
        assert place is not None
        self.way = way
        self.host, self.port = host_and_port(place)
        self._settings = settings
        self._store = store
        self._spool = Spool(settings.spool)
        self._on_ready = on_ready
        self._tls = _tls_context(settings)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"feedsvc-{way}", daemon=True)
        self._started = threading.Event()
        self._failure: OSError | None = None
        self._ending: asyncio.Event | None = None
        self._connections: set[object] = set()
        self._taken: dict[str, deque[float]] = {}

    def start(self) -> None:
        """Begin to listen. Raises SettingsError where the port cannot be had."""
        self._thread.start()
        self._started.wait(_START_S)
        if self._failure is not None:
            self._thread.join()
            remedy = "Choose another address or port in the setting."
            if self._failure.errno == errno.EACCES:
                remedy = "A port below 1024 is not for this user; let the mail server in front or a firewall lead to another."
            raise SettingsError(
                f"{self.way} = {self.host}:{self.port}: cannot listen there: {self._failure.strerror}. {remedy}"
            )

    def stop(self) -> None:
        """End; a message that is not answered yet will be sent again. May be called twice."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(lambda: self._ending.set() if self._ending else None)
            self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._started.set()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _serve(self) -> None:
        self._ending = asyncio.Event()
        try:
            server = await self._loop.create_server(self._protocol, self.host, self.port)
        except OSError as failure:
            self._failure = failure
            return
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._ending.wait()
        server.close()
        for protocol in list(self._connections):
            transport = getattr(protocol, "transport", None)
            if transport is not None:
                transport.close()
        await asyncio.sleep(0)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _protocol(self) -> smtp.SMTP:
        kind: type[Any] = _Smtp if self.way == SMTP else _Lmtp
        protocol: smtp.SMTP = kind(
            self,
            data_size_limit=self._settings.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=self._settings.mail_domain or "localhost",
            ident="feedsvc",
            tls_context=self._tls,
            timeout=TIMEOUT_S,
            loop=self._loop,
        )
        return protocol

    def admits(self, protocol: object) -> bool:
        """Whether one more connection may be had; it counts until `leaves`."""
        if protocol in self._connections:  # after STARTTLS
            return True
        if len(self._connections) >= self._settings.smtp_connections:
            return False
        self._connections.add(protocol)
        return True

    def leaves(self, protocol: object) -> None:
        """Count a connection no more."""
        self._connections.discard(protocol)

    async def handle_RCPT(  # noqa: N802 -- the name is the library's
        self, server: smtp.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Say whether mail for this address is taken."""
        if len(envelope.rcpt_tos) >= MAX_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        if self._too_many(_peer(session)):
            return "451 4.7.1 too many messages from there; try again in a minute"
        try:
            known = await asyncio.to_thread(self.is_known, address)
        except StoreError as failure:
            logger.warning("%s: %s", self.way, failure.detail)
            return "451 4.3.0 the addresses cannot be looked up now; try again later"
        if not known:
            unknown = getattr(session, "unknown", 0) + 1
            session.unknown = unknown  # type: ignore[attr-defined]
            if unknown > MAX_UNKNOWN:
                asyncio.get_running_loop().call_later(0.1, _hang_up, server)
                return "421 4.7.1 too many addresses that are not here"
            return "550 5.1.1 there is no such address here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Put the message into the spool, and say so only when it is safe there."""
        peer = _peer(session)
        self._taken.setdefault(peer, deque()).append(time.monotonic())
        content = envelope.original_content or b""
        data = with_envelope(content, envelope.mail_from, envelope.rcpt_tos)
        try:
            await asyncio.to_thread(self._spool.put, data, "message.eml", way=self.way)
        except OSError as failure:
            logger.warning("%s: a message cannot be written to the spool: %s", self.way, failure.strerror)
            reply = "452 4.3.1 it cannot be written to the disk; try again later"
        else:
            self._on_ready()
            reply = "250 2.0.0 taken"
        # LMTP answers for each recipient (RFC 2033 section 4.2).
        return "\r\n".join([reply] * len(envelope.rcpt_tos)) if self.way == LMTP else reply

    def is_known(self, address: str) -> bool:
        """Whether mail for this address is taken. Raises StoreError."""
        found = _ADDRESS.fullmatch(address)
        if found is None:
            return False
        domain = self._settings.mail_domain
        if domain is not None and found["domain"].lower() != domain:
            return False
        return self._store.get_address(found["secret"].lower()) is not None

    def _too_many(self, peer: str) -> bool:
        since = time.monotonic() - _MINUTE_S
        for other in [other for other, times in self._taken.items() if not times or times[-1] < since]:
            del self._taken[other]
        times = self._taken.get(peer)
        while times and times[0] < since:
            times.popleft()
        return times is not None and len(times) >= self._settings.smtp_rate


class _Limited:
    """What both protocols add to the library's: a bound on connections, and no bound on lines that real mail passes."""

    line_length_limit = _MAX_LINE_BYTES
    session: Session | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        server: MailServer = self.event_handler  # type: ignore[attr-defined]
        if server.admits(self):
            super().connection_made(transport)  # type: ignore[misc]
            return
        assert isinstance(transport, asyncio.Transport)
        transport.write(b"421 4.7.0 too many connections; try again later\r\n")
        transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        server: MailServer = self.event_handler  # type: ignore[attr-defined]
        if self.session is not None:  # one that was not admitted has none
            super().connection_lost(error)  # type: ignore[misc]
        server.leaves(self)


class _Smtp(_Limited, smtp.SMTP):
    pass


class _Lmtp(_Limited, lmtp.LMTP):
    pass


def _hang_up(server: smtp.SMTP) -> None:
    if server.transport is not None:
        server.transport.close()


def _peer(session: Session) -> str:
    return str(session.peer[0]) if isinstance(session.peer, tuple) else str(session.peer)


def _tls_context(settings: Settings) -> ssl.SSLContext | None:
    if settings.smtp_cert is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(settings.smtp_cert, settings.smtp_key)
    except (OSError, ssl.SSLError) as failure:
        raise SettingsError(
            f"smtp_cert = {str(settings.smtp_cert)!r}: the certificate or its key cannot be read: "
            f"{failure.strerror or failure}. Both must be in PEM form; the key may be in a file of its own, smtp_key."
        ) from failure
    return context
