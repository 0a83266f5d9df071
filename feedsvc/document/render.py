"""Blocks to HTML: paragraphs, headings, lists, emphasis, links and images, rebuilt from what was read. Nothing of the sender's markup passes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from html import escape

from feedsvc.model import Block, Image, Span

# Within an entry its title is the first heading, so the mail's own headings begin at the third level.
TOP_HEADING, LAST_HEADING = 3, 4
WRAPPERS = {"paragraph": "p", "quote": "blockquote", "code": "pre"}


def render(blocks: Iterable[Block], link: Callable[[str], str | None]) -> str:
    """Safe HTML of the blocks. `link` gives the address to publish for one in the message, or None where only its text may stay."""
    out: list[str] = []
    open_lists: list[str] = []
    previous: Block | None = None
    for block in blocks:
        if block.kind != "item":
            while open_lists:
                out.append(f"</li></{open_lists.pop()}>")
        if block.kind == "rule":
            out.append("<hr>")
        elif block.kind == "item":
            _item(block, open_lists, out, link)
        else:
            _block(block, previous, out, link)
        previous = block
    while open_lists:
        out.append(f"</li></{open_lists.pop()}>")
    return "".join(out)


def _item(block: Block, open_lists: list[str], out: list[str], link: Callable[[str], str | None]) -> None:
    """A list item, in as many lists as it is deep."""
    level = max(1, min(block.level, 6))
    tag = "ol" if block.ordinal[:1].isdigit() else "ul"
    inside = _inline(block, link)
    if not block.ordinal and open_lists:  # a further line of the item above
        out.append(f"<br>{inside}" if block.spans else inside)
        return
    while len(open_lists) > level:
        out.append(f"</li></{open_lists.pop()}>")
    if len(open_lists) == level:
        if open_lists[-1] == tag:
            out.append("</li>")
        else:
            out.append(f"</li></{open_lists.pop()}>")
    while len(open_lists) < level:
        if open_lists and out and out[-1].endswith((">", "</li>")) and out[-1] == "</li>":
            out.append("<li>")
        open_lists.append(tag)
        out.append(f"<{tag}>" if len(open_lists) == level else f"<{tag}><li>")
    out.append(f"<li>{inside}")


def _block(block: Block, previous: Block | None, out: list[str], link: Callable[[str], str | None]) -> None:
    """A block that is no list item; lines that only a break parts become one paragraph."""
    inside = _inline(block, link)
    if not inside:
        return
    if block.kind == "heading":
        tag = f"h{min(LAST_HEADING, max(TOP_HEADING, block.level + 1))}"
    else:
        tag = WRAPPERS.get(block.kind, "p")
    goes_on = (
        previous is not None
        and previous.kind == block.kind
        and previous.paragraph == block.paragraph
        and block.kind in ("paragraph", "quote", "code")
        and out
        and out[-1] == f"</{tag}>"
    )
    if goes_on:
        out[-1] = "\n" if tag == "pre" else "<br>"
        out += [inside, f"</{tag}>"]
    else:
        out += [f"<{tag}>", inside, f"</{tag}>"]


def _inline(block: Block, link: Callable[[str], str | None]) -> str:
    images = "".join(_image(image, link) for image in block.images)
    return images + _spans(block.spans, link)


def _image(image: Image, link: Callable[[str], str | None]) -> str:
    if not image.src.startswith(("http://", "https://", "cid:")):
        return ""
    size = "".join(f' {name}="{value}"' for name, value in (("width", image.width), ("height", image.height)) if value)
    tag = f'<img src="{escape(image.src)}" alt="{escape(image.alt)}"{size}>'
    href = link(image.href) if image.href else None
    return f'<a href="{escape(href)}">{tag}</a>' if href else tag


def _spans(spans: tuple[Span, ...], link: Callable[[str], str | None]) -> str:
    """Runs as inline markup; neighbours with one link share one `<a>`."""
    out: list[str] = []
    opened: str | None = None
    for span in spans:
        href = link(span.href) if span.href else None
        if href != opened:
            if opened is not None:
                out.append("</a>")
            if href is not None:
                out.append(f'<a href="{escape(href)}">')
            opened = href
        text = escape(span.text, quote=False)
        if span.code:
            text = f"<code>{text}</code>"
        if span.italic:
            text = f"<em>{text}</em>"
        if span.bold:
            text = f"<strong>{text}</strong>"
        out.append(text)
    if opened is not None:
        out.append("</a>")
    return "".join(out)
