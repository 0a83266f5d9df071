"""Share buttons name the address that they share: of an item that has no other link it is the item's own."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

# The parameters in which share dialogs take the address: Facebook u, X/Twitter and Telegram url, LinkedIn url, WhatsApp text, Pocket url, mailto body.
ADDRESS_PARAMETERS = ("u", "url", "link", "href", "body", "text")
SHARE_PATH = re.compile(
    r"^(?:mailto:)|^https?://(?:[\w.-]+\.)?(?:facebook\.com/(?:sharer|dialog|share)|(?:twitter|x)\.com/(?:intent|share)|linkedin\.com/(?:shareArticle|sharing|cws)"
    r"|(?:api|web)\.whatsapp\.com/send|wa\.me/|t\.me/share|getpocket\.com/(?:save|edit)|reddit\.com/submit|news\.ycombinator\.com/submitlink|bsky\.app/intent)",
    re.I,
)
ADDRESS = re.compile(r"https?://[^\s<>\"']+")


def shared_address(href: str) -> str | None:
    """The address that a share button or a `mailto:` with a ready text passes on; None where it names none. Never raises."""
    if not SHARE_PATH.match(href):
        return None
    try:
        query = parse_qsl(urlsplit(href).query, max_num_fields=50)
    except ValueError:
        return None
    for name, value in query:
        if name.lower() in ADDRESS_PARAMETERS and (found := ADDRESS.search(value)):
            return found[0]
    return None
