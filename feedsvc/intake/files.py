"""Messages out of files: which files hold messages, an mbox taken apart, and what lies in Maildirs and archives.

An mbox (RFC 4155) is many messages in one file, each led by a line `From sender date`. A line of a message that
begins with "From " was written `>From ` (mboxo), and one that began with `>From ` as `>>From ` (mboxrd): one `>` is
taken off again. Real files differ in what stands in the leading line (Thunderbird writes "From - Tue Sep  3 ...",
Takeout a number), and some forget the quoting; so a line only parts two messages where it ends in a time and a year,
or, in a file whose first line has no date, where it follows an empty line.

A Maildir is a folder with `new`, `cur` and `tmp` in it, one file for each message; flags are in the names, behind
`:2,`. Drafts and what is marked as deleted are left alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from feedsvc.intake import archives
from feedsvc.intake.archives import Member, damage_told, is_archive, iter_members

FileKind = Literal["message", "mbox", "archive"]

BODY_SUFFIXES = frozenset({".html", ".htm", ".txt", ".md"})
MESSAGE_SUFFIXES = BODY_SUFFIXES | {".eml"}
MAILDIR_FOLDERS = ("new", "cur")
_DISCARDED = re.compile(r"[:;!]2,[A-Za-z]*[DT]")  # ; and ! stand for : where that cannot be in names
_HEAD_BYTES = 4096
_HEADER = re.compile(rb"(?P<name>[!-9;-~]+)[ \t]*:")
# One of these says that the lines at the head of a file are those of a mail, and not of a configuration or a recipe.
_MAIL_HEADERS = frozenset(
    b"bcc cc content-type date delivered-to from list-id message-id mime-version received reply-to return-path "
    b"subject to x-original-to".split()
)
_DATED_FROM_LINE = re.compile(rb"From .*\d\d?:\d\d(:\d\d)?\b.*\b\d{4}\b[^\r\n]*\r?\n?\Z")
_QUOTED_FROM = re.compile(rb">+From ")
_READ_LINE_BYTES = 1 << 20


def file_kind(path: Path, name: str | None = None) -> FileKind | None:
    """What a file holds, by the suffix of its name, else by its first bytes; None where it is nothing of these.

    `name` is the one that it came with, where it stands under another.

    Raises OSError where it cannot be read.
    """
    suffix = Path(name or path.name).suffix.lower()
    if suffix == ".mbox":
        return "mbox"
    if suffix in MESSAGE_SUFFIXES:
        return "message"
    if is_archive(name or path.name):
        return "archive"
    if path.parent.name in MAILDIR_FOLDERS and is_maildir(path.parent.parent):
        return "message"
    with path.open("rb") as file:
        return _sniff(file.read(_HEAD_BYTES))


def iter_messages(path: Path, max_bytes: int | None = None) -> Iterator[tuple[bytes, str]]:
    """The messages in a file, each with a name: one of an `.eml`, `.html`, `.htm`, `.txt` or `.md`, all of an `.mbox`,
    and those in the files that a `.zip` or `.tar` holds.

    Files of other names are taken by what they hold. Yields nothing for a file that is no message. Of a message that is
    longer than `max_bytes` only the first `max_bytes + 1` are given. Raises OSError, and MessageError for an archive
    that is damaged or unfolds too far.
    """
    kind = file_kind(path)
    if kind == "message":
        with path.open("rb") as file:
            # A Maildir's names say nothing of what is in them.
            in_maildir = path.parent.name in MAILDIR_FOLDERS and path.suffix.lower() not in MESSAGE_SUFFIXES
            yield _read(file, max_bytes), f"{path.name}.eml" if in_maildir else path.name
    elif kind is not None:
        yield from iter_box(path, path.name, kind, max_bytes)


def iter_box(path: Path, name: str, kind: FileKind, max_bytes: int | None = None) -> Iterator[tuple[bytes, str]]:
    """The messages in an mbox or archive of this name, as `iter_messages` gives them; no more than one is in memory."""
    if kind == "archive":
        with damage_told():
            for own_name, member in iter_members(path, name):
                yield from _messages_of_member(member, own_name, max_bytes)
        return
    with path.open("rb") as file:
        for number, message in enumerate(split_mbox(file, max_bytes), 1):
            yield message, mbox_member(name, number)


def _messages_of_member(member: Member, name: str, max_bytes: int | None) -> Iterator[tuple[bytes, str]]:
    suffix = Path(name).suffix.lower()
    if suffix == ".mbox":
        for number, message in enumerate(split_mbox(member, max_bytes), 1):
            yield message, mbox_member(name, number)
    elif suffix in MESSAGE_SUFFIXES:
        yield _read(member, max_bytes), name
    elif not is_archive(name):
        head = member.read(_HEAD_BYTES)
        kind = _sniff(head)
        if kind == "mbox":
            for number, message in enumerate(split_mbox(_Continued(head, member), max_bytes), 1):
                yield message, mbox_member(name, number)
        elif kind == "message":
            yield _read(_Continued(head, member), max_bytes), name


def _read(file: Member, max_bytes: int | None) -> bytes:
    pieces, left = [], max_bytes + 1 if max_bytes is not None else None
    while left is None or left > 0:
        piece = file.read(_READ_LINE_BYTES if left is None else min(left, _READ_LINE_BYTES))
        if not piece:
            break
        pieces.append(piece)
        left = None if left is None else left - len(piece)
    return b"".join(pieces)


class _Continued:
    """A file whose first bytes were read already."""

    def __init__(self, head: bytes, file: Member) -> None:
        self._head = head
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        """Some of the bytes: what was read already, then the others."""
        if not self._head:
            return self._file.read(size)
        piece, self._head = (self._head[:size], self._head[size:]) if size >= 0 else (self._head, b"")
        return piece

    def readline(self, size: int = -1, /) -> bytes:
        """One line, or the first bytes of it."""
        end = self._head.find(b"\n") + 1
        if not end:
            start, self._head = self._head, b""
            return start + self._file.readline(size)
        line, self._head = self._head[:end], self._head[end:]
        return line


def find_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that these paths name or hold, sorted within each folder.

    Hidden ones and links to folders are left out; so are, in a Maildir, unfinished, draft and deleted messages.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            if is_maildir(Path(folder)):
                folders.remove("tmp")
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            kept = sorted(name for name in names if not name.startswith("."))
            if Path(folder).name in MAILDIR_FOLDERS and is_maildir(Path(folder).parent):
                kept = [name for name in kept if not is_discarded(name)]
            yield from (Path(folder, name) for name in kept)


def unfolded_bytes(file: Path) -> int:
    """About how many bytes of messages a file holds; 0 where that cannot be told."""
    if is_archive(file.name):
        return archives.unfolded_bytes(file)
    try:
        return file.stat().st_size
    except OSError:
        return 0


def is_maildir(folder: Path) -> bool:
    """Whether a folder is a Maildir."""
    return all((folder / name).is_dir() for name in (*MAILDIR_FOLDERS, "tmp"))


def is_discarded(name: str) -> bool:
    """Whether the flags in the name of a Maildir's message say that it is a draft, or deleted."""
    return bool(_DISCARDED.search(name))


def mbox_member(name: str, number: int) -> str:
    """The name of an mbox's message: its file's, with its number from 1."""
    return f"{name.removesuffix('.mbox')}-{number:05d}.eml"


def split_mbox(file: Member, max_bytes: int | None = None) -> Iterator[bytes]:
    """The messages of an mbox, in order, read as a stream: no more than one of them is in memory.

    Of a message that is longer than `max_bytes` only the first `max_bytes + 1` are given. Bytes before the first
    leading line are a message too, where there are any but white space.
    """
    lines: list[bytes] = []
    size = 0
    dated = True
    after_empty = started = False
    whole_line = True
    while line := file.readline(_READ_LINE_BYTES):
        if whole_line and line.startswith(b"From ") and not started and not b"".join(lines).strip():
            dated = _DATED_FROM_LINE.match(line) is not None
            started, lines, size = True, [], 0
        elif whole_line and line.startswith(b"From ") and (_DATED_FROM_LINE.match(line) if dated else after_empty):
            yield _message(lines, max_bytes)
            started, lines, size = True, [], 0
        elif max_bytes is None or size <= max_bytes:
            if whole_line and _QUOTED_FROM.match(line):
                line = line[1:]
            lines.append(line)
            size += len(line)
        after_empty = line in (b"\n", b"\r\n")
        whole_line = line.endswith(b"\n")
    if started or b"".join(lines).strip():
        yield _message(lines, max_bytes)


def _message(lines: list[bytes], max_bytes: int | None) -> bytes:
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]  # the empty line before the next leading line is the mbox's, not the message's
    data = b"".join(lines)
    return data if max_bytes is None else data[: max_bytes + 1]


def _sniff(head: bytes) -> FileKind | None:
    lines = head.lstrip(b"\xef\xbb\xbf\r\n\t ").splitlines()
    if not lines:
        return None
    if lines[0].startswith(b"From "):
        return "mbox" if _DATED_FROM_LINE.match(lines[0]) else None
    found = 0
    for line in lines:
        if line[:1] in (b" ", b"\t"):
            continue  # a folded header
        header = _HEADER.match(line)
        if header is None:
            break
        found += header["name"].lower() in _MAIL_HEADERS
    return "message" if found >= 2 else None
