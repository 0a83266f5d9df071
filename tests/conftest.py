"""Fixtures that every test may use."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as examples

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.store import Store, open_store
from feedsvc.web import create_app

if TYPE_CHECKING:
    from browser import Opener, Served
    from playwright.sync_api import Browser

# How long one example takes says more of the machine than of the code; what must be quick has a test of its own.
examples.register_profile("feedsvc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
examples.load_profile("feedsvc")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real newsletters that lies beside the checkout; tests that need it skip where it is absent."""
    folder = ROOT.parent / "shared"
    if not (folder / "corpus").is_dir():
        pytest.skip("the corpus of real newsletters is not beside this checkout")
    return folder


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the one option of this project's tests."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write what convert gives now into fixtures/*.json; read the diff before you commit it",
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be rewritten, on purpose."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The settings of a data folder of the test's own, whose folders are made."""
    made = load_settings(data=tmp_path / "data")
    prepare_folders(made)
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store of `settings`, which a module may have of its own; nothing is in it yet."""
    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture
def client(settings: Settings, store: Store) -> FlaskClient:
    """Asks the pages of `settings` and `store`."""
    return create_app(settings, store).test_client()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests of this process; see `browser`."""
    from browser import started_chromium

    with started_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def library_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the fixtures in it, to be copied; see `library`."""
    from library import make_library

    return make_library(tmp_path_factory.mktemp("library") / "data").data


@pytest.fixture(scope="session")
def library(library_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with the fixtures in its store, for tests that change nothing."""
    from browser import served

    data = shutil.copytree(library_data, tmp_path_factory.mktemp("served") / "data")
    with served(data) as running:
        yield running


@pytest.fixture
def own_library(library_data: Path, tmp_path: Path) -> Iterator[Served]:
    """As `library`, for one test, which may change it; it takes in what is uploaded or put into its inbox."""
    from browser import served

    with served(shutil.copytree(library_data, tmp_path / "data"), watching=True) as running:
        yield running


@pytest.fixture
def empty_library(tmp_path: Path) -> Iterator[Served]:
    """As `own_library`, with nothing in it yet."""
    from browser import served

    with served(tmp_path / "data", watching=True) as running:
        yield running


@pytest.fixture
def opener(chromium: Browser) -> Iterator[Opener]:
    """Opens a server's pages in the browser: `opener(library, "/", phone=True)`.

    At the test's end it fails where any page that was opened had an error in its console, a request that failed, or a
    request to another host.
    """
    from browser import opened

    with ExitStack() as stack:

        def open_page(server: Served, path: str = "/", **wishes: Any) -> Any:
            return stack.enter_context(opened(chromium, server, path, **wishes))

        yield open_page
