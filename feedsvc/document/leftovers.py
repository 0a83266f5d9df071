"""What programs leave in a plain text that says nothing to its reader: pictures' addresses, buttons written twice, armour, empty lines."""

from __future__ import annotations

import re

TOO_MANY_EMPTY_LINES = "\n\n\n\n\n"
EMPTY_LINES = re.compile(r"\n{5,}")
# What beehiiv's text form says of pictures.
PICTURE_MARKS = ("View image:", "Follow image link:")
PICTURE_LINES = re.compile(r"^(?:(?:View image|Follow image link): ?\(https?://[^\s()]*\)|Caption:)[ \t]*", re.M)
# What Gmail's text form says of pictures.
IMAGE_MARK = "[image:"
IMAGE = re.compile(r"\[image:[^\[\]\n]{0,300}\](?:[ \t]{0,8}\n?<https?://[^\s<>]+>)?")
# An arrow or a pointing hand before an address that stands alone.
POINTED = re.compile(r"^([ \t]*)[→➜➝➡»›👉🔗▶►]\ufe0f?[ \t]*(?=<?https?://\S+[ \t]*$)", re.M)
# What a comment for another mail program leaves of a button, which then stands there once more.
COMMENT_END = "-->"
BUTTON_TWICE = re.compile(
    r"^--> ?(?P<words>[^()\n]{2,200}?) ?\(\s?https?://[^\s()]+\s?\)[ \t]?\n{1,2}(?=(?P=words) ?\()", re.M
)
GLUED = re.compile(r"(?P<link>\(\n?https?://[^\s()]+ \))(?P<words>[^\W\d_][^\n]*)(?:\n(?P<on>[a-zß-ÿ]))?")
# A link as reStructuredText writes it: `words <address>`__.
REST_MARK = ">`_"
REST_LINK = re.compile(r"`([^`<>]{1,300}?)\s?<(https?://[^\s<>`]+)>`__?")
# A link that writes a mail leads to nothing to read.
MAILTO = re.compile(r"[ \t]{0,4}[(<\[]\s*mailto:[^\s()<>\[\]]*\s*[)>\]]|^[ \t]{0,8}mailto:\S*[ \t]*$", re.I | re.M)
# A message signed in its own text (RFC 4880, 7): the armour around it, and the dash and blank before lines that begin with a dash.
SIGNED_MESSAGE = "-----BEGIN PGP SIGNED MESSAGE-----"
SIGNED_HEAD = re.compile(r"^-----BEGIN PGP SIGNED MESSAGE-----[ \t]*\n(?:Hash: [^\n]{0,80}\n)?", re.M)
SIGNATURE = re.compile(r"^-----BEGIN PGP SIGNATURE-----[ \t]*$[^-]{0,8000}^-----END PGP SIGNATURE-----[ \t]*$", re.M)
DASH_ESCAPE = re.compile(r"^- (?=-)", re.M)


def without_leftovers(text: str) -> str:
    """The text without them. Each is looked for by a mark of its own first, since most texts have none."""
    if TOO_MANY_EMPTY_LINES in text:
        text = EMPTY_LINES.sub("\n\n\n\n", text)
    if any(mark in text for mark in PICTURE_MARKS):
        text = PICTURE_LINES.sub("", text)
    if IMAGE_MARK in text:
        text = IMAGE.sub("", text)
    if "mailto:" in text:
        text = MAILTO.sub("", text)
    if COMMENT_END in text:
        text = GLUED.sub(_part, BUTTON_TWICE.sub("", text))
    if REST_MARK in text:
        text = REST_LINK.sub(r"\1 <\2>", text)
    if SIGNED_MESSAGE in text:
        text = DASH_ESCAPE.sub("", SIGNATURE.sub("", SIGNED_HEAD.sub("", text)))
    return text if text.isascii() else POINTED.sub(r"\1", text)


def _part(glued: re.Match[str]) -> str:
    """A button's link, and as a paragraph of its own the text that a program has set right behind it."""
    return f"{glued['link']}\n\n{glued['words']}" + (f" {glued['on']}" if glued["on"] else "")
