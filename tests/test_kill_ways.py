"""A small version of `at_scale.py`: messages through each way in while the process is killed."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
from at_scale import WAYS, run_way

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists() or not hasattr(signal, "SIGKILL"), reason="Linux"
)


@pytest.mark.parametrize("way", WAYS)
def test_killed_on_the_way_every_message_is_there_once(way: str, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    running, _ = run_way(way, tmp_path, 250, 3, seed)
    assert running.kills > 0, f"seed {seed}"
