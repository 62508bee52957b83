"""Documents as seeds of alphas: read, hashed, dated, and cut into pieces that fit a prompt.

``read_folder`` reads what a user dropped, ``read_document`` one file, ``chunk_document`` cuts it. One module
per kind of file; `sniffing` tells which it is, `dating` when it may first be known, `limits` how much of it
is read. What a document says is data: nothing in it is run, and nothing it points to is fetched.
"""

from __future__ import annotations

from alpha_sources.seed.documents.chunks import Chunk, chunk_document
from alpha_sources.seed.documents.document import (
    DateSource,
    Document,
    Image,
    Page,
    Publication,
    Sound,
    Table,
)
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.folder import Documents, Skipped, each_document, each_file, read_folder
from alpha_sources.seed.documents.kinds import Kind
from alpha_sources.seed.documents.language import Language
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.reading import read_document

__all__ = [
    "Chunk",
    "DateSource",
    "Document",
    "DocumentError",
    "Documents",
    "Image",
    "Kind",
    "Language",
    "Limits",
    "Page",
    "Publication",
    "Skipped",
    "Sound",
    "Table",
    "chunk_document",
    "each_document",
    "each_file",
    "read_document",
    "read_folder",
]
