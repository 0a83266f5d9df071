"""What the bytes of an image say of it, whatever a server or a message says: its type, and its size in pixels."""

from __future__ import annotations

import struct
from typing import Final

# The types that are served: pictures of points. SVG is a document that may hold script.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_AVIF_BRANDS: Final = frozenset((b"avif", b"avis"))


def picture_type(data: bytes) -> str | None:
    """Return the media type of an image that may be served, by its first bytes; None for all else."""
    for signature, media_type in _SIGNATURES:
        if data.startswith(signature):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _AVIF_BRANDS:
        return "image/avif"
    return None


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or GIF in pixels, None for other types: what counts openings is one of these."""
    if data.startswith(b"\x89PNG\r\n\x1a\n") and len(data) >= 24:
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:6] in (b"GIF87a", b"GIF89a") and len(data) >= 10:
        width, height = struct.unpack("<HH", data[6:10])
        return width, height
    return None


def shows_something(data: bytes) -> bool:
    """Whether an image is more than two pixels wide and high, as far as its bytes tell."""
    size = picture_size(data)
    return size is None or min(size) > 2
