"""Which address an entry's image is published under: the newsletter's own, ours, or none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal

from feedsvc.publish import gate

ImagePolicy = Literal["keep", "strip", "proxy"]

IMAGE_PATH: Final = "/image"
INLINE_PATH: Final = "/inline"


@dataclass(frozen=True, slots=True)
class ImageRules:
    """How images are published.

    `policy` "keep" leaves them with the newsletter's server, "proxy" has readers load them from this one, "strip"
    leaves only what they say in words. Images that are there to be counted are dropped in any case. `inline` says
    under which token the store has each image that came within the message, by its content id (RFC 2392).
    """

    policy: ImagePolicy = "keep"
    inline: tuple[tuple[str, str], ...] = ()

    def source(
        self,
        src: str | None,
        entry_uuid: str,
        base: str | None,
        width: int | None = None,
        height: int | None = None,
        *,
        recipients: frozenset[str] = gate.NOBODY,
    ) -> str | None:
        """Return the address under which the image is published, or None; sizes are in CSS pixels, where declared."""
        if self.policy == "strip" or not src:
            return None
        if src[:4].lower() == "cid:":
            token = dict(self.inline).get(src[4:].strip().strip("<>"))
            thin = any(size is not None and size <= gate.THINNEST_PX for size in (width, height))
            return None if token is None or base is None or thin else f"{base}{INLINE_PATH}/{token}"
        address = gate.image(src, width, height, recipients)
        if address is None or self.policy == "keep" or base is None:
            return address
        if address.startswith(f"{base}/"):
            return address
        return f"{base}{IMAGE_PATH}/{entry_uuid}/{image_token(address)}"


def image_token(address: str) -> str:
    """Return what stands for an image's address in ours: only who knows the entry and the image can make it up."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]
