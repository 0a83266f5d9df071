"""A process that converts: how it is started, how it is spoken with, and what it does.

It reads requests from its standard input and writes answers to its standard output, each a pickle behind its length,
and ends when its input ends, so none outlives the process that made it, however that came to its end.

To import everything and to compile some five hundred patterns takes as long as thirty messages. So where several are
wanted, and the system can, one process does that and then makes the others as copies of itself, at a moment at which it
has no threads: they begin at once, and share its memory.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import traceback
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Final

from feedsvc import __version__
from feedsvc.convert import Teacher, convert
from feedsvc.errors import MessageError
from feedsvc.intake.confirmation import with_confirmation_marked
from feedsvc.intake.outcome import internal_error
from feedsvc.model import Issue, Knowledge, Newsletter

QUESTION: Final = None  # leads what a process asks before it goes on: see `convert.Teacher`
_LENGTH = struct.Struct("!I")
_READ_BYTES = 1 << 16
_CAN_COPY = hasattr(os, "fork") and hasattr(os, "pidfd_open") and sys.platform == "linux"
# Converted before any message, so that all patterns and tables are ready when the process is copied.
_WARM_UP = (
    b"From: A <a@example.org>\nSubject: Warm\nContent-Type: text/html\n\n"
    b"<h2>News</h2><p><a href='https://example.org/a?utm_source=x'>A story of some words (2 minute read)</a></p>"
    b"<p>What it says, in a sentence.</p><p><a href='https://example.org/unsubscribe'>Unsubscribe</a></p>"
)

Request = tuple[Path, str | None, datetime]


@dataclass(slots=True, eq=False)
class Process:
    """A process that converts, seen from the one that asks. It greets: with its program's version and its own number."""

    requests: IO[bytes]
    answers: IO[bytes]
    made: subprocess.Popen[bytes] | None = None  # None where another process made it
    pid: int | None = None  # once it has greeted
    _handle: int | None = None  # what names it as long as it is held, whatever becomes of its number

    def know(self, pid: int) -> None:
        """Take the number that it gave itself, for `kill`."""
        self.pid = pid
        if self.made is None:
            with contextlib.suppress(OSError):  # it ended meanwhile
                self._handle = os.pidfd_open(pid)

    def kill(self) -> None:
        """End it, also in the middle of a message. One that has not greeted yet ends once its requests do."""
        if self.made is not None:
            self.made.kill()
        elif self._handle is not None:
            with contextlib.suppress(OSError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
        else:
            with contextlib.suppress(OSError):
                self.requests.close()

    def end(self) -> None:
        """End it and close what led to it."""
        self.kill()
        if self.made is not None:
            self.made.wait()
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)
        for stream in (self.requests, self.answers):
            with contextlib.suppress(OSError):
                stream.close()


def start_processes(count: int) -> list[Process]:
    """Start so many processes."""
    if not _CAN_COPY:
        return [_start() for _ in range(count)]
    theirs: list[int] = []
    copies: list[Process] = []
    for _ in range(count - 1):
        their_requests, our_requests = os.pipe()
        our_answers, their_answers = os.pipe()
        theirs += their_requests, their_answers
        copies.append(Process(os.fdopen(our_requests, "wb", buffering=0), os.fdopen(our_answers, "rb", buffering=0)))
    try:
        return [_start(theirs), *copies]
    finally:
        for end in theirs:
            os.close(end)


def _start(copies: Sequence[int] = ()) -> Process:
    # Modules are looked for where this process found them, whatever its working folder is by now.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)}
    made = subprocess.Popen(
        [sys.executable, "-m", "feedsvc.worker", *map(str, copies)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env=environment,
        pass_fds=copies,
    )
    assert made.stdin is not None
    assert made.stdout is not None
    return Process(made.stdin, made.stdout, made)


def write(stream: IO[bytes], what: object) -> None:
    """Write something for the other end to `read`."""
    data = pickle.dumps(what, pickle.HIGHEST_PROTOCOL)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[stream.write(view) or 0 :]


def read(stream: IO[bytes], timeout_s: float | None = None) -> Any:
    """What was written at the other end. Raises EOFError at its end, TimeoutError where it does not begin in time."""
    if timeout_s is not None and os.name != "nt" and not select.select([stream], [], [], timeout_s)[0]:
        raise TimeoutError
    (length,) = _LENGTH.unpack(_read_bytes(stream, _LENGTH.size))
    return pickle.loads(_read_bytes(stream, length))


def _read_bytes(stream: IO[bytes], count: int) -> bytes:
    pieces: list[bytes] = []
    while count:
        piece = stream.read(min(count, _READ_BYTES))
        if not piece:
            raise EOFError
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def lean(issue: Issue) -> Issue:
    """The issue as it is stored: without its readings, which are for people who look at how it was split."""
    return replace(with_confirmation_marked(issue), readings=())


def main(copies: Sequence[int] = ()) -> None:
    """Answer requests until there are no more. `copies` are the pipes of further processes to be made: where each reads,
    and where it writes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks; it ends this one
    if copies:
        convert(_WARM_UP, received=datetime.now(UTC), filename="warm-up.eml")
        _copy(copies)
    with (
        contextlib.suppress(BrokenPipeError),  # whoever asked is gone
        os.fdopen(os.dup(0), "rb", buffering=0) as requests,
        os.fdopen(os.dup(1), "wb", buffering=0) as answers,
    ):
        write(answers, (__version__, os.getpid()))
        os.dup2(2, 1)  # whatever a library prints does not get among the answers
        _serve(requests, answers)


def _copy(pipes: Sequence[int]) -> None:
    """Make a copy of this process for each pair of pipes, which are then its standard input and output."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # copies are waited for by nobody
    for place in range(0, len(pipes), 2):
        if os.fork() == 0:
            os.dup2(pipes[place], 0)
            os.dup2(pipes[place + 1], 1)
            break
    for pipe in pipes:
        os.close(pipe)


def _serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    early: deque[Request] = deque()  # requests that came while an answer to a question was waited for

    def ask(newsletter: Newsletter, key: str) -> Knowledge:
        write(answers, (QUESTION, (newsletter, key)))
        while not isinstance(said := read(requests), Knowledge):
            early.append(said)
        return said

    while True:
        try:
            path, filename, received = early.popleft() if early else read(requests)
            write(answers, _answer(path, filename, received, ask))
        except EOFError:
            return


def _answer(
    path: Path, filename: str | None, received: datetime, ask: Teacher
) -> tuple[Issue | MessageError | OSError, str]:
    try:
        return lean(convert(path.read_bytes(), received=received, filename=filename, known=ask)), ""
    except (MessageError, OSError) as refusal:
        return refusal, ""
    except Exception as error:
        return internal_error(error), traceback.format_exc()


if __name__ == "__main__":
    main([int(end) for end in sys.argv[1:]])
