"""Pictures that were drawn elsewhere, as part of the page."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from engine.report.section import Image

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture ready for the page: an address that holds its bytes, and what it shows in words."""

    address: str
    text: str


def picture(image: Image) -> Picture:
    """Return a picture as part of a page that loads nothing.

    Raises
    ------
    ValueError
        If it is no PNG, is larger than 8 MiB, or says nothing to those who cannot see it.
    """
    if not image.png.startswith(_PNG):
        raise ValueError(f"image {image.title!r}: its bytes are no PNG file")
    if len(image.png) > _MOST_BYTES:
        raise ValueError(f"image {image.title!r} has {len(image.png):,} bytes; at most {_MOST_BYTES:,}")
    if not image.text.strip():
        raise ValueError(f"image {image.title!r}: say in `text` what it shows")
    return Picture("data:image/png;base64," + base64.b64encode(image.png).decode(), image.text)
