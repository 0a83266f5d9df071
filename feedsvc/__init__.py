"""feedsvc: e-mail newsletters in, an Atom feed with one entry for each article out."""

__version__ = "0.1.0"
