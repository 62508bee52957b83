"""PDF files: text of every page, and a picture of those whose text does not tell what they show."""

from __future__ import annotations

import gc
import re
from typing import Any

from alpha_sources.seed.documents.cleaning import clean, one_line
from alpha_sources.seed.documents.dating import from_metadata
from alpha_sources.seed.documents.document import Page
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.paragraphs import join_lines
from alpha_sources.seed.documents.parts import Album, Parts
from alpha_sources.seed.documents.pictures import as_image

#: A page with fewer characters is looked at as a picture.
_LITTLE_TEXT = 80
#: Part of the page that an image must cover to be more than a logo.
_CHART_AREA = 0.06
#: Lines and areas of a drawn chart; a page with some tables has fewer.
_CHART_PATHS = 60
#: Objects looked at on a page; a map has a hundred thousand, and these are enough to know.
_MOST_OBJECTS = 5_000
_PASSWORD = 4  # FPDF_ERR_PASSWORD
#: pdfium's marks for a hyphen that parts a word at the end of a line.
_PARTED = re.compile("[\x02\ufffe](?:\r\n)?")


def read_pdf(data: bytes, limits: Limits) -> Parts:
    """Return the pages of a PDF file.

    Scripts, attachments, forms and links are neither run nor followed: pdfium is asked for text, page objects
    and pixels only.

    Raises
    ------
    DocumentError
        If it is encrypted, damaged, has too many pages or no page, or pypdfium2 is not installed.
    """
    pdfium = needed("pypdfium2", "a PDF file")
    try:
        file = pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
            raise DocumentError("it is encrypted: save it without a password") from None
        raise DocumentError("it is a damaged PDF file: fetch it again, or print it to PDF anew") from None
    try:
        number = len(file)
        if not number:
            raise DocumentError("it is a PDF file without pages: fetch it again")
        limits.check("pages", number, "pages")
        said = file.get_metadata_dict()
        return _parts(pdfium, file, said, limits)
    except pdfium.PdfiumError:
        raise DocumentError("it is a damaged PDF file: fetch it again, or print it to PDF anew") from None
    finally:
        file.close()


def _parts(pdfium: Any, file: Any, said: dict[str, str], limits: Limits) -> Parts:
    album = Album(limits)
    pages: list[Page] = []
    characters = damaged = scanned = 0
    for number in range(1, len(file) + 1):
        try:
            page = file[number - 1]
        except pdfium.PdfiumError:
            damaged += 1
            pages.append(Page(number, ""))
            continue
        try:
            text = _text(page)
            characters += len(text)
            limits.check("characters", characters, "characters of text")
            is_bare = len(text.strip()) < _LITTLE_TEXT
            images = ()
            if is_bare or _has_chart(pdfium, page):
                images = _picture(page, number, album, limits)
                scanned += is_bare and bool(images) and not text.strip()
            pages.append(Page(number, text, images))
        finally:
            page.close()
        if number % 100 == 0:
            gc.collect()  # pdfium's pages are freed by finalizers
    if damaged == len(pages):
        raise DocumentError("it is a damaged PDF file: no page can be opened; fetch it again")
    notes = list(album.notes())
    if damaged:
        notes.append(f"{damaged} of {len(pages)} pages are damaged and were left out")
    if scanned and not characters:
        notes.append("it is scanned: its pages are pictures without text")
    dates = from_metadata((key, said.get(key)) for key in ("CreationDate", "ModDate"))
    return Parts(tuple(pages), one_line(said.get("Title", "")), dates, notes=tuple(notes))


def _text(page: Any) -> str:
    layer = page.get_textpage()
    try:
        raw: str = layer.get_text_bounded()  # the other way to ask loses what lies beyond UCS-2, such as 𝑥
    finally:
        layer.close()
    return join_lines(clean(_PARTED.sub("", raw)))


def _has_chart(pdfium: Any, page: Any) -> bool:
    width, height = page.get_size()
    paths = 0
    raw = pdfium.raw
    wanted = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_SHADING)
    for seen, item in enumerate(page.get_objects(filter=wanted, max_depth=3)):
        if seen >= _MOST_OBJECTS:
            return True
        if item.type == raw.FPDF_PAGEOBJ_IMAGE:
            left, bottom, right, top = item.get_bounds()
            if abs((right - left) * (top - bottom)) >= _CHART_AREA * width * height:
                return True
        else:
            paths += 1
            if paths >= _CHART_PATHS:
                return True
    return False


def _picture(page: Any, number: int, album: Album, limits: Limits) -> tuple[Any, ...]:
    if album.is_full:
        album.leave_out()
        return ()
    longer = max(page.get_size())
    if longer <= 0:
        return ()
    bitmap = page.render(scale=limits.image_side / longer, may_draw_forms=False)
    try:
        picture = bitmap.to_pil().convert("RGB")
    finally:
        bitmap.close()
    colours = picture.getcolors(maxcolors=1)
    if colours:  # one colour all over: an empty page
        return ()
    return album.add((as_image(picture, f"page {number}", limits),))
