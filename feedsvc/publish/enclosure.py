"""What can be played: an entry's audio, as podcast programs look for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final
from urllib.parse import urlsplit

AUDIO_TYPES: Final = {
    ".aac": "audio/aac",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".oga": "audio/ogg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
}


@dataclass(frozen=True, slots=True)
class Enclosure:
    """A sound file and its media type. Its size is not known: that would take a request."""

    url: str
    media_type: str


def enclosure(addresses: Iterable[str | None]) -> Enclosure | None:
    """Return the first address that is a sound file's by its name, or None."""
    for address in addresses:
        if address and (found := AUDIO_TYPES.get(PurePosixPath(urlsplit(address).path).suffix.lower())):
            return Enclosure(address, found)
    return None
