"""Programs of the system that some tests need."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(name: str, how: str) -> NoReturn:
    """Skip where this program is not installed; in CI, where all is expected to be there, fail."""
    message = f"{name} is not installed ({how})"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
