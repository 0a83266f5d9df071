"""Who a message is from, whom it was sent to, and how to leave: newsletter identity, recipients, unsubscribe addresses.

A newsletter's identity must be the same in each of its mails. Three things in headers are not: sender addresses that
hold a token for the recipient or the mailing (VERP), the detail of a subaddress (RFC 5233), and a List-Id that is the
number of the mailing. All three are recognised by shape or by the other headers of the same mail, not by a list of
providers.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

from feedsvc.mail.clean import clean_line
from feedsvc.mail.headers import Headers, Mailbox
from feedsvc.model import Newsletter

_TO_HEADERS = [
    "to",
    "cc",
    "bcc",
    "delivered-to",
    "x-original-to",
    "envelope-to",
    "x-envelope-to",
    "x-forwarded-to",
    "x-rcpt-to",
    "x-pop3-rcpt",
    "apparently-to",
    "x-apparently-to",
    "x-real-to",
    "x-delivered-to",
    "original-recipient",
    "require-recipient-valid-since",
    "resent-to",
    "x-forwarded-for",
]
_SENDER_HEADERS = ("from", "sender", "reply-to", "resent-from", "x-original-from", "return-path", "x-envelope-from")
# Headers in which sending services number the mailing: X-Mailing, x-job, X-Campaign, X-CampaignID, X-MailingID ...
_MAILING_HEADER = re.compile(r"^x-(?:\w+-)?(?:mailing|job|campaign|message|send)-?(?:id)?$")
_BOUNCE_LOCAL = re.compile(
    r"^(?:bounces?|returns?|verp|err|errors?|msprvs\d*|prvs|btv1|srs\d|fbl|leave|unsub\w*|unsubscribe)[-+=_.#]"
)
_GENERIC_LABELS = frozenset(
    {"www", "mail", "email", "e", "em", "news", "newsletter", "newsletters", "mailer", "send", "bounce", "bounces"}
)
_TARGET = re.compile(r"<\s*([^<>]+?)\s*>")
_VERP_DETAIL = re.compile(r"(?:^|[-+])([A-Za-z0-9._+]{1,64})={1,3}([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)$")
_DASHES = re.compile(r"[^a-z0-9]+")
_MAX_SLUG_CHARS = 60


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """How to leave a list: the addresses of List-Unsubscribe (RFC 2369), and whether one POST does it (RFC 8058)."""

    targets: tuple[str, ...]
    one_click: bool


def slug(text: str, default: str = "newsletter") -> str:
    """Return `text` as lower-case ASCII words joined by dashes, at most 60 characters, never empty."""
    plain = unicodedata.normalize(
        "NFKD", text.replace("ß", "ss").replace("Ø", "O").replace("ø", "o").replace("æ", "ae")
    )
    made = _DASHES.sub("-", plain.encode("ascii", "ignore").decode().lower().replace("'", "")).strip("-")
    if not made and text.strip():
        # A name in another script: its code points keep two such names apart.
        made = "u" + "-".join(f"{ord(c):x}" for c in text if c.isalnum())[:_MAX_SLUG_CHARS]
    return made[:_MAX_SLUG_CHARS].strip("-") if made not in {"", "u"} else default


def newsletter_of(headers: Headers, fallback_name: str) -> Newsletter:
    """Return who sends.

    By List-Id (RFC 2919), else by sender; `fallback_name` (a subject or file name) only where no header says.
    """
    sender = _sender(headers)
    list_id, description = _list_id(headers)
    address = stable_address(sender.address)
    domain = sender.address.rpartition("@")[2]
    name = (
        sender.name
        or description
        or _name_of_domain(domain)
        or (list_id or "").partition(".")[0]
        or clean_line(fallback_name)
    )
    name = name or "Unknown sender"
    if list_id:
        key = list_id
    elif address:
        key = address
    elif domain and sender.name:
        key = f"{slug(sender.name)}@{domain}"
    else:
        key = domain or slug(name)
    return Newsletter(key=key, name=name, slug=slug(name), address=address, list_id=list_id)


def _sender(headers: Headers) -> Mailbox:
    """Return the best mailbox: the first header that has an address, with the first name found on the way."""
    name = ""
    for header in _SENDER_HEADERS:
        box = headers.mailbox(header)
        if box is None:
            continue
        if header in {"return-path", "x-envelope-from"} and stable_address(box.address) is None:
            box = Mailbox("", "@" + box.address.rpartition("@")[2] if "@" in box.address else "")
        name = name or box.name
        if "@" in box.address:
            return Mailbox(name, box.address)
    return Mailbox(name, "")


def stable_address(address: str) -> str | None:
    """Return a sender's address as all of its mails would show it.

    None where its local part is made for one mail or recipient.
    """
    local, at, domain = address.rpartition("@")
    if not at or not local or not domain:
        return None
    if _BOUNCE_LOCAL.match(local):
        return None
    local = local.partition("+")[0] or local  # RFC 5233: what follows is the sender's own filing, often a token
    if "=" in local or _is_made(local):
        return None
    return f"{local}@{domain}"


def _is_made(local: str) -> bool:
    """Tell whether a local part holds a token that a machine made.

    Long digits, or letters and digits mixed without being a word and a year.
    """
    for piece in re.split(r"[-+=_.#*&!~]+", local):
        digits = sum(c.isdigit() for c in piece)
        if digits >= 5 or (
            len(piece) >= 8 and 2 <= digits < len(piece) and not re.fullmatch(r"[a-z]+\d{1,4}|\d{1,4}[a-z]+", piece)
        ):
            return True
    return "#" in local


def _list_id(headers: Headers) -> tuple[str | None, str]:
    """Return the list's identifier in lower case and its description.

    No identifier where it numbers the mailing and not the list.
    """
    for text in headers.all("list-id"):
        found = _TARGET.search(text)
        raw = found[1] if found else text.rpartition(" ")[2]
        identifier = re.sub(r"\s+", "", raw).strip("<>\"'.").lower()[:255]
        description = text[: found.start()].strip(" \"'") if found else ""
        first_word = description.split(" ")[0].lower()
        if re.search(r"\d", first_word) and identifier.startswith(first_word[:8]):
            description = ""  # Mailchimp's "f39692e2…mc list" only says the identifier again
        if "." not in identifier and found is None:
            continue  # a number in clear, without the domain that makes it unique (RFC 2919, section 3)
        if _numbers_the_mailing(headers, identifier):
            return None, description
        return identifier, description
    return None, ""


def _numbers_the_mailing(headers: Headers, identifier: str) -> bool:
    """Tell whether another header says that the identifier's first label is this mailing's.

    Seen: `X-Mailing: 14141611` beside `List-Id: <14141611.…>`, `x-job: 6236073_41207` beside `<6236073_41207.…>`, and a
    token that is the same in the List-Id and in the return path (which a list's own name may be, but no token).
    """
    label = identifier.partition(".")[0]
    mailings = (name for name in headers.names() if _MAILING_HEADER.match(name))
    if any(value.lower() == label for name in mailings for value in headers.all(name)[:3]):
        return True
    return _is_made(label) and any(label in address for address in headers.addresses("return-path"))


def _name_of_domain(domain: str) -> str:
    """Return a domain without the labels that only say that it sends mail (`mail.example.org` gives `example.org`)."""
    labels = [label for label in domain.split(".") if label]
    while len(labels) > 2 and labels[0] in _GENERIC_LABELS:
        labels.pop(0)
    return ".".join(labels)


def recipients_of(headers: Headers) -> frozenset[str]:
    """Return every address that the headers name as the message's recipient, also the one inside a VERP return path."""
    found: set[str] = set()
    for name in _TO_HEADERS:
        if name in headers:
            found |= headers.addresses(name)
    for name in ("return-path", "x-envelope-from", "errors-to"):
        for address in headers.addresses(name):
            detail = _VERP_DETAIL.search(address.rpartition("@")[0])
            if detail:
                # bounce+<token>-user=example.com@: a token may stand before the user, parted by a dash
                found.add(f"{detail[1].rpartition('-')[2]}@{detail[2]}".lower())
    # Only what names a single person: the list's own posting address identifies nobody, but is harmless here.
    return frozenset(address for address in found if "." in address.rpartition("@")[2])


def unsubscribe_of(headers: Headers) -> Unsubscribe:
    """Return the http, https and mailto addresses of List-Unsubscribe, and whether RFC 8058 holds."""
    targets: list[str] = []
    for text in headers.all("list-unsubscribe"):
        for raw in _TARGET.findall(text) or re.split(r"[,\s]+", text):
            target = re.sub(r"\s+", "", raw).strip("<>,")
            if target.lower().startswith(("http://", "https://", "mailto:")) and target not in targets:
                targets.append(target)
    post = headers.first("list-unsubscribe-post") or ""
    one_click = "list-unsubscribe=one-click" in unquote(post).lower().replace(" ", "")
    return Unsubscribe(tuple(targets[:20]), one_click and any(t.lower().startswith("https://") for t in targets))


def is_bulk(headers: Headers) -> bool:
    """Tell whether headers mark a message as sent to many."""
    if any(
        name in headers
        for name in ("list-id", "list-unsubscribe", "list-post", "feedback-id", "x-campaign", "x-campaignid")
    ):
        return True
    precedence = (headers.first("precedence") or "").lower()
    return precedence in {"bulk", "list", "junk"}
