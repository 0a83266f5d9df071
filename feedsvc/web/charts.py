"""Charts as SVG, made on the server: bars, stacked or not, and a heat map.

They hold shapes only, which stretch to any width; the words stand beside them as HTML, so that they keep their size on a
phone. Colours come from classes of the stylesheet, because no inline style is let in. Each chart has a title and a
description for who cannot see it, and each shape says its numbers on hover; the page gives the numbers as a table too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

_STEP: Final = 10
_BAR: Final = 8
_HEIGHT: Final = 100
HEAT_LEVELS: Final = 5


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: what it says on hover, and the sizes of its parts from the bottom up."""

    words: str
    parts: tuple[float, ...]


def bar_chart(name: str, title: str, description: str, bars: Sequence[Bar], *, top: float) -> Markup:
    """Return bars beside each other, where a full one is `top`; `name` makes the ids within the page."""
    shapes = []
    for number, bar in enumerate(bars):
        below, parts = 0.0, []
        for series, size in enumerate(bar.parts):
            height = _HEIGHT * size / top if top else 0.0
            if height > 0:
                parts.append(
                    f'<rect class="series-{series}" x="{number * _STEP + 1}" y="{_short(_HEIGHT - below - height)}" '
                    f'width="{_BAR}" height="{_short(height)}"/>'
                )
            below += height
        # The whole column answers to the pointer, not only the bar.
        column = f'<rect class="column" x="{number * _STEP}" y="0" width="{_STEP}" height="{_HEIGHT}"/>'
        shapes.append(f"<g><title>{escape(bar.words)}</title>{column}{''.join(parts)}</g>")
    return _svg(name, title, description, "bars", len(bars) * _STEP, _HEIGHT, shapes)


def heat_map(name: str, title: str, description: str, rows: Sequence[Sequence[tuple[str, float]]]) -> Markup:
    """Return a field of cells, each with what it says on hover and its number, the darker the larger."""
    top = max((value for row in rows for _, value in row), default=0)
    shapes = []
    for y, row in enumerate(rows):
        for x, (words, value) in enumerate(row):
            shapes.append(
                f'<rect class="heat-{heat_level(value, top)}" x="{x * _STEP}" y="{y * _STEP}" width="{_STEP - 1}" '
                f'height="{_STEP - 1}"><title>{escape(words)}</title></rect>'
            )
    width = _STEP * max((len(row) for row in rows), default=0)
    return _svg(name, title, description, "heat", width, _STEP * len(rows), shapes)


def heat_level(value: float, top: float) -> int:
    """Return 0 for nothing, else 1 to `HEAT_LEVELS` by the share of the largest."""
    if value <= 0 or top <= 0:
        return 0
    return min(HEAT_LEVELS, 1 + int(HEAT_LEVELS * value / top))


def round_top(largest: float) -> int:
    """Return the end of a scale for values up to this: 1, 2 or 5 with zeros."""
    unit = 1
    while True:
        for step in (1, 2, 5):
            if largest <= step * unit:
                return step * unit
        unit *= 10


def _svg(name: str, title: str, description: str, kind: str, width: int, height: int, shapes: Sequence[str]) -> Markup:
    return Markup(
        f'<svg class="chart {kind}" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" '
        f'aria-labelledby="{name}-title {name}-description">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-description">{escape(description)}</desc>{"".join(shapes)}</svg>'
    )


def _short(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")
