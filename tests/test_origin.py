"""A page of another site changes nothing here; programs and our own pages do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from feedsvc.config import load_settings
from feedsvc.store import open_store
from feedsvc.web import create_app

OURS = "http://localhost"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    settings = load_settings(data=tmp_path_factory.mktemp("data"), resolve="never")
    with open_store(settings.database_url) as store:
        yield create_app(settings, store)


@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({}, True),  # a program
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": OURS}, False),
        ({"Origin": OURS}, True),
        ({"Origin": "http://LOCALHOST"}, True),
        ({"Origin": "http://localhost:81"}, False),
        ({"Origin": "https://evil.example.com"}, False),
        ({"Origin": "http://localhost.evil.example.com"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": "http://[::1"}, False),
    ],
)
def test_who_may_change_something(app: Flask, headers: dict[str, str], let_in: bool) -> None:
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            path = rule.rule.replace("<", "").replace(">", "")
            with client.open(path, method=method, headers=headers) as answer:
                foreign = answer.status_code == 403 and "another site" in answer.get_data(as_text=True)
                assert foreign is not let_in, (method, path)


def test_the_address_that_a_proxy_is_known_by_is_ours(tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path, base_url="https://news.example.org/feeds", resolve="never")
    with open_store(settings.database_url) as store:
        client = create_app(settings, store).test_client()
        for origin, status in (("https://news.example.org", 303), ("https://other.example.org", 403)):
            with client.post("/logout", headers={"Origin": origin, "Host": "127.0.0.1:8080"}) as answer:
                assert answer.status_code == status


def test_reading_is_open_to_all(app: Flask) -> None:
    with app.test_client().get("/", headers={"Sec-Fetch-Site": "cross-site"}) as answer:
        assert answer.status_code == 200
