"""Bodies to blocks, and blocks back to HTML that is safe to show. Pure."""

from feedsvc.document.html import read_html
from feedsvc.document.render import render
from feedsvc.document.text import read_text

__all__ = ["read_html", "read_text", "render"]
