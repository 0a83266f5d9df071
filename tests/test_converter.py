"""Converting in other processes: what they give, and what happens when they die, hang or cannot start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from digests import digest, plain_mail
from waiting import until

from feedsvc import converter as room
from feedsvc.converter import Converter
from feedsvc.errors import MessageError
from feedsvc.model import Issue, Knowledge, Newsletter
from feedsvc.worker import Process

NOW = datetime(2024, 9, 3, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[1]

# A worker that dies of one message and hangs at another.
MORTAL = """
import os, time
from feedsvc import worker
answer = worker._answer
def answer_or_die(path, filename, received, ask):
    data = path.read_bytes()
    if b"number 3.0" in data.lower():
        os._exit(9)
    if b"number 5.0" in data.lower():
        time.sleep(60)
    return answer(path, filename, received, ask)
worker._answer = answer_or_die
worker.main()
"""


@pytest.fixture
def mails(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.eml" for number in range(12)]
    for number, path in enumerate(paths):
        path.write_bytes(plain_mail(number))
    return paths


@pytest.fixture
def converter() -> Iterator[Converter]:
    with Converter(2) as made:
        yield made


def results(converter: Converter, mails: list[Path]) -> list[Issue | MessageError]:
    """What each of them becomes."""
    tickets = [converter.submit(path, path.name, NOW) for path in mails]
    return [converter.result(ticket) for ticket in tickets]


def titles(found: list[Issue | MessageError]) -> list[str]:
    """The title of the first article of each, or why there is none."""
    return [one.articles[0].title if isinstance(one, Issue) else one.code for one in found]


def start_as(program: str) -> Callable[[int], list[Process]]:
    """What starts this program as a worker, so many times."""

    def start() -> Process:
        made = subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT
        )
        assert made.stdin is not None
        assert made.stdout is not None
        return Process(made.stdin, made.stdout, made)

    return lambda count: [start() for _ in range(count)]


def wait_until_ready(converter: Converter) -> None:
    """Wait until the processes have begun."""
    assert until(lambda: all(worker.is_ready for worker in converter._workers))


def test_processes_give_what_this_one_gives(converter: Converter, mails: list[Path]) -> None:
    here = titles(results(converter, mails))
    converter.start()
    wait_until_ready(converter)
    assert titles(results(converter, mails)) == here
    converter.close()
    assert titles(results(converter, mails)) == here, "it can be used again"


def test_what_is_known_of_a_newsletter_is_asked_for(converter: Converter, mails: list[Path]) -> None:
    asked: list[tuple[str, str]] = []

    def teach(newsletter: Newsletter, key: str) -> Knowledge:
        asked.append((newsletter.key, key))
        return Knowledge(whole=newsletter.key == "weekly@example.org")

    mails[0].write_bytes(digest(1))
    mails[1].write_bytes(digest(2).replace(b"<post2@", b"<weekly@").replace(b"List-Id:", b"X-List-Id:"))
    mails[1].write_bytes(mails[1].read_bytes().replace(b"@digest.example>\nTo", b"@example.org>\nTo"))
    converter.teach = teach
    here = results(converter, mails)
    converter.start()
    wait_until_ready(converter)
    there = results(converter, mails)
    assert [len(one.articles) for one in there if isinstance(one, Issue)][:2] == [20, 1]
    assert there == here
    assert len(asked) == 24
    assert set(asked[:12]) == set(asked[12:])


def test_a_message_of_which_a_process_dies_is_refused_alone(
    converter: Converter, mails: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "start_processes", start_as(MORTAL))
    monkeypatch.setattr(room, "TOO_LONG_S", 3.0)
    here = titles(results(converter, mails))
    converter.start()
    wait_until_ready(converter)
    there = titles(results(converter, mails))
    assert there == [code if number not in (3, 5) else "internal-error" for number, code in enumerate(here)]


def test_a_killed_process_costs_no_message(converter: Converter, mails: list[Path]) -> None:
    converter.start()
    wait_until_ready(converter)
    for worker in converter._workers:
        assert worker._process.pid is not None
        os.kill(worker._process.pid, signal.SIGKILL)
    assert all(isinstance(one, Issue) for one in results(converter, mails))


def test_where_processes_cannot_start_messages_are_converted_all_the_same(
    converter: Converter, mails: list[Path], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(room, "start_processes", start_as("raise SystemExit('a half installed update')"))
    converter.start()
    assert all(isinstance(one, Issue) for one in results(converter, mails))
    assert until(lambda: "could not be started" in caplog.text)


def test_no_process_outlives_the_one_that_started_it(tmp_path: Path, mails: list[Path]) -> None:
    program = (
        "import os, signal, time; from feedsvc.converter import Converter\n"
        "c = Converter(2); c.start()\n"
        "while not all(w.is_ready for w in c._workers): time.sleep(0.05)\n"
        "print(*(w._process.pid for w in c._workers), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == -signal.SIGKILL, run.stderr
    pids = [int(pid) for pid in run.stdout.split()]
    assert len(pids) == 2
    assert until(lambda: all(_state(pid) == "Z" for pid in pids))


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each process starts by itself")
def test_one_process_makes_the_others_and_each_can_be_ended(tmp_path: Path) -> None:
    mail = tmp_path / "1.eml"
    mail.write_bytes(plain_mail(1))
    with Converter(3) as converter:
        converter.start()
        wait_until_ready(converter)
        pids = [worker._process.pid for worker in converter._workers]
        assert len({*pids, None}) == 4
        first, *copies = pids
        assert [_parent(pid) for pid in copies] == [first, first]
        for worker in converter._workers:  # the first too: its copies go on without it
            worker._process.kill()
            assert isinstance(converter.result(converter.submit(mail, "1.eml", NOW)), Issue)
        last = [worker._process.pid for worker in converter._workers]
    assert until(lambda: all(_state(pid) == "Z" for pid in (*pids, *last) if pid is not None))


def test_processes_that_are_closed_while_they_start_end(caplog: pytest.LogCaptureFixture) -> None:
    for wait_s in (0.0, 0.1, 0.3, 0.5):
        with Converter(3) as converter:
            converter.start()
            time.sleep(wait_s)
            processes = [worker._process for worker in converter._workers]
        assert all(process.answers.closed for process in processes)
    assert not caplog.records


def _parent(pid: int | None) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
