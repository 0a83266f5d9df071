"""`feedsvc serve` for real: a process, a folder, a port, a feed reader's library, and a signal at the end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.request import Request, urlopen

import feedparser
import pytest
from waiting import until

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DIGEST = FIXTURES / "digest-both-parts.eml"
ESSAY = FIXTURES / "essay.eml"
PROGRAM = Path(sys.executable).with_name("feedsvc")

PROMISE_S = 3.0  # from the moment a file is finished until its articles are in the feed


class Server:
    """A running `feedsvc serve` on a free port, with what it has printed so far."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", str(data), "--port", "0", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self.printed: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        try:
            self.url = re.findall(r"http://[\d.]+:\d+", self.wait_for_line("Look at the articles"))[0]
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed.append(line)

    def wait_for_line(self, pattern: str, within_s: float = 20.0) -> str:
        found: list[str] = []

        def look() -> bool:
            found[:] = [line for line in self.printed if re.search(pattern, line)]
            return bool(found)

        assert until(look, within_s), f"no line like {pattern!r} in {self.printed}"
        return found[0]

    def titles(self, path: str = "/feed.xml") -> list[str]:
        with urlopen(self.url + path, timeout=10) as answer:
            feed = feedparser.parse(answer.read())
        assert not feed.bozo
        return [entry.title for entry in feed.entries]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(20)
        self._reader.join(5)
        return status


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "data") as server:
        yield server


def test_it_says_where_to_drop_and_where_to_subscribe(server: Server) -> None:
    assert server.wait_for_line("Drop newsletters into").split()[-1] == str(server.data / "inbox")
    assert server.wait_for_line("Subscribe").split()[-1] == f"{server.url}/feed.xml"
    assert server.titles() == []
    with urlopen(server.url + "/", timeout=10) as page:
        assert str(server.data / "inbox") in page.read().decode("utf-8")


def test_what_is_moved_into_the_inbox_is_in_the_feed_within_three_seconds(server: Server) -> None:
    before = server.data / "inbox" / ".digest.eml.part"
    before.write_bytes(DIGEST.read_bytes())
    dropped = time.monotonic()
    before.rename(server.data / "inbox" / "digest.eml")
    assert until(lambda: len(server.titles()) >= 9, PROMISE_S), server.printed
    assert time.monotonic() - dropped <= PROMISE_S
    assert server.titles()[0] == "Orbital Labs opens its weather model to everyone"
    server.wait_for_line(r" ByteBrief AI: 1\d articles from digest\.eml$")
    with urlopen(server.url + "/metrics", timeout=10) as answer:
        assert 'feedsvc_intake_messages_total{way="folder"} 1.0' in answer.read().decode()
    assert server.end() == 0


def test_what_is_written_slowly_is_taken_once_it_is_whole(server: Server) -> None:
    data = ESSAY.read_bytes()
    with (server.data / "inbox" / "essay.eml").open("wb") as file:
        for start in range(0, len(data), len(data) // 6):
            file.write(data[start : start + len(data) // 6])
            file.flush()
            time.sleep(0.4)
            assert server.titles() == []  # half a message would be an entry too
    finished = time.monotonic()
    assert until(lambda: bool(server.titles()), PROMISE_S), server.printed
    assert time.monotonic() - finished <= PROMISE_S
    assert server.titles() == ["The second drawer"]
    assert server.end() == 0


def test_what_cannot_be_read_is_named_with_its_reason_and_holds_up_nothing(server: Server) -> None:
    inbox = server.data / "inbox"
    (inbox / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 100)
    (inbox / "essay.eml").write_bytes(ESSAY.read_bytes())
    assert until(lambda: server.titles() == ["The second drawer"]), server.printed
    assert "no message" in server.wait_for_line(r"rejected photo\.jpg: ")
    assert (server.data / "rejected" / "photo.jpg.reason.txt").exists()


def test_what_comes_again_is_named_by_its_file(server: Server) -> None:
    for name in ("essay.eml", "again.eml"):
        (server.data / "inbox" / name).write_bytes(ESSAY.read_bytes())
        line = server.wait_for_line(rf" {name}( |$)")
    assert re.fullmatch(r"\S+ \S+ again\.eml was here before\n", line)
    assert server.titles() == ["The second drawer"]


def test_it_ends_by_control_c_and_the_next_start_shows_the_same(server: Server) -> None:
    (server.data / "inbox" / "essay.eml").write_bytes(ESSAY.read_bytes())
    assert until(lambda: bool(server.titles()))
    assert server.end(signal.SIGINT) == 0
    assert not any("Traceback" in line for line in server.printed)
    (server.data / "inbox" / "digest.eml").write_bytes(DIGEST.read_bytes())  # dropped while nothing runs

    with Server(server.data) as again:
        assert until(lambda: len(again.titles()) == 10), again.printed
        assert again.end() == 0


@pytest.mark.parametrize("proxies", [0, 1])
def test_what_a_trusted_proxy_says_of_the_address_is_believed(tmp_path: Path, proxies: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "feedsvc.toml").write_text(f'trusted_proxies = {proxies}\nallowed_hosts = "feeds.example.org"\n')
    said = {"Host": "feeds.example.org", "Proto": "https", "Prefix": "/mail", "For": "192.0.2.7"}
    with Server(data) as server:
        asked = Request(f"{server.url}/feed.json", headers={f"X-Forwarded-{name}": text for name, text in said.items()})
        for _ in range(2):
            with urlopen(asked, timeout=10) as answer:
                address = json.load(answer)["feed_url"]
            assert address == ("https://feeds.example.org/mail" if proxies else server.url) + "/feed.json"


def test_a_port_in_use_is_one_line_with_a_remedy(server: Server, tmp_path: Path) -> None:
    port = server.url.rsplit(":", 1)[1]
    second = subprocess.run(
        [PROGRAM, "serve", "--data", tmp_path / "other", "--port", port],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == (
        f"feedsvc: port {port} of 127.0.0.1 is in use. "
        "Stop the program that uses it, or choose another port with --port.\n"
    )


def test_a_host_that_is_not_here_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    result = subprocess.run(
        [PROGRAM, "serve", "--data", tmp_path / "data", "--host", "192.0.2.1", "--allow-public", "--port", "0"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout) == (1, "")
    assert re.fullmatch(r"feedsvc: cannot serve on 192\.0\.2\.1: .*--host\.\n", result.stderr)
