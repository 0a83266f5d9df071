"""Flask: feeds, pages, health."""

from feedsvc.web.app import create_app

__all__ = ["create_app"]
