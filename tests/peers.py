"""A real mail server for the tests: Dovecot with IMAP and LMTP on loopback, in a folder of its own."""

from __future__ import annotations

import base64
import grp
import hashlib
import hmac
import json
import os
import pwd
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from imapclient import IMAPClient

PASSWORD = "a password with spaces é"
USER = "reader"
_KEY = b"a key of the tests, for signing tokens"


class Dovecot:
    """The server; it can be stopped and started again on the same ports and mail."""

    def __init__(self, folder: Path, *, idle: bool = True) -> None:
        self.folder = folder
        self.imap, self.imaps, self.lmtp = (_free_port() for _ in range(3))
        self.certificate = folder / "cert.pem"
        self.maildir = folder / "home" / "Maildir"
        self._idle = idle
        self._process: subprocess.Popen[bytes] | None = None
        as_root = os.geteuid() == 0
        self._mail_user = pwd.getpwnam("nobody") if as_root else pwd.getpwuid(os.geteuid())
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", self.certificate],
            check=True, capture_output=True,
        )  # fmt: skip
        key = folder / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(_KEY))
        (folder / "home").mkdir()
        if as_root:
            shutil.chown(folder / "home", self._mail_user.pw_uid, self._mail_user.pw_gid)
        self._configure()

    def _configure(self) -> None:
        user = self._mail_user
        own = login = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(os.getegid()).gr_name
        if os.geteuid() == 0:  # the users that its package makes
            own, login, group = "dovecot", "dovenull", "dovecot"
        plain = self.folder / "users"
        plain.write_text(f"{USER}:{{PLAIN}}{PASSWORD}:{user.pw_uid}:{user.pw_gid}::{self.folder / 'home'}::\n")
        capability = "" if self._idle else "imap_capability = IMAP4rev1 UIDPLUS\n"
        (self.folder / "oauth2.conf").write_text(
            "introspection_mode = local\nusername_attribute = sub\n"
            f"local_validation_key_dict = fs:posix:prefix={self.folder / 'keys'}/\n"
        )
        (self.folder / "dovecot.conf").write_text(
            f"""
            base_dir = {self.folder / "run"}
            state_dir = {self.folder / "state"}
            log_path = {self.folder / "log"}
            protocols = imap lmtp
            listen = 127.0.0.1
            default_internal_user = {own}
            default_internal_group = {group}
            default_login_user = {login}
            first_valid_uid = 1
            ssl = yes
            ssl_cert = <{self.certificate}
            ssl_key = <{self.folder / "key.pem"}
            disable_plaintext_auth = no
            auth_mechanisms = plain xoauth2 oauthbearer
            mail_location = maildir:~/Maildir
            mailbox_list_index = no
            {capability}
            passdb {{
              driver = oauth2
              mechanisms = xoauth2 oauthbearer
              args = {self.folder / "oauth2.conf"}
            }}
            passdb {{
              driver = passwd-file
              mechanisms = plain
              args = {plain}
            }}
            userdb {{
              driver = passwd-file
              args = {plain}
            }}
            namespace inbox {{
              inbox = yes
              separator = /
            }}
            service imap-login {{
              chroot =
              inet_listener imap {{
                port = {self.imap}
              }}
              inet_listener imaps {{
                port = {self.imaps}
                ssl = yes
              }}
            }}
            service anvil {{
              chroot =
            }}
            service lmtp {{
              inet_listener lmtp {{
                address = 127.0.0.1
                port = {self.lmtp}
              }}
            }}
            """
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(
            [shutil.which("dovecot") or "/usr/sbin/dovecot", "-F", "-c", self.folder / "dovecot.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.imap), timeout=1) as wire:
                if wire.recv(100).startswith(b"* OK"):
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.05)
        log = (self.folder / "log").read_text() if (self.folder / "log").exists() else ""
        self.stop()
        raise RuntimeError(f"Dovecot does not start: {log}")

    def stop(self) -> None:
        """Stop it, and every connection with it."""
        if self._process is not None:
            self._process.terminate()
            _, said = self._process.communicate(timeout=20)
            self._process = None
            assert b"Fatal" not in said, said

    def deliver(self, *messages: bytes) -> None:
        """Deliver messages by its own LMTP, as a mail server in front would."""
        with smtplib.LMTP("127.0.0.1", self.lmtp) as client:
            for message in messages:
                client.sendmail("sender@example.org", [USER], message)

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """A mail program that is logged in."""
        with IMAPClient("127.0.0.1", self.imap, ssl=False) as client:
            client.plain_login(USER, PASSWORD)
            yield client

    def token(self, user: str = USER) -> str:
        """An access token for this user (a JWT)."""
        parts = [
            {"alg": "HS256", "typ": "JWT"},
            {"sub": user, "exp": int(time.time()) + 600, "iat": int(time.time()) - 5},
        ]
        signed = b".".join(_base64url(json.dumps(part).encode()) for part in parts)
        return (signed + b"." + _base64url(hmac.new(_KEY, signed, hashlib.sha256).digest())).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_dovecot(*, idle: bool = True) -> Iterator[Dovecot]:
    """Dovecot in a temporary folder that its mail user may enter; skips where it is not installed."""
    if (
        shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None
        or shutil.which("openssl") is None
    ):
        pytest.skip("Dovecot is not installed: apt install dovecot-imapd dovecot-lmtpd")
    with tempfile.TemporaryDirectory(prefix="feedsvc-dovecot-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Dovecot(folder, idle=idle)
        server.start()
        try:
            yield server
        finally:
            server.stop()
