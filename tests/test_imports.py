"""The walls of the house: imports go one way, and nothing below `convert` touches the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# The rooms, lowest first: a room may import from its own storey and from those before it. `config` serves the
# storeys that touch the world, and knows only `errors`.
STOREYS: tuple[frozenset[str], ...] = (
    frozenset({"model", "errors"}),
    frozenset({"links", "enrich", "mail", "document"}),
    frozenset({"split"}),
    frozenset({"convert", "articles"}),
    frozenset({"store", "publish", "config", "rules", "lessons", "ways"}),
    frozenset({"intake", "worker", "converter", "batches", "ingest", "reprocess", "resolve", "unsubscribe"}),
    frozenset({"watching", "web", "serve", "explain", "terminal", "mail_cli", "cli"}),
)
STOREY = {room: number for number, rooms in enumerate(STOREYS) for room in rooms}
PURE = frozenset().union(*STOREYS[:4])

# Disk, network, clock, database, chance, processes, and output other than a return value.
WORLD = frozenset(
    name
    for line in (
        "os pathlib shutil tempfile glob fileinput mmap fcntl sqlite3 dbm shelve sqlalchemy psycopg",
        "socket ssl select selectors asyncio socketserver http urllib.request urllib3 requests httpx",
        "ftplib smtplib imaplib poplib time sched signal random secrets",
        "subprocess multiprocessing threading concurrent logging",
        "flask werkzeug waitress watchdog click rich pydantic_settings",
    )
    for name in line.split()
)
WORLD_CALLS = frozenset({"open", "print", "input", "datetime.now", "datetime.utcnow", "date.today", "datetime.today"})
WORLD_CALLS |= {"uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4"}
# mail-parser logs a line for each odd part; mail/ silences it, and says the same as a Problem.
ALLOWED = frozenset(
    {("mail", "logging"), ("ways", "pydantic_settings.NoDecode"), ("terminal", "click"), ("mail_cli", "click")}
)

ONLY_IN = {
    "mailparser": "mail",
    "feedgen": "publish",
    "sqlalchemy": "store",
    "flask": "web",
    "watchdog": "intake",
    "click": "cli",
    "pydantic_settings": "config",  # and `ways`, its settings
    "imapclient": "intake",
    "aiosmtpd": "intake",
}


def imported(tree: ast.AST, package: str) -> Iterator[str]:
    """The full dotted names that a module imports, wherever in it; `package` is what a relative import starts from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]) if base else ".".join(above)
            yield from (f"{base}.{alias.name}" for alias in node.names)


def under(name: str, module: str) -> bool:
    """Whether a dotted name is `module` or something in it."""
    return name == module or name.startswith(f"{module}.")


def called(tree: ast.AST) -> Iterator[str]:
    """What a module calls, each as its last two dotted names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ".".join(ast.unparse(node.func).split(".")[-2:])


def violations(source: str, path: Path) -> list[str]:
    """What one module does against the direction; `path` is its place, starting with `feedsvc/`."""
    tree = ast.parse(source)
    room = "" if path.parts[1:] == ("__init__.py",) else path.parts[1].removesuffix(".py")
    found = []
    for name in imported(tree, ".".join(path.parts[:-1])):
        parts = name.split(".")
        if parts[0] == "feedsvc" and len(parts) > 1 and parts[1] != "__version__":
            other = parts[1]
            if other not in STOREY:
                found.append(f"{path}: imports {name}, a room that is on no storey")
            elif not room or STOREY[other] > STOREY[room]:
                found.append(f"{path}: imports {name}, which stands above it")
            elif room == "config" and other not in ("errors", "ways"):
                found.append(f"{path}: imports {name}, but config knows only errors and its settings")
        if room in PURE and any(under(name, module) for module in WORLD) and (room, name) not in ALLOWED:
            found.append(f"{path}: imports {name}, but {room} must not touch the world")
        found += [
            f"{path}: imports {name}, but only {home} may"
            for module, home in ONLY_IN.items()
            if under(name, module) and room != home and (room, name) not in ALLOWED
        ]
    if room in PURE:
        found += [
            f"{path}: calls {call}, but {room} must not touch the world" for call in called(tree) if call in WORLD_CALLS
        ]
    return found


MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "feedsvc").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_module_keeps_the_direction(path: Path) -> None:
    assert violations((ROOT / path).read_text(encoding="utf-8"), path) == []


def test_every_room_has_a_storey() -> None:
    rooms = {path.parts[1].removesuffix(".py") for path in MODULES} - {"__init__", "__main__"}
    assert rooms <= set(STOREY)


def test_rooms_do_not_import_in_circles() -> None:
    needs: dict[str, set[str]] = {}
    for path in MODULES:
        room = path.parts[1].removesuffix(".py")
        names = imported(ast.parse((ROOT / path).read_text(encoding="utf-8")), ".".join(path.parts[:-1]))
        others = {name.split(".")[1] for name in names if name.startswith("feedsvc.")} & set(STOREY)
        needs.setdefault(room, set()).update(others - {room})
    assert list(TopologicalSorter(needs).static_order())  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("feedsvc/links/unwrap.py", "from feedsvc.convert import convert"),
        ("feedsvc/links/unwrap.py", "from ..split import sections"),
        ("feedsvc/convert.py", "def f():\n    from feedsvc import store"),
        ("feedsvc/store/schema.py", "import feedsvc.web.app"),
        ("feedsvc/config.py", "from feedsvc.model import Issue"),
        ("feedsvc/__init__.py", "from .convert import convert"),
        ("feedsvc/convert.py", "from feedsvc.cellar import wine"),
        ("feedsvc/mail/parse.py", "import os.path"),
        ("feedsvc/model.py", "from pathlib import Path"),
        ("feedsvc/document/html.py", "from urllib.request import urlopen"),
        ("feedsvc/document/html.py", "from urllib import request"),
        ("feedsvc/split/items.py", "import time as clock"),
        ("feedsvc/enrich/case.py", "import logging"),
        ("feedsvc/convert.py", "import datetime\nx = datetime.datetime.now(datetime.UTC)"),
        ("feedsvc/links/rules.py", "x = open('rules.toml')"),
        ("feedsvc/document/html.py", "import mailparser"),
        ("feedsvc/web/feeds.py", "from feedgen.feed import FeedGenerator"),
        ("feedsvc/ingest.py", "import sqlalchemy as sa"),
    ],
)
def test_a_planted_violation_is_caught(place: str, source: str) -> None:
    assert len(violations(source, Path(place))) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("feedsvc/links/rules.py", "from importlib.resources import files\nimport tomllib"),
        (
            "feedsvc/mail/parse.py",
            "from datetime import UTC, datetime\nimport mailparser\nfrom feedsvc.model import Message",
        ),
        ("feedsvc/convert.py", "from feedsvc import split\nfrom feedsvc.errors import MessageError"),
        ("feedsvc/document/html.py", "from urllib.parse import urlsplit\nfrom .css import style"),
        ("feedsvc/cli.py", "import os, click\nfrom feedsvc import __version__\nfrom feedsvc.web import create_app"),
    ],
)
def test_what_is_right_passes(place: str, source: str) -> None:
    assert violations(source, Path(place)) == []
