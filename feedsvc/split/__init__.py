"""Documents to items: the parts of an issue, found by layout evidence (explained in weights.py). Pure."""

from feedsvc.split.features import LinkBook
from feedsvc.split.items import Item
from feedsvc.split.parting import Context, Split, split_message, web_link

__all__ = ["Context", "Item", "LinkBook", "Split", "split_message", "web_link"]
