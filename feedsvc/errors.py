"""Every exception that feedsvc raises on purpose.

FeedsvcError
├── MessageError              this one message cannot become an issue; the next one is not held up
│   ├── UnreadableMessage     its bytes hold no text that can be read
│   └── TooLarge              it passes a bound that keeps one message from stopping the service
├── SettingsError             a setting is missing or wrong; says which and what would be right
├── StoreError                the database cannot be opened, or is newer than this program
├── PublishError              a document could not be made from what the store holds
└── ResolveError              an address on the web could not be asked, or its answer could not be used

Each carries a `code` (short, stable, for programs) and a `detail` (a sentence for people that says what to do).
"""

from __future__ import annotations


class FeedsvcError(Exception):
    """Base of all errors that feedsvc raises on purpose."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class MessageError(FeedsvcError):
    """This one message cannot become an issue."""

    code = "message"


class UnreadableMessage(MessageError):
    """The bytes hold no text that can be read."""

    code = "unreadable"


class TooLarge(MessageError):
    """The message passes a bound (bytes, nesting, blocks) that keeps one message from stopping the service."""

    code = "too-large"


class SettingsError(FeedsvcError):
    """A setting is missing or wrong."""

    code = "settings"


class StoreError(FeedsvcError):
    """The database cannot be opened, or was made by a newer feedsvc."""

    code = "store"


class PublishError(FeedsvcError):
    """A document could not be made from what the store holds."""

    code = "publish"


class ResolveError(FeedsvcError):
    """An address on the web could not be asked, or its answer could not be used. `final` says that asking again is no use."""

    code = "resolve"

    def __init__(self, detail: str, *, code: str | None = None, final: bool = False) -> None:
        super().__init__(detail, code=code)
        self.final = final
