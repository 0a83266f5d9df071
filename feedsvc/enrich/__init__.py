"""What a title and a text say beyond their words: read time, label, sponsor mark, letter case, summary. Pure."""

from feedsvc.enrich.case import is_shouting, repair_case
from feedsvc.enrich.lexicon import Lexicon
from feedsvc.enrich.minutes import declared_minutes, estimate_minutes
from feedsvc.enrich.summary import plain_summary
from feedsvc.enrich.title import TitleParts, split_title

__all__ = [
    "Lexicon",
    "TitleParts",
    "declared_minutes",
    "estimate_minutes",
    "is_shouting",
    "plain_summary",
    "repair_case",
    "split_title",
]
