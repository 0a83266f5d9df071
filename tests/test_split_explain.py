"""`feedsvc convert --explain`: every block of a message is shown, with what it was taken for and why."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from feedsvc.cli import main
from feedsvc.convert import convert
from feedsvc.explain import explain, source
from feedsvc.model import Issue, Role

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
MESSAGES = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".eml", ".html", ".txt"})
DIGEST = FIXTURES / "digest-both-parts.eml"
ROW = rf" \d+ +(?:{'|'.join(get_args(Role))}) "


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, ["convert", "--explain", *map(str, arguments)])


def issue_of(message: Path) -> Issue:
    return convert(message.read_bytes(), received=datetime(2024, 9, 4, tzinfo=UTC), filename=message.name)


def rows(result: Result) -> list[list[str]]:
    """The table's rows, one list of cells for each block; what was wrapped onto a second line is left out."""
    return [re.split(r"\s{2,}", line) for line in result.stdout.splitlines() if re.match(ROW, line)]


def test_the_head_says_what_was_read_and_how_much_of_it() -> None:
    head = run(DIGEST).stdout.splitlines()[:6]
    assert head[0].startswith("ByteBrief AI: Open weather model")
    assert head[1].startswith("read from: html part, 47 blocks (")
    assert head[2:4] == ["articles:  11", "links:     11 of 11 in an article"]
    assert head[4].startswith("web page:  https://post.bytebrief.example/web-version")
    assert head[5] == "problems:  none"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.name)
def test_every_block_has_its_row_with_role_and_reason(message: Path) -> None:
    result = run(message)
    issue = issue_of(message)
    assert result.exit_code == 0
    found = rows(result)
    assert [row[0].strip() for row in found] == [str(number) for number in range(1, len(issue.readings) + 1)]
    assert all(len(row) >= 3 for row in found)
    assert all(len(line) <= 120 for line in result.stdout.splitlines()[6 : 6 + len(found)])
    assert "\x1b" not in result.stdout


def test_a_row_names_article_words_and_why() -> None:
    found = rows(run(DIGEST))
    linked = next(row for row in found if "Small models learn" in " ".join(row))
    assert linked[1:] == ["title", "4", "Small models learn to say that they do not…", "a head that is a link"]
    assert any(row[1:3] == ["section", "<heading> Research & Innovation"] for row in found)


def test_articles_follow_with_their_whole_links() -> None:
    text = run(DIGEST).stdout
    for number, article in enumerate(issue_of(DIGEST).articles, 1):
        assert re.search(rf"^ *{number}  {article.kind} +{re.escape(article.title)}$", text, re.MULTILINE)
        assert article.url
        assert re.search(rf"· {re.escape(article.url)}$", text, re.MULTILINE)


@pytest.mark.parametrize("name", ["essay.eml", "confirmation.eml"])
def test_the_blocks_of_one_text_belong_to_its_one_entry(name: str) -> None:
    text = run(FIXTURES / name).stdout
    assert "articles:  1, the whole mail\n" in text
    assert "belongs to no article" not in text


def test_source_is_told_by_the_blocks() -> None:
    assert source(issue_of(DIGEST)) == "html"
    assert source(issue_of(FIXTURES / "text-inline.txt")) == "text"


def test_problems_are_listed(tmp_path: Path) -> None:
    message = tmp_path / "odd.eml"
    message.write_bytes(
        b"From: A <a@a.example>\nSubject: Odd\nContent-Type: text/plain; charset=ascii\n\nGr\xfc\xdfe\n"
    )
    issue = issue_of(message)
    assert issue.problems
    text = run(message).stdout
    for problem in issue.problems:
        assert f"  {problem.code}: {problem.detail}" in text


def test_words_in_square_brackets_are_no_markup(tmp_path: Path) -> None:
    message = tmp_path / "brackets.eml"
    message.write_bytes(b"From: A <a@a.example>\nSubject: [red]Loud[/red]\n\n[bold]Hello[/bold] there, [/] all.\n")
    result = run(message)
    assert result.exit_code == 0
    assert "[red]Loud[/red]" in result.stdout
    assert "[bold]Hello[/bold] there, [/] all." in result.stdout


def test_colour_only_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    explain(issue_of(DIGEST), Console(force_terminal=True, width=120))
    assert "\x1b[" in capsys.readouterr().out


def test_what_cannot_be_read_is_named_and_the_others_are_shown(tmp_path: Path) -> None:
    empty = tmp_path / "empty.eml"
    empty.write_bytes(b"")
    result = run(empty, DIGEST)
    assert result.exit_code == 1
    assert str(empty) in result.stderr
    assert "ByteBrief AI: " in result.stdout
