"""Messages out of zip and tar files: what mail programs and Takeout export, damaged ones, and bombs."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from digests import as_mbox, plain_mail

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import MessageError
from feedsvc.ingest import Ingester, ingest_paths
from feedsvc.intake.files import iter_messages
from feedsvc.intake.spool import Spool
from feedsvc.store import Store

ROOT = Path(__file__).resolve().parents[1]
MBOX = b"".join(as_mbox(plain_mail(number) for number in range(10, 15)))
FILES = {
    "export/1.eml": plain_mail(1),
    "export/deep/er/2.eml": plain_mail(2),
    "Takeout/Mail/All mail Including Spam and Trash.mbox": MBOX,
    "no suffix": plain_mail(3),
    "a box without suffix": MBOX.replace(b"number 1", b"number 2").replace(b"<1", b"<2"),
    "picture.jpg": b"\xff\xd8\xff\xe0" * 50,
    "readme": b"Just a text.\n",
    ".hidden.eml": plain_mail(98),
    "__MACOSX/export/._1.eml": b"junk",
    "inner.zip": b"PK\x03\x04 whatever",
}
MESSAGES = 3 + 5 + 5


def make_zip(path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("empty")
        for name, data in FILES.items():
            archive.writestr(name, data)
    return path


def make_tar(path: Path) -> Path:
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2", ".tar": "w"}[path.suffix]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, data in FILES.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE):
            member = tarfile.TarInfo(f"special{kind!r}.eml")
            member.type = kind
            member.linkname = "/etc/passwd"
            archive.addfile(member)
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", max_message_bytes=100_000)
    prepare_folders(made)
    return made


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "A.TGZ".lower(), "a.tar.bz2", "a.tar.xz"])
def test_messages_come_out_of_every_kind(tmp_path: Path, name: str) -> None:
    make = make_zip if name.endswith("zip") else make_tar
    found = list(iter_messages(make(tmp_path / name)))
    assert len(found) == MESSAGES
    assert {name for _, name in found} >= {"1.eml", "2.eml", "no suffix"}
    assert plain_mail(1) in {data for data, _ in found}


def test_ingest_takes_an_archive_and_leaves_it(settings: Settings, store: Store, tmp_path: Path) -> None:
    report = ingest_paths([make_zip(tmp_path / "a.zip"), make_tar(tmp_path / "a.tar.gz")], settings, store)
    assert (report.count("new"), report.count("duplicate"), report.count("rejected")) == (MESSAGES, MESSAGES, 0)
    assert (tmp_path / "a.zip").exists()


def test_an_archive_in_the_inbox_is_taken_apart_and_goes(settings: Settings, store: Store, tmp_path: Path) -> None:
    Spool(settings.spool).put(make_zip(tmp_path / "a.zip").read_bytes(), "a.zip", way="folder")
    assert Ingester(settings, store).drain().count("new") == MESSAGES
    assert list(settings.spool.iterdir()) == []
    assert {row.way for row in store.messages()} == {"folder"}


def test_a_damaged_archive_gives_what_it_has_and_is_kept(settings: Settings, store: Store, tmp_path: Path) -> None:
    chance = os.urandom(30_000)
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in {"1.eml": plain_mail(1), "2.eml": plain_mail(2) + chance, "3.eml": plain_mail(3)}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    cut = path.read_bytes()[:-20_000]
    Spool(settings.spool).put(cut, "cut.tar.gz")
    report = Ingester(settings, store).drain()
    assert report.count("new") >= 1
    assert [one.code for one in report.outcomes if one.status == "rejected"] == ["damaged-archive"]
    assert (settings.rejected / "cut.tar.gz").read_bytes() == cut
    for name, data in {"x.zip": b"PK\x03\x04 no", "x.tar": b"no tar" * 200, "x.tgz": b"\x1f\x8b no"}.items():
        Spool(settings.spool).put(data, name)
    assert {one.code for one in Ingester(settings, store).drain().outcomes} == {"damaged-archive"}


def test_an_encrypted_zip_says_so(tmp_path: Path) -> None:
    data = bytearray(make_zip(tmp_path / "a.zip").read_bytes())
    start = data.index(b"PK\x01\x02")
    while start >= 0:
        data[start + 8] |= 1
        start = data.find(b"PK\x01\x02", start + 4)
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(MessageError) as refused:
        list(iter_messages(tmp_path / "b.zip"))
    assert refused.value.code == "encrypted-archive"


def zip_bomb(path: Path) -> None:
    """300 MB of nothing in 300 kB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.eml", "w") as member:
        for _ in range(300):
            member.write(b"\0" * 1_000_000)


def tar_bomb(path: Path) -> None:
    """300 MB of nothing in 300 kB."""
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        member = tarfile.TarInfo("a.mbox")
        member.size = 300_000_000
        archive.addfile(member, _Zeros())  # type: ignore[arg-type]


class _Zeros:
    def read(self, size: int) -> bytes:
        return b"\0" * size


def sparse_bomb(path: Path) -> None:
    """A member that claims a terabyte, of which the file holds nothing."""
    member = tarfile.TarInfo("a.mbox")
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[156:157] = b"S"
    header[386 + 24 * 4 : 386 + 24 * 4 + 1] = b"\0"
    header[483:495] = b"16432451210\0"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    path.write_bytes(bytes(header) + b"\0" * 1024)


@pytest.mark.parametrize(
    ("name", "make"), [("bomb.zip", zip_bomb), ("bomb.tar.gz", tar_bomb), ("sparse.tar", sparse_bomb)]
)
def test_a_bomb_is_refused_soon_and_in_little_memory(
    settings: Settings, tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from feedsvc.intake.files import iter_messages\n"
        "from feedsvc.errors import MessageError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n    print(sum(len(d) for d, _ in iter_messages(Path(sys.argv[1]), 100_000)))\n"
        "except MessageError as refusal:\n    print(refusal.code)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    started = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / name)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said, grown_mb = run.stdout.split()
    assert said in ("archive-bomb", "0")
    assert int(grown_mb) < 30
    assert time.monotonic() - started < 20


def test_a_message_in_an_archive_that_is_too_long_is_named(settings: Settings, store: Store, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("long.eml", plain_mail(1) + os.urandom(200_000))
        archive.writestr("fine.eml", plain_mail(2))
    report = ingest_paths([tmp_path / "a.zip"], settings, store)
    assert (report.count("new"), report.count("rejected")) == (1, 1)
