"""Tokens that open one feed each: only a hash of the secret is kept.

A token is `<id>.<secret>`. The secret is 256 random bits, so a plain SHA-256 cannot be guessed back, and the id, by
which the row is found, says nothing of it; the hashes are compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from feedsvc.store.schema import tokens

MAX_TOKEN_CHARS: Final = 100
# What stands for the hash of a token that is not there: a look-up takes the same steps either way.
_NOBODY: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is listed. `feed` is the path, with its query, of the feed that it opens."""

    id: str
    feed: str
    name: str
    created: datetime


def add_token(connection: Connection, feed: str, name: str, now: datetime) -> tuple[TokenRow, str]:
    """Make a token for this feed; returns its row and the token itself, which can be seen only now."""
    row = TokenRow(secrets.token_hex(4), feed, name, now.replace(microsecond=0))
    secret = secrets.token_urlsafe(32)
    connection.execute(
        insert(tokens).values(
            id=row.id, feed=row.feed, name=row.name, created=row.created, secret_sha256=_hashed(secret)
        )
    )
    return row, f"{row.id}.{secret}"


def all_tokens(connection: Connection) -> tuple[TokenRow, ...]:
    """Every token, oldest first."""
    rows = connection.execute(select(tokens).order_by(tokens.c.created, tokens.c.id))
    return tuple(TokenRow(row.id, row.feed, row.name, row.created) for row in rows)


def revoke_token(connection: Connection, token_id: str) -> bool:
    """Take a token out; whether there was one."""
    return connection.execute(delete(tokens).where(tokens.c.id == token_id)).rowcount > 0


def feed_of_token(connection: Connection, token: str) -> str | None:
    """The feed that this token opens, or None where it opens none."""
    token_id, _, secret = token[:MAX_TOKEN_CHARS].partition(".")
    if "\x00" in token_id:
        return None
    row = connection.execute(select(tokens.c.feed, tokens.c.secret_sha256).where(tokens.c.id == token_id)).one_or_none()
    right = hmac.compare_digest(_hashed(secret), row.secret_sha256 if row else _NOBODY)
    return row.feed if row and right else None


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
