"""What a page says after something was done: named by `?done=` in its address, so that no session is needed."""

from __future__ import annotations

from typing import Final

from flask import request

from feedsvc.web.language import gettext

PARAMETER: Final = "done"
# Marked for translation where they are shown.
NOTICES: Final = {
    "saved": "Saved.",
    "resplit": "Saved. Its past issues are being read again.",
    "left": "The newsletter took the request. It may take some days until no more mail comes.",
    "retried": "They are tried again.",
    "mended": "Mended. It is a rule of this newsletter now; you can undo it below.",
    "undone": "The rule is gone.",
    "rereading": "Past issues are being read again.",
}


def notice() -> str | None:
    """The words for what was just done, or None."""
    words = NOTICES.get(request.args.get(PARAMETER, ""))
    return None if words is None else gettext(words)
