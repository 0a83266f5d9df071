"""Converting in processes of their own, so that bulk work uses every core.

`convert` is pure, so it can run anywhere (`feedsvc.worker` is such a process). A worker that dies over a message (out
of memory, a fault in a library of C) or takes too long takes that message with it and no other: it is tried once
more in a new worker, and then refused. A worker asks back what is known of a newsletter as soon as it has read whose
message it has. Where workers cannot even begin (as while feedsvc is being updated), messages are converted in the
process that asks.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import queue
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from feedsvc import __version__
from feedsvc.convert import NOTHING_KNOWN, Teacher, convert
from feedsvc.errors import MessageError
from feedsvc.intake.outcome import internal_error
from feedsvc.model import Issue, Knowledge
from feedsvc.worker import QUESTION, Process, lean, read, start_processes, write

logger = logging.getLogger(__name__)

TOO_LONG_S = 120.0
START_S = 60.0
_LOOK_AGAIN_S = 0.5
_AHEAD = 2  # requests that a worker has in hand, so that it need not wait for the next


def convert_message(
    data: bytes, filename: str | None, received: datetime, known: Knowledge | Teacher = NOTHING_KNOWN
) -> Issue | MessageError:
    """Convert a message here and now, or say why it cannot be; a fault of our own is logged, and is a refusal too."""
    try:
        return lean(convert(data, received=received, filename=filename, known=known))
    except MessageError as refusal:
        return refusal
    except Exception as error:
        logger.exception("%s could not be converted", filename)
        return internal_error(error)


@dataclass(slots=True, eq=False)
class Ticket:
    """A message that is being converted, or waits for it."""

    path: Path
    filename: str | None
    received: datetime
    queued: bool = False
    tries: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    made: Issue | MessageError | OSError | None = None

    def finish(self, made: Issue | MessageError | OSError) -> None:
        """Set what it was converted to."""
        self.made = made
        self.done.set()

    def convert_here(self, teach: Teacher) -> None:
        """Convert it in this process."""
        try:
            data = self.path.read_bytes()
        except OSError as failure:
            self.finish(failure)
        else:
            self.finish(convert_message(data, self.filename, self.received, teach))


class Converter:
    """Converts files: in this process, or, once `start` was called, in `processes` others.

    `teach` tells what is known of a newsletter, and is called from several threads. A context manager: at its end the
    processes end, and it can be used again.
    """

    def __init__(self, processes: int) -> None:
        self.teach: Teacher = lambda newsletter, key: NOTHING_KNOWN
        self._processes = processes
        self._waiting: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the processes, where more than one is asked for and they are not at work already."""
        if self._processes > 1 and not self._workers:
            self._workers = [
                _Worker(self._waiting, self.teach, process) for process in start_processes(self._processes)
            ]

    def submit(self, path: Path, filename: str | None, received: datetime) -> Ticket:
        """Have the message in this file converted; `result` gives what it became."""
        ticket = Ticket(path, filename, received, queued=bool(self._workers))
        if ticket.queued:
            self._waiting.put(ticket)
        return ticket

    def result(self, ticket: Ticket) -> Issue | MessageError:
        """What the message became, as soon as that is known. Raises OSError where its file cannot be read."""
        if not ticket.queued:
            ticket.convert_here(self.teach)
        else:
            self._help_out(ticket)
        while not ticket.done.wait(_LOOK_AGAIN_S):
            self._help_out(ticket)
        assert ticket.made is not None
        if isinstance(ticket.made, OSError):
            raise ticket.made
        return ticket.made

    def _help_out(self, wanted: Ticket) -> None:
        """Convert what is first in the queue while none of the processes can: they are starting, or could not."""
        while not (wanted.done.is_set() or any(worker.is_ready for worker in self._workers)):
            try:
                ticket = self._waiting.get_nowait()
            except queue.Empty:
                if not all(worker.has_failed for worker in self._workers):
                    return
                wanted.convert_here(self.teach)
                return
            if ticket is not None:
                ticket.convert_here(self.teach)

    def close(self) -> None:
        """End the processes; what they have in hand is dropped."""
        for worker in self._workers:
            worker.is_closing = True  # all of them first: one that ends may take another with it that it was to make
            self._waiting.put(None)
        for worker in self._workers:
            worker.close()
        self._workers = []
        self._waiting = queue.SimpleQueue()


class _Worker:
    """A process that converts, and the thread here that speaks with it."""

    def __init__(self, waiting: queue.SimpleQueue[Ticket | None], teach: Teacher, process: Process) -> None:
        self._waiting = waiting
        self._teach = teach
        self._process = process
        self._in_hand: deque[Ticket] = deque()
        self.is_closing = False
        self.is_ready = False
        self.has_failed = False
        self._thread = threading.Thread(target=self._run, name="feedsvc-converter", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the process, also in the middle of a message."""
        self.is_closing = True
        self._process.kill()  # the thread hears that, and does the rest
        self._thread.join()

    def _run(self) -> None:
        if self._greet():
            self._work()
        self.is_ready = False
        self._process.end()

    def _greet(self) -> bool:
        """Wait until the process is ready. Where it cannot be, or is of another version, it gets no message."""
        version = "it ended"
        with contextlib.suppress(EOFError, OSError, TypeError, ValueError, pickle.UnpicklingError):
            version, pid = read(self._process.answers, START_S)
            self._process.know(pid)
        self.is_ready = version == __version__
        self.has_failed = not (self.is_ready or self.is_closing)
        if self.has_failed:
            logger.warning("a process for converting could not be started (%s)", version)
        return self.is_ready

    def _work(self) -> None:
        ended = False
        while not (ended and not self._in_hand):
            while not ended and len(self._in_hand) < _AHEAD:
                try:
                    ticket = self._waiting.get(block=not self._in_hand)
                except queue.Empty:
                    break
                if ticket is None:
                    ended = True
                    break
                self._in_hand.append(ticket)
                self._ask(ticket)
            if self._in_hand:
                self._hear()
            if self.has_failed:
                return

    def _ask(self, ticket: Ticket) -> None:
        with contextlib.suppress(OSError):  # that it died is heard below
            write(self._process.requests, (ticket.path, ticket.filename, ticket.received))

    def _hear(self) -> None:
        """Take the answer to the first request in hand."""
        problem = "the process that converted it ended"
        try:
            while (said := read(self._process.answers, TOO_LONG_S))[0] is QUESTION:
                write(self._process.requests, self._teach(*said[1]))
            made, trace = said
        except TimeoutError:
            problem = f"it was not done after {TOO_LONG_S:g} seconds"
        except (EOFError, OSError, pickle.UnpicklingError):
            pass
        else:
            if trace:
                logger.error("%s could not be converted\n%s", self._in_hand[0].filename, trace)
            self._in_hand.popleft().finish(made)
            return
        self._start_again(problem)

    def _start_again(self, problem: str) -> None:
        """Put another process in the place of one that died or hangs; the message that it was at gets one more try."""
        self._process.end()
        ticket = self._in_hand[0]
        ticket.tries += 1
        if self.is_closing or ticket.tries > 1:
            self._in_hand.popleft().finish(internal_error(RuntimeError(problem)))
        if self.is_closing:
            while self._in_hand:
                self._in_hand.popleft().finish(internal_error(RuntimeError(problem)))
            return
        logger.warning("%s: %s; another process goes on", ticket.filename, problem)
        (self._process,) = start_processes(1)
        if self.is_closing:  # meanwhile
            self._process.kill()
        if self._greet():
            for ticket in self._in_hand:
                self._ask(ticket)
            return
        while self._in_hand:
            self._in_hand.popleft().convert_here(self._teach)
