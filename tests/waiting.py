"""Waiting for what another thread, process or server does: until it is so, not for as long as it mostly takes."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 60.0  # what takes longer has failed, on however busy a machine
_LOOK_EVERY_S = 0.02


def until(condition: Callable[[], object], within_s: float = PATIENCE_S) -> bool:
    """Whether this becomes true in time. `within_s` is given only where the time itself is promised."""
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_LOOK_EVERY_S)
    return True
