"""The commands that work on a data folder: ingest, newsletters, reprocess."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from articles import newest
from click.testing import CliRunner, Result

from feedsvc.cli import main
from feedsvc.config import load_settings
from feedsvc.convert import convert
from feedsvc.model import StoredArticle
from feedsvc.store import open_store

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
DIGEST = FIXTURES / "digest-both-parts.eml"
ESSAY = FIXTURES / "essay.eml"
# What the splitter makes of the digest is the golden files' matter; here it is only counted.
IN_DIGEST = convert(DIGEST.read_bytes(), received=datetime(2024, 9, 4, tzinfo=UTC)).articles


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two good messages, one of them in a folder below, and what is no message."""
    folder = tmp_path / "mail"
    (folder / "2024").mkdir(parents=True)
    (folder / "digest.eml").write_bytes(DIGEST.read_bytes())
    (folder / "2024" / "essay.eml").write_bytes(ESSAY.read_bytes())
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xe0" * 100)
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "120"}).invoke(main, [str(argument) for argument in arguments])


def stored(data: Path) -> list[StoredArticle]:
    with open_store(load_settings(data=data).database_url) as store:
        return list(newest(store))


def test_ingest_takes_a_folder_and_says_how_much(folder: Path, data: Path) -> None:
    result = run("ingest", "--data", data, folder)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"2 new messages ({len(IN_DIGEST) + 1} articles), 0 duplicates, 0 rejected, 1 skipped\n"
    assert len(stored(data)) == 1 + sum(article.kind == "article" for article in IN_DIGEST)  # without sponsor and job
    assert len(list((data / "archive").rglob("*.eml"))) == 2
    assert (folder / "digest.eml").exists()


def test_ingest_twice_changes_nothing(folder: Path, data: Path) -> None:
    run("ingest", "--data", data, folder)
    before = stored(data)
    result = run("ingest", "--data", data, folder, ESSAY)
    assert result.exit_code == 0
    assert result.stdout == "0 new messages (0 articles), 3 duplicates, 0 rejected, 1 skipped\n"
    assert stored(data) == before


def test_ingest_names_what_it_rejects_with_the_reason(folder: Path, data: Path) -> None:
    broken = folder / "broken.eml"
    broken.write_bytes(b"")
    missing = folder / "missing.eml"
    photo = folder / "photo.jpg"
    result = run("ingest", "--data", data, broken, missing, photo, ESSAY)
    assert result.exit_code == 1
    assert "1 new message (1 article), 0 duplicates, 1 rejected, 1 skipped, 1 failed" in result.stdout
    told = sorted(result.stderr.splitlines())
    assert [line.split(": ")[1] for line in told] == ["failed", "rejected", "skipped"]
    assert str(missing) in told[0]
    assert "No such file" in told[0]
    assert "broken" in told[1]
    assert str(photo) in told[2]
    (reason,) = (data / "rejected").glob("*.reason.txt")
    assert reason.read_text().strip()


def test_newsletters_are_listed_with_how_much_there_is_of_each(folder: Path, data: Path) -> None:
    run("ingest", "--data", data, folder)
    result = run("newsletters", "--data", data)
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines() if "2024-09-03" in line]
    assert rows == [
        ["Ada", "Vestergaard", "from", "Slow", "Tools", "ada-vestergaard-from-slow-tools", "1", "1", "2024-09-03"],
        ["ByteBrief", "AI", "bytebrief-ai", "1", str(len(IN_DIGEST)), "2024-09-03"],
    ]


def test_reprocess_of_what_has_not_changed_changes_nothing(folder: Path, data: Path) -> None:
    run("ingest", "--data", data, folder)
    before = stored(data)
    result = run("reprocess", "--data", data)
    assert (result.exit_code, result.stdout) == (0, "0 updated, 2 unchanged, 0 rejected\n")
    assert stored(data) == before


def test_reprocess_makes_a_lost_database_anew_with_the_same_ids(folder: Path, data: Path) -> None:
    run("ingest", "--data", data, folder)
    before = stored(data)
    for file in data.glob("feedsvc.db*"):
        file.unlink()
    result = run("reprocess", "--data", data)
    assert (result.exit_code, result.stdout) == (0, "0 updated, 0 unchanged, 0 rejected, 2 new\n")
    assert [entry.article for entry in stored(data)] == [entry.article for entry in before]


def test_reprocess_says_what_cannot_be_converted_any_more_without_a_traceback(folder: Path, data: Path) -> None:
    run("ingest", "--data", data, folder)
    for file in (data / "archive").rglob("*.eml"):
        file.chmod(0o600)
        file.write_bytes(b"")
    result = run("reprocess", "--data", data)
    assert result.exit_code == 1
    assert "2 rejected" in result.stdout or "2 failed" in result.stdout
    assert "Traceback" not in result.stderr
    assert len(stored(data)) == 1 + sum(article.kind == "article" for article in IN_DIGEST)  # they keep what they have
