"""Golden pairs: each message in fixtures/ beside the JSON that it must become.

The JSON is the line of `feedsvc convert --format articles`, and each article's `content_html`. It is rewritten only on
purpose, by `pytest tests/test_golden.py --update-golden`, and the diff is read before it is committed.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedsvc.convert import convert
from feedsvc.publish.issue_json import issue_record

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
MESSAGES = sorted(path for path in FIXTURES.iterdir() if path.suffix in {".eml", ".html", ".txt", ".md"})
RECEIVED = datetime(2024, 9, 4, tzinfo=UTC)
# Pairs whose JSON is right, as read by hand, and which convert does not reach yet; a line goes once it does.
KNOWN_WRONG: dict[str, str] = {}
LINE_ENDS = {"LF": b"\n", "CRLF": b"\r\n"}


def golden_record(message: Path, line_end: bytes) -> dict[str, Any]:
    """What a message becomes when its lines end so."""
    data = message.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", line_end)
    issue = convert(data, received=RECEIVED, filename=message.name)
    record = issue_record(issue)
    for described, article in zip(record["articles"], issue.articles, strict=True):
        described["content_html"] = article.content_html
    return record


def test_every_kind_of_message_has_a_pair() -> None:
    names = {message.stem for message in MESSAGES}
    assert len(names) == len(MESSAGES)
    assert names == {path.stem for path in FIXTURES.glob("*.json")}
    assert len(names) >= 8


def test_line_ends_make_no_difference() -> None:
    for message in MESSAGES:
        assert golden_record(message, b"\n") == golden_record(message, b"\r\n")


@pytest.mark.parametrize("line_end", LINE_ENDS)
@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.name)
def test_message_becomes_its_json(
    message: Path, line_end: str, update_golden: bool, request: pytest.FixtureRequest
) -> None:
    golden = message.with_suffix(".json")
    record = golden_record(message, LINE_ENDS[line_end])
    if message.stem in KNOWN_WRONG:
        request.applymarker(pytest.mark.xfail(strict=True, raises=AssertionError, reason=KNOWN_WRONG[message.stem]))
    elif update_golden and line_end == "LF":
        golden.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert record == json.loads(golden.read_text(encoding="utf-8"))
