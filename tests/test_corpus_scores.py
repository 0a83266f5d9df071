"""Quality cannot sink unseen: the scores over the labelled newsletters beside this checkout, against pinned floors.

Scoring is that of the scripts beside the corpus; only their call of the command line is answered here, in this process.
A floor is what is asked for, or a little under what was reached, whichever is higher. Raise the floors when the scores rise.
"""

from __future__ import annotations

import importlib.util
import json
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from feedsvc.convert import convert
from feedsvc.publish.issue_json import issue_record

RECEIVED = datetime(2026, 1, 1, tzinfo=UTC)
FLOORS = {
    "precision": 0.952,
    "recall": 0.942,
    "f1": 0.944,
    "url": 0.944,
    "title": 0.971,
    "case": 0.977,
    "read": 0.99,
    "kind": 0.95,
    "section": 0.893,
    "summary": 0.95,
    "perfect": 0.489,
}
TLDR_FLOORS = {"recall": 0.997, "precision": 0.999, "perfect": 0.97, "read": 0.999, "sponsor": 0.999}
TLDR_MAX_SHOUTING = 0.001


def record_of(message: Path) -> dict[str, Any]:
    return issue_record(convert(message.read_bytes(), received=RECEIVED, filename=message.name))


def run_in_process(command: list[str], **_: object) -> SimpleNamespace:
    """Stands in for the call of `feedsvc convert --format articles FILE...` in the scoring scripts."""
    records = (record_of(Path(name)) for name in command[1:])
    return SimpleNamespace(stdout="".join(f"{json.dumps(record)}\n" for record in records), returncode=0)


def script(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scoring_{path.stem}", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.__dict__["subprocess"] = SimpleNamespace(run=run_in_process, PIPE=subprocess.PIPE)
    return module


def scores(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> dict[str, float]:
    script(path).main([*map(str, arguments), "--json", "--cmd", shlex.quote("convert")])
    found: dict[str, float] = json.loads(capsys.readouterr().out)
    return found


def below(found: dict[str, float], floors: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Each measure that is under its floor, with both figures."""
    return {name: (found[name], floor) for name, floor in floors.items() if found[name] < floor}


def test_labelled_newsletters(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(shared / "eval" / "score.py", capsys, "--corpus", shared / "corpus")
    assert found["messages"] >= 49
    assert below(found, FLOORS) == {}


def test_issues_that_declare_their_items(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = scores(shared / "eval" / "tldr.py", capsys, "--dir", shared / "corpus-tldr")
    assert found["items"] >= 1500
    assert below(found, TLDR_FLOORS) == {}
    assert found["shout"] <= TLDR_MAX_SHOUTING


def labelled(corpus: Path) -> list[tuple[Path, list[dict[str, Any]]]]:
    """Each labelled message with the entries that a careful reader would not leave out."""
    found = []
    for gold in sorted(corpus.rglob("*.gold.json")):
        stem = gold.name.removesuffix(".gold.json")
        message = next(path for end in (".eml", ".html", ".txt") if (path := gold.with_name(stem + end)).exists())
        entries = json.loads(gold.read_text(encoding="utf-8"))["articles"]
        found.append((message, [entry for entry in entries if not entry.get("optional")]))
    return found


def test_an_essay_is_one_article_and_a_message_one_entry(shared: Path) -> None:
    wrong = []
    kinds = []
    for message, entries in labelled(shared / "corpus"):
        if len(entries) != 1:
            continue
        expected = entries[0].get("kind", "article")
        kinds.append(expected)
        given = [article["kind"] for article in record_of(message)["articles"]]
        if given != [expected]:
            wrong.append(f"{message.name}: {given} instead of one {expected}")
    assert wrong == []
    assert kinds.count("article") >= 5
    assert kinds.count("message") >= 1
