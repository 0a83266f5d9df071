"""The looks of a mail without its style attributes: what in them is harmless becomes rules of one style sheet.

A page that may run nothing inline cannot have style attributes. So each distinct one becomes a class; its declarations
pass by a list of properties, none of which places anything over something else, and values without any address.
"""

from __future__ import annotations

import re
from typing import Final

# fmt: off
_PROPERTIES: Final = frozenset((
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-radius", "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing",
    "border-style", "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "clear",
    "color", "direction", "display", "float", "font", "font-family", "font-size", "font-style", "font-weight", "height",
    "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom", "margin-left", "margin-right",
    "margin-top", "max-width", "overflow-wrap", "padding", "padding-bottom", "padding-left", "padding-right",
    "padding-top", "table-layout", "text-align", "text-decoration", "text-indent", "text-transform", "vertical-align",
    "white-space", "width", "word-break", "word-spacing", "word-wrap",
))
# fmt: on
_VALUE = re.compile(r"(?:[a-z0-9#%.,\s_-]|(?:rgb|hsl)a?\([\d\s.,%/]{1,40}\)){1,200}", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?<![\w#.])-[\d.]")
_PLAIN_COLOUR = re.compile(r"#[0-9a-f]{3,8}|[a-z]{3,20}|(?:rgb|hsl)a?\([^()]*\)", re.IGNORECASE)
_MAX_CHARS: Final = 4000
_MAX_RULES: Final = 4000


class StyleBook:
    """Gives each style a class. `prefix` begins the names of all of them."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}

    def name(self, style: str) -> str | None:
        """The class that stands for a style attribute; None where nothing harmless is in it."""
        declarations = harmless(style)
        if not declarations or (declarations not in self._names and len(self._names) >= _MAX_RULES):
            return None
        return self._names.setdefault(declarations, f"{self._prefix}{len(self._names)}")

    def css(self) -> str:
        """The rules of all classes."""
        return "".join(f".{name}{{{declarations}}}" for declarations, name in self._names.items())


def harmless(style: str) -> str:
    """Return what of a style attribute changes nothing but looks, and leads nowhere."""
    kept = []
    for declaration in style[:_MAX_CHARS].split(";"):
        name, _, value = declaration.partition(":")
        name = name.strip().lower()
        value = value.replace("!important", "").replace('"', "").replace("'", "").strip()
        if name == "background" and _PLAIN_COLOUR.fullmatch(value):
            name = "background-color"
        if name in _PROPERTIES and _VALUE.fullmatch(value) and not _NEGATIVE.search(value):
            kept.append(f"{name}:{value}")
    return ";".join(kept)
