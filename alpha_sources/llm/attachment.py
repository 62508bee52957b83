"""Images and sound that go with a question."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import cached_property

from alpha_sources.llm.errors import AttachmentError

_MOST_BYTES = 25 * 1024 * 1024
_IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}
_SOUNDS = {
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
}
_SOUNDS |= {"audio/webm": "webm"}


@dataclass(frozen=True)
class Attachment:
    """An image or a sound, with what it is.

    Parameters
    ----------
    media_type : str
        ``image/png``, ``image/jpeg``, ``image/gif``, ``image/webp``, or ``audio/wav``, ``audio/mpeg``,
        ``audio/mp4``, ``audio/ogg``, ``audio/flac``, ``audio/webm``.
    data : bytes
    drawn_from : str
        Sha256 of the numbers a picture was drawn from; empty where it was not drawn by us. It stands for the
        bytes in the key of a reply, since another machine's fonts may draw the same numbers in other bytes.

    Raises
    ------
    AttachmentError
        If it is empty, larger than 25 MiB, of another type, or not what its type says.
    """

    media_type: str
    data: bytes = field(repr=False)
    drawn_from: str = ""

    def __post_init__(self) -> None:
        if not self.data:
            raise AttachmentError(f"an attachment of type {self.media_type!r} is empty")
        if len(self.data) > _MOST_BYTES:
            raise AttachmentError(
                f"an attachment has {len(self.data)} bytes; at most {_MOST_BYTES} can be sent: make it "
                "smaller, or cut it"
            )
        if not self.is_image and self.media_type not in _SOUNDS:
            known = ", ".join((*_IMAGES, "image/webp", *_SOUNDS))
            raise AttachmentError(f"no attachment has type {self.media_type!r}; known: {known}")
        if self.is_image and not self._looks_like_one():
            raise AttachmentError(
                f"an attachment does not begin as {self.media_type} does; name its own type"
            )

    @property
    def is_image(self) -> bool:
        """Whether it is an image; else it is a sound."""
        return self.media_type in _IMAGES or self.media_type == "image/webp"

    @cached_property
    def sha256(self) -> str:
        """Of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def plain(self) -> dict[str, str | int]:
        """Return what stands for it in the key of a reply."""
        if self.drawn_from:
            return {"media_type": self.media_type, "sha256": self.drawn_from, "bytes": 0}
        return {"media_type": self.media_type, "sha256": self.sha256, "bytes": len(self.data)}

    @property
    def file_name(self) -> str:
        """What a server is told it is called: no name of the user's."""
        return f"sound.{_SOUNDS[self.media_type]}"

    def data_url(self) -> str:
        """Return the bytes as an address that holds them."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    def _looks_like_one(self) -> bool:
        if self.media_type == "image/webp":
            return self.data[:4] == b"RIFF" and self.data[8:12] == b"WEBP"
        return self.data.startswith(_IMAGES[self.media_type])
