"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long one example takes says more of the machine than of the code; what must be quick has a test of its own.
settings.register_profile("feedsvc", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("feedsvc")

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
