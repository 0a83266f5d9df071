"""Messages out of `.zip` and `.tar` files, compressed or not, as mail programs and Google Takeout export them.

Nothing is unpacked to the disk, no name in an archive is followed anywhere, and what it may unfold to is bounded: an
archive that claims or gives more than `UNFOLDS` times its size, beyond a size at which nobody cares, is refused.
Archives within archives are left alone.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from feedsvc.errors import MessageError
from feedsvc.store.disk import safe_name

UNFOLDS = 100  # mail in quoted-printable folds to a tenth; base64 images hardly at all
ALWAYS_FINE_BYTES = 200_000_000
MAX_MEMBERS = 2_000_000
ZIP_SUFFIXES = (".zip",)
TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

_HIDDEN = (".", "__MACOSX")
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, gzip.BadGzipFile)


class Member(Protocol):
    """A file in an archive, open for reading."""

    def read(self, size: int = ..., /) -> bytes:
        """Some of its bytes."""

    def readline(self, size: int = ..., /) -> bytes:
        """One line, or the first `size` bytes of it."""


def is_archive(name: str) -> bool:
    """Whether a file of this name is an archive that can be read here."""
    return name.lower().endswith(ZIP_SUFFIXES + TAR_SUFFIXES)


def iter_members(path: Path, name: str) -> Iterator[tuple[str, Member]]:
    """The regular files in an archive, in order: the last part of each one's name, and the file, to be read at once.

    `name` is the archive's own, which tells its kind. Raises MessageError where it is damaged, encrypted or unfolds too far;
    OSError where it cannot be read.
    """
    members = _zip_members if name.lower().endswith(ZIP_SUFFIXES) else _tar_members
    with damage_told():
        yield from members(path)


@contextlib.contextmanager
def damage_told() -> Iterator[None]:
    """Turn what the libraries say about a damaged archive, also while a member is read, into MessageError."""
    try:
        yield
    except _DAMAGED as damage:
        raise MessageError(
            f"the archive is damaged ({damage or type(damage).__name__}). What came before the damage was taken in. "
            "Make it anew, or unpack it by hand.",
            code="damaged-archive",
        ) from damage


def unfolded_bytes(path: Path) -> int:
    """About how many bytes an archive unfolds to: exactly for a zip, a guess for others."""
    with contextlib.suppress(OSError, zipfile.BadZipFile):
        if path.name.lower().endswith(ZIP_SUFFIXES):
            with zipfile.ZipFile(path) as archive:
                return sum(member.file_size for member in archive.infolist())
        return path.stat().st_size * (1 if path.suffix.lower() == ".tar" else 4)
    return 0


def _zip_members(path: Path) -> Iterator[tuple[str, Member]]:
    bound = _bound(path)
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if not member.is_dir()]
        if sum(member.file_size for member in members) > bound or len(members) > MAX_MEMBERS:
            raise _unfolds_too_far()
        for member in members:
            name = _own_name(member.filename)
            if name is None:
                continue
            if member.flag_bits & 1:
                raise MessageError("the archive is encrypted. Unpack it by hand.", code="encrypted-archive")
            try:
                with archive.open(member) as file:
                    yield name, file
            except NotImplementedError as unknown:
                raise MessageError(f"the archive is packed in a way that is not known here ({unknown}). Unpack it by hand.",
                                   code="damaged-archive") from unknown  # fmt: skip


def _tar_members(path: Path) -> Iterator[tuple[str, Member]]:
    with (
        path.open("rb") as packed,
        _Bounded(_unpacked(packed), _bound(path)) as unpacked,
        # As a stream: it is read once, from its beginning to its end, and nothing of it is kept.
        tarfile.open(fileobj=unpacked, mode="r|") as archive,
    ):
        for count, member in enumerate(archive):
            archive.members = []  # type: ignore[attr-defined,unused-ignore]
            if count > MAX_MEMBERS:
                raise _unfolds_too_far()
            name = _own_name(member.name)
            if name is None or not member.isreg() or member.issparse():
                continue
            file = archive.extractfile(member)
            if file is not None:
                yield name, cast(Member, file)


def _unpacked(packed: IO[bytes]) -> IO[bytes]:
    head = packed.read(6)
    packed.seek(0)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if head.startswith(b"BZh"):
        return cast(IO[bytes], bz2.BZ2File(packed))
    if head.startswith(b"\xfd7zXZ"):
        return cast(IO[bytes], lzma.LZMAFile(packed))
    return packed


class _Bounded(io.RawIOBase):
    """A stream that refuses to give more than so many bytes."""

    def __init__(self, file: IO[bytes], bound: int) -> None:
        self._file = file
        self._left = bound

    def read(self, size: int = -1, /) -> bytes:
        """As of any stream; raises MessageError where the bound is reached."""
        data = self._file.read(min(size, 1 << 20) if size >= 0 else 1 << 20)
        self._left -= len(data)
        if self._left < 0:
            raise _unfolds_too_far()
        return data


def _own_name(name: str) -> str | None:
    """The last part of a member's name, made safe; None where it or a folder above it is hidden."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or any(part.startswith(_HIDDEN) and part not in (".", "..") for part in parts):
        return None
    return safe_name(parts[-1])


def _bound(path: Path) -> int:
    return max(ALWAYS_FINE_BYTES, UNFOLDS * path.stat().st_size)


def _unfolds_too_far() -> MessageError:
    return MessageError(
        f"the archive unfolds to more than {UNFOLDS} times its size, as no archive of mail does. "
        "If it is one, unpack it by hand.",
        code="archive-bomb",
    )
