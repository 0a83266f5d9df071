"""Thousands of messages through each way in, while the process is killed: `python tests/at_scale.py [--messages N] [--kills K]`.

For each of mbox, Maildir, SMTP and the folder: the messages go in, the process is killed with SIGKILL at K random
moments on the way and started again, and in the end every message must be there once. Prints the time and the most memory
that the process, and each process for converting, had.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from digests import as_mbox, plain_mail

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.store import open_store

ROOT = Path(__file__).resolve().parents[1]
SERVE = """
import sys, time
from pathlib import Path
from feedsvc.config import load_settings
from feedsvc.watching import start_watching
from feedsvc.store import open_store
settings = load_settings(data=sys.argv[1], smtp=sys.argv[2] or None, maildirs=sys.argv[3] or None, smtp_rate=1_000_000)
store = open_store(settings.database_url)
start_watching(settings, store)
print("begun", flush=True)
time.sleep(3600)
"""
INGEST = """
import sys
from pathlib import Path
from feedsvc.config import load_settings
from feedsvc.ingest import Ingester
from feedsvc.intake.files import find_files
from feedsvc.store import open_store
settings = load_settings(data=sys.argv[1])
with open_store(settings.database_url) as store:
    print("begun", flush=True)
    ingester = Ingester(settings, store)
    ingester.drain()
    ingester.ingest_files(find_files([Path(sys.argv[2])]))
"""


@dataclass
class Killed:
    """A process that is killed and started again, with the most memory that any of its lives had (in MB)."""

    command: list[str]
    kills: int = 0
    main_mb: float = 0.0
    worker_mb: float = 0.0
    _process: subprocess.Popen[str] | None = None
    _watching: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Start it, and wait until it says so."""
        self._process = subprocess.Popen(self.command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "begun\n"

    def look(self) -> None:
        """Note how much memory it has had."""
        assert self._process is not None
        self.main_mb = max(self.main_mb, _peak_mb(self._process.pid))
        for child in _children(self._process.pid):
            self.worker_mb = max(self.worker_mb, _peak_mb(child))

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        self.look()
        self._process.send_signal(signal.SIGKILL)
        self._process.communicate(timeout=60)
        self.kills += self._process.returncode == -signal.SIGKILL

    def end(self) -> None:
        """Wait for its own end."""
        assert self._process is not None
        self._process.communicate(timeout=60)
        assert self._process.returncode == 0

    def is_running(self) -> bool:
        """Whether it has not ended by itself."""
        return self._process is not None and self._process.poll() is None

    def wait(self, done: Callable[[], bool], within_s: float) -> None:
        """Wait until it has ended, or `done`; notes its memory meanwhile."""
        end = time.monotonic() + within_s
        while self.is_running() and not done():
            if time.monotonic() > end:
                raise TimeoutError("it does not come to its end")
            self.look()
            time.sleep(0.1)


def _peak_mb(pid: int) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    """The processes that it started, and those that they made."""
    with contextlib.suppress(OSError):
        # Each thread has the children that it started.
        lists = [(task / "children").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
        own = [int(child) for text in lists for child in text.split()]
        return [*own, *(below for child in own for below in _children(child))]
    return []


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def by_mbox(settings: Settings, work: Path, count: int, kills: int, chance: random.Random) -> Killed:
    """One mbox that holds all, taken in by command, again and again until it is through."""
    box = work / "all.mbox"
    with box.open("wb") as file:
        file.writelines(as_mbox(plain_mail(number) for number in range(count)))
    running = Killed([sys.executable, "-c", INGEST, str(settings.data), str(box)])
    for _ in range(kills):
        running.start()
        goal = _stored(settings) + chance.uniform(0.0, 1.5) * count / (kills + 1)
        running.wait(lambda goal=goal: _stored(settings) >= goal, 600)  # type: ignore[misc]
        running.kill()
    running.start()
    running.wait(lambda: False, 1800)
    running.end()
    return running


def by_maildir(settings: Settings, work: Path, count: int, kills: int, chance: random.Random) -> Killed:
    """A Maildir that is watched while messages are delivered to it."""
    for name in ("new", "cur", "tmp"):
        (work / "Maildir" / name).mkdir(parents=True)
    running = Killed([sys.executable, "-c", SERVE, str(settings.data), "", str(work / "Maildir")])

    def deliver(number: int) -> None:
        path = work / "Maildir" / "tmp" / f"{number}.M1P1.home"
        path.write_bytes(plain_mail(number))
        path.rename(work / "Maildir" / "new" / path.name)

    _killed_while(running, deliver, settings, count, kills, chance)
    return running


def by_folder(settings: Settings, work: Path, count: int, kills: int, chance: random.Random) -> Killed:
    """The inbox, into which files are written and moved."""
    running = Killed([sys.executable, "-c", SERVE, str(settings.data), "", ""])

    def drop(number: int) -> None:
        if number % 2:
            (settings.inbox / f"{number}.eml").write_bytes(plain_mail(number))
        else:
            (work / f"{number}.eml").write_bytes(plain_mail(number))
            (work / f"{number}.eml").rename(settings.inbox / f"{number}.eml")

    _killed_while(running, drop, settings, count, kills, chance)
    return running


def by_smtp(settings: Settings, work: Path, count: int, kills: int, chance: random.Random) -> Killed:
    """A sender that sends each message until it is told that it was taken."""
    with open_store(settings.database_url) as store:
        address = f"{store.add_address('all').secret}@in.example.org"
    port = _free_port()
    running = Killed([sys.executable, "-c", SERVE, str(settings.data), f"127.0.0.1:{port}", ""])
    client: list[smtplib.SMTP] = []

    def send(number: int) -> None:
        while True:
            try:
                if not client:
                    client.append(smtplib.SMTP("127.0.0.1", port, timeout=20))
                client[0].sendmail("a@example.org", [address], plain_mail(number))
            except (OSError, smtplib.SMTPException):
                while client:
                    client.pop().close()
                time.sleep(0.05)
            else:
                return

    _killed_while(running, send, settings, count, kills, chance)
    while client:
        client.pop().close()
    return running


def _killed_while(
    running: Killed, bring: Callable[[int], None], settings: Settings, count: int, kills: int, chance: random.Random
) -> None:
    """Bring the messages, and kill and start the process again at random moments; then wait until all is in."""
    moments = sorted(chance.sample(range(1, count), kills))
    brought = threading.Event()
    at = [0]

    def bring_all() -> None:
        for number in range(count):
            bring(number)
            at[0] = number
        brought.set()

    running.start()
    thread = threading.Thread(target=bring_all)
    thread.start()
    for moment in moments:
        while at[0] < moment and not brought.is_set():
            running.look()
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 1.0))
        running.kill()
        running.start()
    thread.join()
    # At 10,000 files, one look through the folder may take longer than a second.
    running.wait(lambda: _stored(settings) >= count and not any(settings.inbox.iterdir()), 1800)
    while any(path.name[0] != "." for path in settings.spool.iterdir()):
        time.sleep(0.1)
    running.kill()
    running.kills -= 1  # this one was the end


def _stored(settings: Settings) -> int:
    with open_store(settings.database_url) as store:
        return store.counts().issues


WAYS: dict[str, Callable[[Settings, Path, int, int, random.Random], Killed]] = {
    "mbox": by_mbox,
    "maildir": by_maildir,
    "smtp": by_smtp,
    "folder": by_folder,
}


def check(settings: Settings, count: int) -> None:
    """Every message once, none twice, none lost; fails otherwise."""
    with open_store(settings.database_url) as store:
        assert Ingester(settings, store).drain().error is None  # what was killed after its commit
        counts = store.counts()
        assert (counts.issues, counts.rejected) == (count, 0), counts
        rows = list(store.messages())
    assert len(rows) == count, f"{len(rows)} messages"
    archived = {path.stem for path in settings.archive.rglob("*.eml")}
    assert archived == {row.sha256 for row in rows}
    for path in list(settings.archive.rglob("*.eml"))[:: max(1, count // 200)]:
        assert sha256(path.read_bytes()).hexdigest() == path.stem
    left = [path.name for path in settings.spool.iterdir() if path.name[0] != "."]
    assert left == []
    assert list(settings.rejected.iterdir()) == []
    assert list(settings.inbox.iterdir()) == []


def run_way(way: str, folder: Path, count: int, kills: int, seed: int) -> tuple[Killed, float]:
    """Let so many messages come in by this way; returns the process, and the seconds that it took."""
    settings = load_settings(data=folder / "data", rescan_s=0.5)
    prepare_folders(settings)
    with open_store(settings.database_url):
        pass
    started = time.monotonic()
    running = WAYS[way](settings, folder, count, kills, random.Random(seed))
    seconds = time.monotonic() - started
    check(settings, count)
    return running, seconds


def _folders() -> Iterator[Path]:
    while True:
        with tempfile.TemporaryDirectory(prefix="feedsvc-scale-") as name:
            yield Path(name)


def main() -> None:
    """Run all ways, at a tenth and at the whole of the number, and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--messages", type=int, default=10_000)
    arguments.add_argument("--kills", type=int, default=10)
    arguments.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    given = arguments.parse_args()
    print(f"seed {given.seed}")
    folders = _folders()
    for way in given.ways:
        for count in (given.messages // 10, given.messages):
            running, seconds = run_way(way, next(folders), count, given.kills, given.seed)
            print(
                f"{way:8} {count:6} messages, {running.kills:2} kills, each there once; {seconds:6.1f} s, "
                f"{running.main_mb:4.0f} MB at the most, {running.worker_mb:4.0f} MB for each process that converts",
                flush=True,
            )


if __name__ == "__main__":
    main()
