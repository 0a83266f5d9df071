"""Documents to items: the parts of an issue, found by layout evidence (explained in weights.py). Pure."""

from feedsvc.split.corrections import Traits, begins, fits, said_kind
from feedsvc.split.items import Item
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.parting import Context, Split, split_message, web_link
from feedsvc.split.rules import parse_rules, rule_for, write_rules

__all__ = [
    "Context",
    "Item",
    "LinkBook",
    "Split",
    "Traits",
    "begins",
    "fits",
    "parse_rules",
    "rule_for",
    "said_kind",
    "split_message",
    "web_link",
    "write_rules",
]
