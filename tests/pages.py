"""A page as it is asked for and read, without a browser."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser


def page(client: FlaskClient, path: str, status: int = 200) -> LexborHTMLParser:
    """The page at this path, which is answered with this status."""
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    return LexborHTMLParser(answer.text)


def text(node: Any) -> str:
    """What a node says, on one line."""
    return " ".join(node.text().split())
