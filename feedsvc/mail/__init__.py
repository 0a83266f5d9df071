"""Bytes to Message: e-mails and saved bodies, decoded and clean. The only user of mail-parser."""

from feedsvc.mail.identity import slug
from feedsvc.mail.reading import MAX_MESSAGE_BYTES, parse_message

__all__ = ["MAX_MESSAGE_BYTES", "parse_message", "slug"]
