"""SIGKILL between any two steps, and at random moments: every message ends once in the store, and none is lost."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from test_ingest import archived, ids_of, mail, stored_ids, waiting
from waiting import until

from feedsvc.config import Settings
from feedsvc.ingest import Ingester, ingest_paths
from feedsvc.intake.spool import Spool
from feedsvc.store import open_store

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL on this system")

ROOT = Path(__file__).resolve().parents[1]

# Ends itself at the n-th time that it comes to a step; with the step "never" it goes on to its end.
INGEST = """
import os, signal, sys
from pathlib import Path
from feedsvc.config import load_settings
from feedsvc.ingest import Ingester
from feedsvc.intake.files import find_files
from feedsvc.store import open_store

data, step, times, *files = sys.argv[1:]
left = int(times)

def at(reached, path):
    global left
    if reached == step:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

settings = load_settings(data=data)
print("begun", flush=True)
with open_store(settings.database_url) as store:
    ingester = Ingester(settings, store, at=at)
    if files:
        ingester.ingest_files(find_files([Path(name) for name in files]))
    else:
        ingester.drain()
"""

BAD = b"\n"  # not empty: an empty file rests long in the inbox, as one that is about to be written
MESSAGES = [mail(number) for number in range(45)]
TWIN = mail(3).replace(b"\n", b"\r\n")
BOXED = [mail(number) for number in range(40, 90)]
EVERY = {sha256(data).hexdigest() for data in (*MESSAGES, *BOXED, TWIN)}


def _mbox() -> bytes:
    return b"".join(b"From x Tue Sep  3 13:08:14 2024\n" + data + b"\n" for data in BOXED)


def _fill_spool(settings: Settings) -> None:
    spool = Spool(settings.spool)
    for number, data in enumerate([*MESSAGES, TWIN, MESSAGES[0], BAD, BAD]):
        spool.put(data, "bad.eml" if data == BAD else f"{number}.eml")
    spool.put(_mbox(), "all.mbox")


def _fill_folder(folder: Path) -> None:
    folder.mkdir()
    for number, data in enumerate([*MESSAGES, TWIN, MESSAGES[0], BAD]):
        (folder / ("bad.eml" if data == BAD else f"{number}.eml")).write_bytes(data)
    (folder / "all.mbox").write_bytes(_mbox())


def _run(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", INGEST, str(settings.data), *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


def _check(settings: Settings) -> None:
    """Every message once, nothing twice, nothing left."""
    with open_store(settings.database_url) as store:
        assert stored_ids(store) == ids_of(*MESSAGES, *BOXED)
        counts = store.counts()
        assert (counts.issues, counts.messages, counts.rejected) == (90, len(EVERY), 1)
        assert counts.articles == len(ids_of(*MESSAGES, *BOXED))
        assert {row.sha256 for row in store.messages()} == EVERY
    assert {Path(name).stem for name in archived(settings)} == EVERY
    assert sorted(path.name for path in settings.rejected.iterdir()) == ["bad.eml", "bad.eml.reason.txt"]
    assert waiting(settings) == []


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("read", 1),
        ("read", 40),
        ("converted", 1),
        ("converted", 2),
        ("stored", 1),
        ("archived", 1),
        ("archived", 20),
        ("rejecting", 1),
        ("rejected", 1),
        ("spooled", 1),
        ("spooled", 33),
        ("removed", 1),
    ],
)
def test_a_kill_at_any_step_loses_and_doubles_nothing(settings: Settings, step: str, times: int) -> None:
    _fill_spool(settings)
    killed = _run(settings, step, str(times))
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL, f"it never came to {step!r} {times} times"
    with open_store(settings.database_url) as store:
        assert Ingester(settings, store).drain().error is None
    _check(settings)


@pytest.mark.parametrize(("step", "times"), [("spooled", 5), ("converted", 2), ("stored", 2), ("archived", 50)])
def test_a_bulk_run_that_is_killed_is_run_again(settings: Settings, tmp_path: Path, step: str, times: int) -> None:
    _fill_folder(tmp_path / "mail")
    killed = _run(settings, step, str(times), str(tmp_path / "mail"))
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    with open_store(settings.database_url) as store:
        Ingester(settings, store).drain()  # as the service does when it is started
        ingest_paths([tmp_path / "mail"], settings, store)
    _check(settings)


def test_kills_at_random_moments_lose_and_double_nothing(settings: Settings) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    _fill_spool(settings)
    kills = 0
    for _ in range(6):
        run = _run(settings, "never", "1")
        assert run.stdout is not None
        run.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.5))
        run.send_signal(signal.SIGKILL)
        run.communicate(timeout=60)
        kills += run.returncode == -signal.SIGKILL
    assert kills > 0, f"seed {seed}"
    with open_store(settings.database_url) as store:
        Ingester(settings, store).drain()
    _check(settings)


SERVE = """
import sys, time
from feedsvc.config import load_settings
from feedsvc.watching import start_watching
from feedsvc.store import open_store
settings = load_settings(data=sys.argv[1])
store = open_store(settings.database_url)
start_watching(settings, store)
print("begun", flush=True)
time.sleep(300)
"""


def test_a_killed_service_takes_up_where_it_was(settings: Settings, tmp_path: Path) -> None:
    """Files that are dropped while the service is killed again and again all arrive, once."""
    _fill_folder(tmp_path / "mail")
    files = sorted((tmp_path / "mail").iterdir())
    chance = random.Random(7)
    for part in range(3):
        service = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(settings.data)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert service.stdout is not None
        service.stdout.readline()
        for path in files[part::3]:
            shutil.copyfile(path, settings.inbox / path.name)
        time.sleep(chance.uniform(0.5, 2.0))
        service.send_signal(signal.SIGKILL)
        service.communicate(timeout=60)
    service = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(settings.data)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert until(lambda: not any(settings.inbox.iterdir()) and not _messages(settings))
    finally:
        service.terminate()
        service.communicate(timeout=60)
    _check(settings)
    assert list(settings.inbox.iterdir()) == []


def _messages(settings: Settings) -> list[Path]:
    return [path for path in waiting(settings) if not path.name.startswith(".")]
