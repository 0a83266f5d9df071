"""The ways in: names and files, the spool, mboxes, the rejected ones, and the inbox for real."""

from __future__ import annotations

import io
import mailbox
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import PATIENCE_S, until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import SettingsError
from feedsvc.intake.files import file_kind, find_files, iter_messages, split_mbox
from feedsvc.intake.folder import FolderIntake, is_ignored, is_open_for_writing
from feedsvc.intake.lock import only_one
from feedsvc.intake.rejects import reject
from feedsvc.intake.spool import FOLDER, Spool, received_at
from feedsvc.store.disk import MAX_NAME_BYTES, numbered_names, safe_name, write_whole

NOW = datetime(2024, 9, 3, 13, 8, 14, 123456, tzinfo=UTC)
MAIL = b"From: News <news@example.org>\nSubject: Hello\nMessage-ID: <1@example.org>\n\nA text.\n"
DATED = b"From news@example.org Tue Sep  3 13:08:14 2024\n"


# --- names ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Articles TLDR AI 03-09-2024.txt", "Articles TLDR AI 03-09-2024.txt"),
        ("two\nlines\r\n.eml", "two lines .eml"),
        ("../../etc/passwd", "etc passwd"),
        (".hidden.eml", "hidden.eml"),
        ("...", "message"),
        ("", "message"),
        ("evil\u202egnp.eml", "evil gnp.eml"),
        (os.fsdecode(b"caf\xe9.eml"), "caf\ufffd.eml"),
        ("🚀 lancement.eml", "🚀 lancement.eml"),
    ],
)
def test_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_a_long_name_loses_its_middle() -> None:
    name = safe_name("Ä" * 200 + " 03-09-2024.eml", 100)
    assert len(name.encode()) <= 100
    assert name.endswith(" 03-09-2024.eml")
    assert name.startswith("ÄÄÄ")


@given(st.text(alphabet=st.characters(), max_size=300), st.integers(70, MAX_NAME_BYTES))
def test_any_name_becomes_one_that_every_disk_takes(name: str, limit: int) -> None:
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return  # no file can have this name
    safe = safe_name(name, limit)
    assert 0 < len(safe.encode("utf-8")) <= limit
    assert "/" not in safe and "\0" not in safe and not safe.startswith(".")
    assert safe_name(safe, limit) == safe


def test_numbers_go_before_the_suffix() -> None:
    names = numbered_names("a.b.eml")
    assert [next(names) for _ in range(3)] == ["a.b.eml", "a.b-2.eml", "a.b-3.eml"]
    assert list(zip(numbered_names("noext"), range(2), strict=False))[1][0] == "noext-2"


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_whole(tmp_path / "file", pieces())
    assert list(tmp_path.iterdir()) == []


# --- the spool ------------------------------------------------------------------------------------------------------


def test_the_spool_gives_back_bytes_name_and_date_in_order(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    later = spool.put(b"two", "b.eml", NOW + timedelta(seconds=1))
    first = spool.put(b"one", "a\nb.eml", NOW)
    assert [waiting.path for waiting in spool.waiting()] == [first, later]
    waiting = spool.look(first)
    assert (waiting.filename, waiting.received, first.read_bytes()) == ("a b.eml", NOW, b"one")
    assert [w.path for w in spool.waiting(1)] == [first]
    assert [w.path for w in spool.waiting(skip={first})] == [later]


def test_messages_of_one_moment_wait_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    put = [spool.put(b"x", f"{number}.eml", NOW) for number in range(20)]
    assert [waiting.path for waiting in spool.waiting()] == put


@pytest.mark.parametrize("name", ["n" * 251 + ".eml", "ä" * 120 + ".eml", os.fsdecode(b"\xff\xfe.eml"), "a\nb.eml"])
def test_odd_names_are_taken_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "spool").mkdir()
    file = tmp_path / name
    file.write_bytes(MAIL)
    path = Spool(tmp_path / "spool").take_over(file, file.name, NOW)
    assert not file.exists()
    assert path.read_bytes() == MAIL
    assert Spool(tmp_path / "spool").waiting()[0].filename.endswith(".eml")


def test_a_link_is_followed_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    original = tmp_path / "original.eml"
    original.write_bytes(MAIL)
    link = tmp_path / "link.eml"
    link.symlink_to(original)
    path = Spool(tmp_path / "spool").take_over(link, link.name)
    assert path.read_bytes() == MAIL and not path.is_symlink()
    assert original.exists() and not link.is_symlink()


def test_a_file_from_another_disk_is_taken_over(tmp_path: Path) -> None:
    shm = Path("/dev/shm")
    if not shm.is_dir() or shm.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no second file system here")
    file = shm / f"feedsvc-test-{os.getpid()}.eml"
    file.write_bytes(MAIL)
    try:
        path = Spool(tmp_path).take_over(file, file.name)
        assert path.read_bytes() == MAIL and not file.exists()
    finally:
        file.unlink(missing_ok=True)


def test_only_old_leftovers_are_swept(tmp_path: Path) -> None:
    old, young = tmp_path / ".aa.tmp", tmp_path / ".bb.tmp"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 90_000,) * 2)
    kept = Spool(tmp_path).put(b"x", "x.eml")
    Spool(tmp_path).sweep()
    assert sorted(tmp_path.iterdir()) == sorted([young, kept])


@pytest.mark.parametrize("modified", [0.0, -1e20, 4e9, float("inf"), float("nan")])
def test_a_time_that_cannot_be_true_is_now(modified: float) -> None:
    assert abs(received_at(modified) - datetime.now(UTC)) < timedelta(seconds=5)


def test_an_old_file_keeps_its_time() -> None:
    assert received_at(NOW.timestamp()) == NOW


# --- what files hold ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.eml", b"", "message"),
        ("A.EML", b"x", "message"),
        ("a.html", b"x", "message"),
        ("a.htm", b"x", "message"),
        ("a.md", b"x", "message"),
        ("a.txt", b"x", "message"),
        ("a.mbox", b"", "mbox"),
        ("mbox", DATED + MAIL, "mbox"),
        ("1725368894.M1P2.host:2,S", MAIL, "message"),
        ("noext", b"\r\n" + MAIL, "message"),
        ("noext", b"\xef\xbb\xbf" + MAIL.replace(b"\n", b"\r\n"), "message"),
        ("folded", b"Received: from x\n by y\nTo: a@example.org\n\nText", "message"),
        ("noext", b"Just a text.\n", None),
        ("noext", b"", None),
        ("recipe", b"Serves: 4\nTime: 30\n\nMix.\n", None),
        ("letter", b"From Russia with love\n", None),
        ("a.pdf", b"%PDF-1.4\n", None),
        ("a.jpg", b"\xff\xd8\xff\xe0", None),
        ("a.zip", b"PK\x03\x04", "archive"),
        ("a.tar.gz", b"", "archive"),
    ],
)
def test_what_a_file_holds(tmp_path: Path, name: str, data: bytes, kind: str | None) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    assert file_kind(file) == kind


def mbox(*messages: bytes) -> bytes:
    """An mbox as mboxrd writers make it."""
    return b"".join(DATED + message + b"\n" for message in messages)


@pytest.mark.parametrize(
    ("data", "messages"),
    [
        (mbox(MAIL, MAIL), [MAIL, MAIL]),
        (mbox(MAIL).replace(b"\n", b"\r\n"), [MAIL.replace(b"\n", b"\r\n")]),
        (mbox(MAIL)[:-2], [MAIL[:-1]]),
        (mbox(MAIL + b">From me\n>>From you\n"), [MAIL + b"From me\n>From you\n"]),
        (mbox(MAIL + b"\nFrom the desk of a friend\n"), [MAIL + b"\nFrom the desk of a friend\n"]),
        (b"From - Tue Sep  3 13:08:14 2024\n" + MAIL + b"\n" + DATED + MAIL, [MAIL, MAIL]),
        (b"From 181@xxx Tue Sep 03 13:08:14 +0000 2024\r\n" + MAIL, [MAIL]),
        (b"From x\n" + MAIL + b"\nFrom y\n" + MAIL + b"not parted\nFrom z\n", [MAIL, MAIL + b"not parted\nFrom z\n"]),
        (b"\n\n" + mbox(MAIL), [MAIL]),
        (b"junk\n" + mbox(MAIL), [b"junk\n", MAIL]),
        (DATED + DATED + MAIL, [b"", MAIL]),
        (b"", []),
        (b"\n\n", []),
    ],
)
def test_an_mbox_is_taken_apart(data: bytes, messages: list[bytes]) -> None:
    assert list(split_mbox(io.BytesIO(data))) == messages


def test_an_mbox_of_pythons_own_writer_comes_back(tmp_path: Path) -> None:
    bodies = ["Plain.\n", "From the start\nFrom here\n\nFrom there\n", "\n\nGaps\n\n\n", "No end"]
    path = tmp_path / "made.mbox"
    box = mailbox.mbox(path)
    for number, body in enumerate(bodies):
        box.add(f"From: a@example.org\nSubject: {number}\n\n{body}")
    box.close()
    read = [data.decode() for data, _ in iter_messages(path)]
    assert [text.split("\n\n", 1)[1].rstrip("\n") for text in read] == [body.rstrip("\n") for body in bodies]
    assert [name for _, name in iter_messages(path)] == [f"made-{n:05d}.eml" for n in range(1, 5)]


@given(
    st.lists(st.binary(max_size=200).map(lambda b: b.replace(b"\r", b"").replace(b"\0", b"")), min_size=1, max_size=5)
)
def test_what_an_mboxrd_writer_quotes_comes_back(bodies: list[bytes]) -> None:
    messages = [b"Subject: x\n\n" + body.rstrip(b"\n") + b"\nFrom x Tue Sep  3 13:08:14 2024\n" for body in bodies]
    written = b""
    for message in messages:
        quoted = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in message.split(b"\n")]
        written += DATED + b"\n".join(quoted) + b"\n"
    assert list(split_mbox(io.BytesIO(written))) == messages


def test_a_message_that_is_too_long_is_cut_and_the_next_is_whole() -> None:
    long = MAIL + b"x" * 3_000_000 + b"\n" + b"y\n" * 100_000
    assert [len(m) for m in split_mbox(io.BytesIO(mbox(long, MAIL)), 1000)] == [1001, len(MAIL)]


LARGE_MBOX = """
import resource, sys
from pathlib import Path
from feedsvc.intake.files import iter_messages
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(len(data) > 0 for data, _ in iter_messages(Path(sys.argv[1]), 50_000_000))
print(count, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units there")
def test_a_large_mbox_is_a_stream(tmp_path: Path) -> None:
    piece = mbox(*(MAIL + b"x" * 70 + b"\n" * 3 for _ in range(10_000)))
    with (tmp_path / "large.mbox").open("wb") as file:
        for _ in range(60):
            file.write(piece)
    run = subprocess.run(
        [sys.executable, "-c", LARGE_MBOX, str(tmp_path / "large.mbox")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    count, grown_mb = map(int, run.stdout.split())
    assert (tmp_path / "large.mbox").stat().st_size > 100_000_000
    assert count == 600_000
    assert grown_mb < 20


def test_folders_are_walked_in_order_without_hidden_files(tmp_path: Path) -> None:
    for name in ("b.eml", "a.eml", ".hidden.eml", "sub/c.eml", ".git/d.eml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(MAIL)
    (tmp_path / "loop").symlink_to(tmp_path)
    found = find_files([tmp_path / "sub" / "c.eml", tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in found] == ["sub/c.eml", "a.eml", "b.eml", "sub/c.eml"]


# --- the rejected ones ----------------------------------------------------------------------------------------------


def _reject(folder: Path, data: bytes, name: str = "a.eml") -> Path:
    file = folder / "waiting"
    file.write_bytes(data)
    return reject(folder / "rejected", file, name, code="unreadable", detail="It holds no text.", received=NOW)


def test_a_rejected_message_stands_with_its_reason_once(tmp_path: Path) -> None:
    (tmp_path / "rejected").mkdir()
    first, second, again = _reject(tmp_path, b"one"), _reject(tmp_path, b"two"), _reject(tmp_path, b"two")
    assert (first.name, second.name, again.name) == ("a.eml", "a-2.eml", "a-2.eml")
    assert (first.read_bytes(), second.read_bytes()) == (b"one", b"two")
    reason = (tmp_path / "rejected" / "a-2.eml.reason.txt").read_text()
    assert "It holds no text." in reason and "put it into the inbox again" in reason
    assert len(list((tmp_path / "rejected").iterdir())) == 4


def test_a_long_name_leaves_room_for_the_reason(tmp_path: Path) -> None:
    (tmp_path / "rejected").mkdir()
    path = _reject(tmp_path, b"one", "n" * 300 + ".eml")
    assert path.with_name(path.name + ".reason.txt").exists()


# --- the lock -------------------------------------------------------------------------------------------------------


def test_the_lock_lets_one_thread_in_at_a_time(tmp_path: Path) -> None:
    inside: list[str] = []

    def work(name: str) -> None:
        for _ in range(5):
            with only_one(tmp_path / ".lock"):
                inside.append(name)
                time.sleep(0.005)
                inside.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [first == second for first, second in zip(inside[::2], inside[1::2], strict=True)] == [True] * 10


def test_a_lock_in_a_folder_that_is_not_there_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--data"), only_one(tmp_path / "no" / ".lock"):
        pass


# --- the inbox ------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["events", "rescans only"])
def intake(settings: Settings, request: pytest.FixtureRequest) -> Iterator[FolderIntake]:
    watching = FolderIntake(settings, lambda: None, watch=request.param)
    watching.start()
    yield watching
    watching.stop()


def spooled(settings: Settings) -> dict[str, bytes]:
    """The messages that wait in the spool, by name."""
    return {waiting.filename: waiting.path.read_bytes() for waiting in Spool(settings.spool).waiting()}


@pytest.mark.usefixtures("intake")
class TestInbox:
    def test_dropped_files_are_taken_within_three_seconds(self, settings: Settings, tmp_path: Path) -> None:
        time.sleep(0.3)
        (settings.inbox / "written.eml").write_bytes(MAIL)
        (tmp_path / "moved.eml").write_bytes(MAIL)
        (tmp_path / "moved.eml").rename(settings.inbox / "moved.eml")
        (tmp_path / "folder" / "deep").mkdir(parents=True)
        (tmp_path / "folder" / "deep" / "in folder.eml").write_bytes(MAIL)
        (tmp_path / "folder").rename(settings.inbox / "folder")
        (settings.inbox / "download.eml.part").write_bytes(MAIL)
        (settings.inbox / "download.eml.part").rename(settings.inbox / "download.eml")
        wanted = {"written.eml", "moved.eml", "in folder.eml", "download.eml"}
        assert until(lambda: set(spooled(settings)) == wanted, 3)
        assert set(spooled(settings).values()) == {MAIL}
        assert {waiting.way for waiting in Spool(settings.spool).waiting()} == {FOLDER}

    def test_a_slow_writer_is_waited_for(self, settings: Settings) -> None:
        path = settings.inbox / "slow.eml"
        with path.open("wb") as file:
            file.write(MAIL)
            file.flush()
            time.sleep(2.5)
            assert spooled(settings) == {}, "it was taken while its writer paused"
            file.write(b"The rest.\n")
        assert until(lambda: "slow.eml" in spooled(settings))
        assert spooled(settings)["slow.eml"] == MAIL + b"The rest.\n"

    def test_a_writer_that_opens_again_and_again_is_waited_for(self, settings: Settings) -> None:
        path = settings.inbox / "pieces.eml"
        for piece in range(12):
            with path.open("ab") as file:
                file.write(b"%d\n" % piece)
            time.sleep(0.1)
        assert until(lambda: "pieces.eml" in spooled(settings))
        assert spooled(settings)["pieces.eml"] == b"".join(b"%d\n" % piece for piece in range(12))

    @pytest.mark.skipif(shutil.which("rsync") is None, reason="rsync is not installed")
    @pytest.mark.parametrize("options", [(), ("--inplace",)])
    def test_rsync_and_mv_bring_whole_files(self, settings: Settings, tmp_path: Path, options: tuple[str, ...]) -> None:
        (tmp_path / "mail" / "2024").mkdir(parents=True)
        large = MAIL.replace(b"\n", b"\r\n") + b"x" * 1_500_000
        for name in ("one.eml", "2024/two.eml"):
            (tmp_path / "mail" / name).write_bytes(large)
        subprocess.run(
            ["rsync", "-r", "--bwlimit=1000", *options, f"{tmp_path / 'mail'}/", f"{settings.inbox}/"], check=True
        )
        subprocess.run(["mv", tmp_path / "mail" / "one.eml", settings.inbox / "three.eml"], check=True)
        wanted = dict.fromkeys(("one.eml", "two.eml", "three.eml"), large)
        assert until(lambda: len(spooled(settings)) >= 3)
        assert spooled(settings) == wanted

    def test_what_is_no_finished_message_is_left_alone(self, settings: Settings, tmp_path: Path) -> None:
        names = [".hidden.eml", "a.eml.tmp", "a.eml.part", "a.crdownload", "a.eml~", ".syncthing.a.eml.tmp", ".#a.eml"]
        for name in names:
            (settings.inbox / name).write_bytes(MAIL)
        (settings.inbox / "empty.eml").touch()
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / "elsewhere" / "not ours.eml").write_bytes(MAIL)
        (settings.inbox / "folder link").symlink_to(tmp_path / "elsewhere")
        (settings.inbox / "dangling.eml").symlink_to(tmp_path / "nowhere")
        os.mkfifo(settings.inbox / "pipe.eml")
        before = sorted(settings.inbox.iterdir())
        (settings.inbox / "last.eml").write_bytes(MAIL)
        assert until(lambda: "last.eml" in spooled(settings))
        assert set(spooled(settings)) == {"last.eml"}
        assert sorted(settings.inbox.iterdir()) == before

    def test_an_inbox_that_was_removed_is_made_again(self, settings: Settings) -> None:
        shutil.rmtree(settings.inbox)
        assert until(settings.inbox.is_dir)
        (settings.inbox / "a.eml").write_bytes(MAIL)
        assert until(lambda: "a.eml" in spooled(settings))

    def test_odd_names_and_links_are_taken(self, settings: Settings, tmp_path: Path) -> None:
        names = [b"caf\xe9.eml", b"two\nlines.eml", b"n" * 251 + b".eml", "ä🚀.eml".encode()]
        for name in names:
            Path(os.fsdecode(bytes(settings.inbox) + b"/" + name)).write_bytes(MAIL)
        (tmp_path / "target.eml").write_bytes(MAIL)
        (settings.inbox / "link.eml").symlink_to(tmp_path / "target.eml")
        assert until(lambda: len(spooled(settings)) == 5), spooled(settings).keys()
        # What a link leads to is copied, and only then the link goes: the message may be there before that.
        assert until(lambda: list(settings.inbox.iterdir()) == [])
        assert (tmp_path / "target.eml").exists()


def test_files_that_wait_at_the_start_are_taken(settings: Settings) -> None:
    (settings.inbox / "old.eml").write_bytes(MAIL)
    heard = threading.Event()
    intake = FolderIntake(settings, heard.set)
    intake.start()
    try:
        assert heard.wait(PATIENCE_S)
    finally:
        intake.stop()
        intake.stop()
    assert set(spooled(settings)) == {"old.eml"}


def test_a_system_that_tells_of_no_changes_is_lived_with(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def no_watches(observer: object) -> None:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr("feedsvc.intake.folder.Observer.start", no_watches)
    heard = threading.Event()
    intake = FolderIntake(settings, heard.set)
    intake.start()
    try:
        assert "inotify watch limit reached" in caplog.text
        (settings.inbox / "a.eml").write_bytes(MAIL)
        assert heard.wait(PATIENCE_S)
    finally:
        intake.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")
def test_a_file_that_is_open_for_writing_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(MAIL)
    assert not is_open_for_writing(path)
    with path.open("rb"):
        assert not is_open_for_writing(path)
    with path.open("ab"):
        assert is_open_for_writing(path)
    assert not is_open_for_writing(path)
    assert not is_open_for_writing(tmp_path / "absent")


@pytest.mark.parametrize("name", ["A.TMP", "Thumbs.db", "~$letter.txt", "x.PART"])
def test_ignored_names_are_so_in_capitals_too(name: str) -> None:
    assert is_ignored(name)
    assert not is_ignored(f"a {name}.eml")


UNREADABLE = """
import os, sys, time
from feedsvc.config import load_settings
from feedsvc.intake.folder import FolderIntake
intake = FolderIntake(load_settings(data=sys.argv[1]), lambda: print("taken", flush=True))
if os.geteuid() == 0:  # to root, every file is readable
    os.setgid(65534)
    os.setuid(65534)
intake.start()
time.sleep(2.5)
intake.stop()
"""


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions are others here")
def test_a_file_that_may_not_be_read_stays_and_is_told_of_once() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folder is closed to other users
        settings = load_settings(data=folder)
        prepare_folders(settings)
        secret = settings.inbox / "secret.eml"
        secret.write_bytes(MAIL)
        secret.chmod(0)
        (settings.inbox / "fine.eml").write_bytes(MAIL)
        if os.geteuid() == 0:
            for path in (settings.data, *settings.data.rglob("*")):
                if path != secret:
                    shutil.chown(path, 65534, 65534)
        run = subprocess.run(
            [sys.executable, "-c", UNREADABLE, folder],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=Path(__file__).parents[1],
        )
        assert run.stdout == "taken\n", run.stderr
        assert run.stderr.count("secret.eml") == 1, run.stderr
        assert "right to read" in run.stderr
        assert secret.exists()


def test_sockets_are_no_files(settings: Settings) -> None:
    place = settings.inbox / "s.eml"
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(str(place))
        except OSError:
            pytest.skip("the temporary folder's name is too long for a socket")
        intake = FolderIntake(settings, lambda: None, watch=False)
        assert list(intake._files()) == []
