"""The store: newsletters, issues, articles and messages in SQLite, or in PostgreSQL."""

from feedsvc.store.arrivals import LinkRow, MinutesRow
from feedsvc.store.batch import Batch
from feedsvc.store.feeds import MAX_WIDTH, Page, Window
from feedsvc.store.listing import IssueRow, Listing, Place
from feedsvc.store.narrowing import Narrowing
from feedsvc.store.rows import (
    AddressRow,
    AddResult,
    CorrectionRow,
    Counts,
    IntakeRow,
    IssueSheet,
    MessageRow,
    NewsletterRow,
    RejectionRow,
    Rereading,
    State,
    Unsubscribing,
)
from feedsvc.store.search import MAX_QUERY_CHARS, Term, read_query, reduce_words
from feedsvc.store.store import Store, open_store
from feedsvc.store.targets import Attempts, Found, image_token
from feedsvc.store.tokens import TokenRow

__all__ = [
    "MAX_QUERY_CHARS",
    "MAX_WIDTH",
    "AddResult",
    "AddressRow",
    "Attempts",
    "Batch",
    "CorrectionRow",
    "Counts",
    "Found",
    "IntakeRow",
    "IssueRow",
    "IssueSheet",
    "LinkRow",
    "Listing",
    "MessageRow",
    "MinutesRow",
    "Narrowing",
    "NewsletterRow",
    "Page",
    "Place",
    "RejectionRow",
    "Rereading",
    "State",
    "Store",
    "Term",
    "TokenRow",
    "Unsubscribing",
    "Window",
    "image_token",
    "open_store",
    "read_query",
    "reduce_words",
]
