"""The command line: what it prints, on which stream, and with which exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import feedparser
import pytest
from click.testing import CliRunner, Result

from feedsvc import __version__
from feedsvc.cli import main

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DIGEST = FIXTURES / "digest-both-parts.eml"
ESSAY = FIXTURES / "essay.eml"
PROGRAM = Path(sys.executable).with_name("feedsvc")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, [str(argument) for argument in arguments], input=stdin)


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout_bytes.decode("utf-8").splitlines()]


def mbox_of(*messages: Path) -> bytes:
    leading = b"From sender@example.org Tue Sep  3 13:08:14 2024\n"
    return b"".join(leading + message.read_bytes().replace(b"\nFrom ", b"\n>From ") + b"\n" for message in messages)


def test_version() -> None:
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"feedsvc {__version__}\n")


@pytest.mark.parametrize("group", [[], ["addresses"], ["newsletters"], ["tokens"]])
def test_help_lists_commands_by_whole_sentences(group: list[str]) -> None:
    listed = run(*group, "--help").stdout.partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed
    assert len(re.findall(r"^  \w", listed, re.MULTILINE)) == len(re.findall(r"\.$", listed, re.MULTILINE))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom feedsvc.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'flask', 'sqlalchemy', 'pydantic', 'rich', 'lxml', 'selectolax', 'waitress', 'mailparser'}\n"
        "assert not heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, capture_output=True)


def test_an_unknown_command_or_format_is_status_2() -> None:
    assert run("conver").exit_code == 2
    assert run("convert", "--format", "xml", DIGEST).exit_code == 2
    assert run("convert").exit_code == 2


def test_articles_is_the_contract_of_the_readme_with_its_keys_in_order() -> None:
    result = run("convert", "--format", "articles", DIGEST)
    assert (result.exit_code, result.stderr) == (0, "")
    (issue,) = (json.loads(line) for line in result.stdout_bytes.decode("utf-8").splitlines())
    assert list(issue) == ["newsletter", "subject", "sent", "message_id", "web_url", "articles", "links", "problems"]
    assert list(issue["newsletter"]) == ["name", "slug", "address", "list_id"]
    keys = "id kind title url url_state summary read_minutes read_source section label image"
    assert all(list(article) == keys.split() for article in issue["articles"])
    assert issue["sent"] == "2024-09-03T13:08:14+00:00"
    assert issue["newsletter"]["address"] == "hello@bytebrief.example"
    assert "⛅".encode() in result.stdout_bytes  # letters stand as themselves, not as \\u escapes


def test_articles_gives_one_line_for_each_message_in_the_order_of_the_arguments(tmp_path: Path) -> None:
    mbox = tmp_path / "two.mbox"
    mbox.write_bytes(mbox_of(ESSAY, DIGEST))
    result = run("convert", "--format", "articles", DIGEST, mbox, ESSAY)
    subjects = [str(line["subject"])[:8] for line in lines(result)]
    assert subjects == ["Open wea", "The seco", "Open wea", "The seco"]


def test_what_cannot_be_read_has_its_line_and_holds_up_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.eml"
    empty.write_bytes(b"")
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8\xff\xe0" * 100)
    missing = tmp_path / "missing.eml"
    result = run("convert", "--format", "articles", empty, missing, tmp_path, photo, ESSAY)
    assert result.exit_code == 1
    found = [line.get("error") for line in lines(result)]
    assert [isinstance(error, dict) and sorted(error) == ["code", "detail"] for error in found] == [True] * 4 + [False]
    assert [error["code"] for error in found if isinstance(error, dict)][1:] == ["no-file", "no-file", "no-message"]
    told = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in told] == [str(empty), str(missing), str(tmp_path), str(photo)]
    assert "No such file" in told[1]


@pytest.mark.parametrize(("form", "kind"), [("atom", "atom10"), ("rss", "rss20"), ("json", None)])
def test_a_feed_holds_the_articles_of_all_messages_given(form: str, kind: str | None) -> None:
    result = run("convert", "--format", form, ESSAY, DIGEST)
    assert (result.exit_code, result.stderr) == (0, "")
    if kind is None:
        titles = [item["title"] for item in json.loads(result.stdout_bytes)["items"]]
    else:
        feed = feedparser.parse(result.stdout_bytes)
        assert (feed.bozo, feed.version) == (False, kind)
        titles = [entry.title for entry in feed.entries]
    assert titles[0] == "Orbital Labs opens its weather model to everyone"  # sent eight minutes after the essay
    assert titles[-1] == "The second drawer"
    assert not any("clusters" in title for title in titles)  # the sponsor


def test_atom_is_the_default() -> None:
    assert run("convert", ESSAY).stdout_bytes == run("convert", "--format", "atom", ESSAY).stdout_bytes


def test_a_feed_of_nothing_that_could_be_read_is_not_printed(tmp_path: Path) -> None:
    result = run("convert", tmp_path / "missing.eml")
    assert (result.exit_code, result.stdout_bytes) == (1, b"")


def test_text_is_a_table_for_people_and_plain_where_it_is_piped() -> None:
    result = run("convert", "--format", "text", DIGEST)
    assert result.exit_code == 0
    text = result.stdout_bytes.decode("utf-8")
    row = next(line for line in text.splitlines() if "Small models learn" in line)
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == [
        "Small models learn to say that they do not know",
        "18 min",
        "Research & Innovation",
        "papers.example",
        "article",
    ]
    assert "\x1b" not in text
    assert all(len(line) <= 120 for line in text.splitlines())


def test_text_takes_a_title_in_square_brackets_as_it_stands(tmp_path: Path) -> None:
    message = tmp_path / "brackets.eml"
    message.write_bytes(b"From: A <a@a.example>\nSubject: [red]Loud[/red] [/]\n\nHello there.\n")
    assert "[red]Loud[/red] [/]" in run("convert", "--format", "text", message).stdout


def test_standard_input_is_one_message() -> None:
    result = run("convert", "--format", "articles", "-", stdin=ESSAY.read_bytes())
    assert [line["subject"] for line in lines(result)] == ["The second drawer"]


def test_output_is_utf8_whatever_the_locale_says() -> None:
    result = subprocess.run(
        [PROGRAM, "convert", "--format", "text", DIGEST],
        check=True,
        capture_output=True,
        env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PATH": ""},
    )
    assert "⛅" in result.stdout.decode("utf-8")


@pytest.mark.parametrize("form", ["articles", "atom", "text"])
def test_a_reader_that_leaves_ends_the_command_quietly(form: str) -> None:
    with subprocess.Popen(
        [PROGRAM, "convert", "--format", form, *[str(DIGEST)] * 20], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


def test_newsletters_of_an_empty_folder_says_what_to_do(data: Path) -> None:
    result = run("newsletters", "--data", data)
    assert result.exit_code == 0
    assert "No newsletters yet" in result.stdout


def test_a_wrong_setting_is_one_line_and_status_1(data: Path) -> None:
    data.mkdir()
    (data / "feedsvc.toml").write_text("prot = 1")
    result = run("newsletters", "--data", data)
    assert result.exit_code == 1
    assert result.stderr == f"feedsvc: {data}/feedsvc.toml: there is no setting named prot. Did you mean port?\n"


def test_debug_shows_the_traceback(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_DEBUG", "1")
    data.mkdir()
    (data / "feedsvc.toml").write_text("prot = 1")
    result = run("newsletters", "--data", data)
    assert type(result.exception).__name__ == "SettingsError"
