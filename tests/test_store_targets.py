"""The step that brings an older database to where it can keep targets and images."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine, inspect, text

from feedsvc.store import open_store
from feedsvc.store.migrations import MIGRATIONS
from feedsvc.store.schema import attempts, images, issues, targets

NAME = "where click-trackers lead is kept, and the images within messages"


def test_the_step_makes_what_a_new_database_has(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'feeds.db'}"
    open_store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in (targets, attempts, images):
            connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(text("DROP INDEX articles_tracked"))
        connection.execute(text("ALTER TABLE issues DROP COLUMN inline_images"))
        step = next(step for step in MIGRATIONS if step.reason == NAME)
        step.apply(connection)
    found = inspect(engine)
    for table in (targets, attempts, images):
        assert [c["name"] for c in found.get_columns(table.name)] == [c.name for c in table.columns]
    assert "articles_tracked" in {index["name"] for index in found.get_indexes("articles")}
    assert {c.name for c in issues.columns} == {c["name"] for c in found.get_columns("issues")}
    engine.dispose()
    with open_store(url) as store:
        assert store.due_articles(datetime.now(UTC)) == ()
        assert store.target("https://example.com/") is None
        assert store.inline_image("0" * 40) is None
