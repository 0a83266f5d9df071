"""The little of CSS that tells how a mail is laid out: size, weight, colour, display.

Mail is styled inline, because many clients drop style sheets; so an element's own `style` counts most, and of the sheets in
`<style>` only rules with one plain selector (`p`, `.name`, `p.name`, `#name`) outside of any `@media` are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# CSS 2.1, 15.7: what the seven <font size> steps and the keywords come to at a medium size of 16 px.
FONT_STEPS = (10.0, 10.0, 13.0, 16.0, 18.0, 24.0, 32.0, 48.0)
SIZE_KEYWORDS = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
}
TO_PIXELS = {"px": 1.0, "pt": 4 / 3, "": 1.0, "rem": 16.0, "pc": 16.0}
LENGTH = re.compile(r"(\d{1,6}(?:\.\d{0,6})?|\.\d{1,6})\s*(px|pt|rem|em|pc|%|)")
MAX_SHEET_CHARS = 100_000


@dataclass(frozen=True, slots=True)
class Declarations:
    """What one style says; None where it says nothing. `scale` multiplies the inherited size, `size` (px) replaces it."""

    size: float | None = None
    scale: float | None = None
    bold: bool | None = None
    italic: bool | None = None
    colour: str | None = None
    background: str | None = None
    display: str | None = None
    align: str | None = None
    hidden: bool = False
    preformatted: bool = False
    width: float | None = None
    height: float | None = None
    upper: bool = False


NOTHING = Declarations()


def _length(value: str) -> tuple[float | None, float | None]:
    """A length as (pixels, None), or as (None, factor) where it is relative to the inherited size."""
    found = LENGTH.match(value)
    if not found:
        return SIZE_KEYWORDS.get(value), {"smaller": 0.85, "larger": 1.2}.get(value)
    number, unit = float(found[1]), found[2]
    if unit == "em":
        return None, number
    if unit == "%":
        return None, number / 100
    return number * TO_PIXELS[unit], None


@lru_cache(maxsize=4096)
def parse_declarations(style: str) -> Declarations:
    """Read the value of a `style` attribute. Never raises; what is not understood says nothing."""
    size = scale = None
    bold: bool | None = None
    italic: bool | None = None
    colour = background = display = align = None
    hidden = preformatted = upper = False
    width = height = None
    shut = False  # max-height or height 0: hides only together with overflow, but no mail writes it for anything else
    for declaration in style.lower().split(";"):
        name, colon, value = declaration.partition(":")
        if not colon:
            continue
        name, value = name.strip(), value.replace("!important", "").strip()
        if not value:
            continue
        if name == "font-size":
            size, scale = _length(value)
        elif name == "font-weight":
            bold = value in ("bold", "bolder") or (value[:1].isdigit() and value[:3] >= "600" and len(value) == 3)
        elif name == "font-style":
            italic = value in ("italic", "oblique")
        elif name == "font":
            bold = True if "bold" in value or re.search(r"\b[6-9]00\b", value) else None
            if px := re.search(r"(\d{1,3})px", value):
                size, scale = float(px[1]), None
        elif name == "color":
            colour = value.replace(" ", "")
        elif name in ("background-color", "background"):
            first = value.split(" ")[0]
            if first.startswith(("#", "rgb", "hsl")) or first.isalpha():
                background = "" if first in ("none", "transparent", "inherit", "initial") else first
        elif name == "display":
            display = value
            hidden = hidden or value == "none"
        elif name == "visibility":
            hidden = hidden or value == "hidden"
        elif name == "mso-hide":
            pass  # hides in Outlook only, where the same text usually stands again
        elif name == "opacity":
            hidden = hidden or value in ("0", "0.0", "0%", ".0")
        elif name == "max-height":
            shut = shut or value in ("0", "0px")
        elif name == "text-align":
            align = value
        elif name == "white-space":
            preformatted = value in ("pre", "pre-wrap", "pre-line", "break-spaces")
        elif name == "text-transform":
            upper = value == "uppercase"
        elif name == "width":
            width = _length(value)[0] if "%" not in value else None
        elif name == "height":
            height = _length(value)[0] if "%" not in value else None
    return Declarations(
        size,
        scale,
        bold,
        italic,
        colour,
        background,
        display,
        align,
        hidden or shut,
        preformatted,
        width,
        height,
        upper,
    )


def merge(first: Declarations, then: Declarations) -> Declarations:
    """What holds where both apply and `then` wins."""
    if first is NOTHING:
        return then
    if then is NOTHING:
        return first
    sized = then if then.size is not None or then.scale is not None else first
    shown = then.display is not None and then.display != "none"
    return Declarations(
        sized.size,
        sized.scale,
        first.bold if then.bold is None else then.bold,
        first.italic if then.italic is None else then.italic,
        first.colour if then.colour is None else then.colour,
        first.background if then.background is None else then.background,
        first.display if then.display is None else then.display,
        first.align if then.align is None else then.align,
        then.hidden or (first.hidden and not shown),
        first.preformatted or then.preformatted,
        first.width if then.width is None else then.width,
        first.height if then.height is None else then.height,
        first.upper or then.upper,
    )


@dataclass(frozen=True, slots=True)
class Sheet:
    """The plain rules of a mail's style sheets, by selector: `p`, `.name`, `p.name`, `#name`."""

    rules: dict[str, Declarations]

    def declarations(self, tag: str, classes: str | None, ident: str | None, style: str | None) -> Declarations:
        """What holds for an element: tag, class, id and its own style, in that order."""
        rules = self.rules
        found = rules.get(tag, NOTHING) if rules else NOTHING
        if rules and classes:
            for name in classes.split():
                if rule := rules.get("." + name):
                    found = merge(found, rule)
                if rule := rules.get(f"{tag}.{name}"):
                    found = merge(found, rule)
        if rules and ident and (rule := rules.get("#" + ident)):
            found = merge(found, rule)
        if style:
            found = merge(found, parse_declarations(style))
        return found


MAX_SELECTOR_CHARS = 500
PLAIN_SELECTOR = re.compile(r"(?:[a-z][a-z0-9]*)?(?:[.#][\w-]+)?$", re.I)
CSS_COMMENT = re.compile(r"/\*.*?\*/|<!--|-->", re.S)
WANTED = ("font", "display", "visibility", "text-transform", "max-height", "background")


def _without_at_rules(sheet: str) -> str:
    """The sheet without its `@media` and other blocks, which hold for phones, dark mode or one client."""
    kept: list[str] = []
    position = 0
    while (at := sheet.find("@", position)) >= 0:
        kept.append(sheet[position:at])
        opening, semicolon = sheet.find("{", at), sheet.find(";", at)
        if opening < 0 or 0 <= semicolon < opening:
            position = semicolon + 1 if semicolon >= 0 else len(sheet)
            continue
        depth, position = 1, opening + 1
        while depth and position < len(sheet):
            closing, deeper = sheet.find("}", position), sheet.find("{", position)
            if closing < 0:
                position = len(sheet)
            elif 0 <= deeper < closing:
                depth, position = depth + 1, deeper + 1
            else:
                depth, position = depth - 1, closing + 1
    kept.append(sheet[position:])
    return "".join(kept)


def parse_sheet(sheets: list[str]) -> Sheet:
    """Read the `<style>` elements' texts. Never raises."""
    rules: dict[str, Declarations] = {}
    for sheet in sheets:
        for key, declarations in _read_rules(sheet[:MAX_SHEET_CHARS]):
            rules[key] = merge(rules.get(key, NOTHING), declarations)
    return Sheet(rules)


@lru_cache(maxsize=16)  # the issues of a newsletter have the same sheet
def _read_rules(sheet: str) -> tuple[tuple[str, Declarations], ...]:
    """The plain selectors of a sheet with what their rules say, in its order."""
    found: list[tuple[str, Declarations]] = []
    for rule in _without_at_rules(CSS_COMMENT.sub(" ", sheet)).split("}")[:-1]:
        head, brace, block = rule.rpartition("{")
        if not brace or not _is_wanted(block.lower()):  # most rules of a large sheet
            continue
        listed = head[-MAX_SELECTOR_CHARS:].rpartition("{")[2]
        selectors = [selector for part in listed.split(",") if _is_plain(selector := part.strip())]
        if not selectors:
            continue
        declarations = parse_declarations(block.strip())
        found += [(key if key[0] in ".#" else key[0].lower() + key[1:], declarations) for key in selectors]
    return tuple(found)


def _is_wanted(lowered: str) -> bool:
    for name in WANTED:  # noqa: SIM110 -- `any` takes twice as long, and this is asked of every rule
        if name in lowered:
            return True
    return False


def _is_plain(selector: str) -> bool:
    """Whether a selector is one that is read; those for whole documents or for one client's wrapper say nothing about one block."""
    return bool(
        selector
        and " " not in selector
        and PLAIN_SELECTOR.match(selector)
        and selector.lower() not in ("body", "html", "img", "table")
    )
