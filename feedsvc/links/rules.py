"""The tables of links/, read once from the TOML files beside this module.

Knowledge about trackers, parameters and addresses is data: each line of those files says where it was seen.
"""

from __future__ import annotations

import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """The contents of `<name>.toml` in this package."""
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=8192)
def parents(host: str) -> tuple[str, ...]:
    """`host` and each domain above it that has a dot: `a.b.example` gives `a.b.example` and `b.example`."""
    labels = host.split(".")
    return (host, *(".".join(labels[n:]) for n in range(1, len(labels) - 1)))
