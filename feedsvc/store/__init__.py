"""The store: newsletters, issues, articles and messages in SQLite, or in PostgreSQL."""

from feedsvc.store.rows import AddResult, Counts, MessageRow, NewsletterRow
from feedsvc.store.store import DEFAULT_KINDS, Batch, Store, open_store

__all__ = ["DEFAULT_KINDS", "AddResult", "Batch", "Counts", "MessageRow", "NewsletterRow", "Store", "open_store"]
