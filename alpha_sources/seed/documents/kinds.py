"""What a document is made of."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """The form of a file, as its bytes show it."""

    PDF = "pdf"
    MARKDOWN = "markdown"
    HTML = "html"
    DOCX = "docx"
    TEXT = "text"
    CSV = "csv"
    XLSX = "xlsx"
    IMAGE = "image"
    AUDIO = "audio"
    VIDEO = "video"


#: What names of files end in, by the kind that they promise. Nothing is read by its name alone.
SUFFIXES: dict[str, Kind] = {
    ".pdf": Kind.PDF,
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".html": Kind.HTML,
    ".htm": Kind.HTML,
    ".xhtml": Kind.HTML,
    ".docx": Kind.DOCX,
    ".txt": Kind.TEXT,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".xlsx": Kind.XLSX,
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff"), Kind.IMAGE),
    **dict.fromkeys((".wav", ".mp3", ".flac", ".ogg", ".m4a", ".aac", ".opus"), Kind.AUDIO),
    **dict.fromkeys((".mp4", ".mov", ".mkv", ".webm", ".avi"), Kind.VIDEO),
}

#: Kinds that have no signature: any text may be one.
TEXTS = frozenset({Kind.TEXT, Kind.MARKDOWN, Kind.CSV, Kind.HTML})
