"""What the first bytes of a file say it is."""

from __future__ import annotations

#: Format names are ffmpeg's own: a file is opened as what its bytes show, so that no play list is followed.
_MEDIA: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (8, b"AVI ", "avi"),
    (4, b"ftyp", "mov"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"ID3", "mp3"),
    (0, b"\x1a\x45\xdf\xa3", "matroska"),
)
_IMAGES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG"),
    (0, b"\xff\xd8\xff", "JPEG"),
    (0, b"GIF87a", "GIF"),
    (0, b"GIF89a", "GIF"),
    (8, b"WEBP", "WEBP"),
    (0, b"BM", "BMP"),
    (0, b"II*\x00", "TIFF"),
    (0, b"MM\x00*", "TIFF"),
)
#: Still pictures that share their container with films.
_STILL_BRANDS = (b"heic", b"heix", b"mif1", b"avif", b"msf1")
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b", "a gzip archive: unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it"),
    (b"Rar!", "a RAR archive: unpack it"),
    (b"BZh", "a bzip2 archive: unpack it"),
    (b"\xfd7zXZ", "an xz archive: unpack it"),
    (b"{\\rtf", "an RTF file: save it as DOCX or PDF"),
    (b"%!PS", "a PostScript file: convert it to PDF"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"PAR1", "a Parquet file: export the rows that matter as CSV"),
    (b"AT&T", "a DjVu file: convert it to PDF"),
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")


def media_format(head: bytes) -> str | None:
    """Return ffmpeg's name of the format of a sound or film, or None.

    Parameters
    ----------
    head : bytes
        At least the first 16 of the file.
    """
    if head[4:8] == b"ftyp" and head[8:12] in _STILL_BRANDS:
        return None
    for at, mark, name in _MEDIA:
        if head[at : at + len(mark)] == mark and (at != 8 or head[:4] == b"RIFF"):
            return name
    if len(head) > 2 and head[0] == 0xFF and not head.startswith(b"\xff\xfe"):  # that is UTF-16
        if head[1] & 0xF6 == 0xF0:
            return "aac"
        # an MPEG audio frame: 11 bits set, a layer, a rate and a frequency that exist
        if head[1] & 0xE0 == 0xE0 and head[1] & 0x06 and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C:
            return "mp3"
    return None


def is_media(head: bytes) -> bool:
    """Tell whether a file is a sound or a film, by its first bytes."""
    return image_format(head) is None and media_format(head) is not None


def image_format(head: bytes) -> str | None:
    """Return Pillow's name of the format of an image, or None."""
    for at, mark, name in _IMAGES:
        if head[at : at + len(mark)] == mark and (at != 8 or head[:4] == b"RIFF"):
            # two letters alone are the beginning of many a text: a bitmap also has a reserved, empty field
            return name if name != "BMP" or head[6:10] == bytes(4) else None
    return None


def unreadable(data: bytes) -> str | None:
    """Return what a file is, in words with a remedy, if it is of a known kind that is not read."""
    if data.startswith(_OLE):
        if _ENCRYPTED_PART in data:
            return "an encrypted Office file: save it without a password"
        return "a file of an old Office version: save it as DOCX or XLSX"
    if data[4:8] == b"ftyp" and data[8:12] in _STILL_BRANDS:
        return "a HEIC or AVIF image: save it as PNG or JPEG"
    if data[257:262] == b"ustar":
        return "a tar archive: unpack it"
    return next((what for mark, what in _OTHERS if data.startswith(mark)), None)
