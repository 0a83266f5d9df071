"""The settings of the ways in: mail accounts, Maildirs, the servers for SMTP and LMTP, uploads, and whose mail is taken.

They are part of `config.Settings`. Each description completes the sentence "it must be …" in an error.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

AfterTaking = Literal["leave", "seen", "move", "delete"]
Security = Literal["tls", "starttls", "none"]
Lines = Annotated[tuple[str, ...] | None, NoDecode]

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,29}")
_PLACE = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\s]+):(?P<port>\d{1,5})")
_PORTS = {"tls": 993, "starttls": 143, "none": 143}


class ImapAccount(BaseModel):
    """A mail account whose messages are fetched by IMAP. Exactly one of the ways to have a password is set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(min_length=1, description="the name of the IMAP server, such as imap.example.org")
    user: str = Field(min_length=1, description="the name to log in with")
    port: int | None = Field(None, ge=1, le=65535, description="a port from 1 to 65535; 993 for TLS, else 143")
    security: Security = Field("tls", description='"tls", "starttls" or "none"')
    ca_file: Path | None = Field(None, description="a file of certificates in PEM form, for a server with its own")
    password_env: str | None = Field(None, min_length=1, description="the name of a variable that holds the password")
    password_file: Path | None = Field(None, description="a file whose first line is the password")
    password_command: str | None = Field(
        None, min_length=1, description='a command that prints the password, such as "pass show mail"'
    )
    token_command: str | None = Field(
        None, min_length=1, description="a command that prints an access token, for servers that want XOAUTH2"
    )
    folder: str = Field("INBOX", min_length=1, description='a folder, such as "Newsletters"; a label of Gmail is one')
    search: str | None = Field(
        None, min_length=1, description="""criteria of IMAP, such as 'FROM "example.org"' or 'HEADER List-Id ""'"""
    )
    gmail_search: str | None = Field(
        None, min_length=1, description="what one types into Gmail's search box, such as 'category:updates'"
    )
    after: AfterTaking = Field("leave", description='"leave", "seen", "move" or "delete"')
    move_to: str | None = Field(None, min_length=1, description="the folder to move to")
    poll_s: float = Field(300.0, ge=1, le=86_400, description="a number of seconds from 1 to 86400 between two looks")

    @property
    def real_port(self) -> int:
        """The port that was set, else the usual one."""
        return self.port or _PORTS[self.security]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ways = (self.password_env, self.password_file, self.password_command, self.token_command)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("it needs exactly one of password_env, password_file, password_command and token_command")
        if (self.after == "move") != (self.move_to is not None):
            raise ValueError('move_to is needed with after = "move", and only then')
        if self.search is not None and self.gmail_search is not None:
            raise ValueError("it can have search or gmail_search, not both")
        return self


class WaysIn(BaseModel):
    """What can be set about how mail comes in. Sizes are in bytes."""

    workers: int = Field(2, ge=1, le=64, description="a whole number of processes from 1 to 64")
    allow: Lines = Field(None, description="a list of addresses, domains and List-Ids")
    deny: Lines = Field(None, description="a list of addresses, domains and List-Ids")
    hold_failed_auth: bool = Field(False, description="true or false")
    imap: dict[str, ImapAccount] | None = Field(
        None, description="a table for each account, such as [imap.home], named by small letters, digits and dashes"
    )
    maildirs: Annotated[tuple[Path, ...] | None, NoDecode] = Field(None, description="a list of Maildir folders")
    smtp: str | None = Field(None, description="HOST:PORT, such as 127.0.0.1:2525")
    lmtp: str | None = Field(None, description="HOST:PORT, such as 127.0.0.1:2424")
    mail_domain: str | None = Field(
        None, min_length=1, description="the domain of your addresses, such as in.example.org"
    )
    smtp_cert: Path | None = Field(None, description="a file with the certificate and its chain, in PEM form")
    smtp_key: Path | None = Field(None, description="a file with the certificate's key, in PEM form")
    smtp_connections: int = Field(20, ge=1, le=1000, description="a whole number of connections from 1 to 1000")
    smtp_rate: int = Field(300, ge=1, le=1_000_000, description="a whole number of messages a minute from 1 to 1000000")
    inbox_token: SecretStr | None = Field(
        None, min_length=16, description="a secret of at least 16 characters; `openssl rand -hex 24` prints a good one"
    )

    @field_validator("allow", "deny", "maildirs", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """The environment has lists as text, parted by commas."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("maildirs", mode="after")
    @classmethod
    def _absolute_maildirs(cls, value: tuple[Path, ...] | None) -> tuple[Path, ...] | None:
        return None if value is None else tuple(path.expanduser().absolute() for path in value)

    @field_validator("smtp", "lmtp", mode="after")
    @classmethod
    def _place(cls, value: str | None) -> str | None:
        if value is not None:
            host_and_port(value)
        return value

    @field_validator("mail_domain", mode="after")
    @classmethod
    def _lower_domain(cls, value: str | None) -> str | None:
        return None if value is None else value.strip().removeprefix("@").lower()

    @field_validator("imap", mode="after")
    @classmethod
    def _names(cls, value: dict[str, ImapAccount] | None) -> dict[str, ImapAccount] | None:
        if any(not _NAME.fullmatch(name) for name in value or ()):
            raise ValueError("an account's name has other characters")
        return value


def host_and_port(place: str) -> tuple[str, int]:
    """The two halves of HOST:PORT; an IPv6 address stands in brackets. Raises ValueError."""
    found = _PLACE.fullmatch(place)
    if found is None or int(found["port"]) > 65535:
        raise ValueError("it is no HOST:PORT")
    return found["host"].strip("[]"), int(found["port"])
