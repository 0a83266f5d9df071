"""How fast messages are taken in: `python tests/bench_ingest.py [FOLDER] [--repeat N] [--workers N ...]`.

Prints the messages a second of `feedsvc ingest` (read, spool, convert, store, archive, all synced to the disk) into a
new data folder, with one process that converts and with two; without a folder, of 200 made digests of 55 kB with 20
items. And how long `convert` takes beside what the bare decoding of the same bytes takes: mail-parser for a mail, UTF-8
for a saved body. Both are measured in turns, message by message, in one run, so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import mailparser
from digests import write_folder

from feedsvc.config import load_settings, prepare_folders
from feedsvc.convert import convert
from feedsvc.errors import MessageError
from feedsvc.ingest import IngestReport, ingest_paths
from feedsvc.intake.files import BODY_SUFFIXES, find_files, iter_messages
from feedsvc.store import open_store


def timed(work: Callable[[], object]) -> float:
    """Seconds that this takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def convert_or_refuse(data: bytes, name: str) -> None:
    """Convert a message, as ingest does; a refusal counts as work too."""
    with contextlib.suppress(MessageError):
        convert(data, received=datetime.now(UTC), filename=name)


def decode_only(data: bytes, name: str) -> object:
    """What a program must do at the least to have the text of a message."""
    if Path(name).suffix.lower() in BODY_SUFFIXES:
        return data.decode("utf-8", "replace")
    message = mailparser.parse_from_bytes(data)
    return message.text_plain, message.text_html


def ingest_into_new_folder(source: Path, workers: int) -> tuple[float, IngestReport]:
    """Seconds, and what became of the messages."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=folder, workers=workers)
        prepare_folders(settings)
        with open_store(settings.database_url) as store:
            started = time.perf_counter()
            report = ingest_paths([source], settings, store)
            return time.perf_counter() - started, report


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=Path, nargs="?")
    arguments.add_argument(
        "--workers", type=int, nargs="*", default=[1, 2], help="processes that convert (default 1 2)"
    )
    arguments.add_argument("--repeat", type=int, default=3, help="rounds; the median counts (default 3)")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as made:
        measure(given.folder or write_folder(Path(made), 200), given.repeat, given.workers, arguments)


def measure(folder: Path, repeat: int, workers: list[int], arguments: argparse.ArgumentParser) -> None:
    """Measure the messages in this folder, and print."""
    messages = [message for path in find_files([folder]) for message in iter_messages(path)]
    if not messages:
        arguments.error(f"{folder} holds no messages")
    convert_or_refuse(*messages[0])  # tables are loaded once
    decode_only(*messages[0])

    size = sum(len(data) for data, _ in messages)
    print(f"{len(messages)} messages, {size / len(messages) / 1000:.1f} kB each")
    for processes in workers:
        rates = []
        for _ in range(repeat):
            seconds, report = ingest_into_new_folder(folder, processes)
            rates.append(len(messages) / seconds)
        print(
            f"ingest   {statistics.median(rates):8.1f} messages a second with {processes} converting"
            f"   ({report.articles} articles; {report.count('rejected')} rejected, {report.count('skipped')} skipped)"
        )
    converting, decoding = [], []
    for _ in range(repeat):
        converted = decoded = 0.0
        for data, name in messages:
            converted += timed(lambda data=data, name=name: convert_or_refuse(data, name))  # type: ignore[misc]
            decoded += timed(lambda data=data, name=name: decode_only(data, name))  # type: ignore[misc]
        converting.append(converted)
        decoding.append(decoded)
    convert_ms = statistics.median(converting) / len(messages) * 1000
    decode_ms = statistics.median(decoding) / len(messages) * 1000
    print(f"convert  {convert_ms:8.2f} ms a message")
    print(f"decode   {decode_ms:8.3f} ms a message   (mail-parser, or UTF-8 for saved bodies)")
    print(f"ratio    {convert_ms / decode_ms:8.1f}")
    print(f"memory   {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB at the most")


if __name__ == "__main__":
    main()
