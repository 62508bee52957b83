"""Images: made small, and written anew without whatever else their files held."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from alpha_sources.seed.documents.dating import from_metadata
from alpha_sources.seed.documents.document import Image, Page
from alpha_sources.seed.documents.errors import DocumentError
from alpha_sources.seed.documents.extras import needed
from alpha_sources.seed.documents.limits import Limits
from alpha_sources.seed.documents.parts import Parts
from alpha_sources.seed.documents.signatures import image_format

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

#: A PNG beyond this is a photograph or a scan, and five to ten times smaller as JPEG.
_LARGE_PNG = 2**20
_JPEG_QUALITY = 85
_EXIF_DATES = ((306, "DateTime"), (36867, "DateTimeOriginal"))


def read_picture(data: bytes, name: str, limits: Limits) -> Parts:
    """Return a document of one page with one image.

    Raises
    ------
    DocumentError
        If it is damaged, too large, or Pillow is not installed.
    """
    picture, dates = _open(data, limits)
    image = as_image(picture, name, limits)
    return Parts((Page(1, "", (image,)),), dates=from_metadata(dates))


def read_embedded(data: bytes, label: str, limits: Limits) -> Image:
    """Return an image that stood in another document.

    Raises
    ------
    DocumentError
        As `read_picture`.
    """
    return as_image(_open(data, limits)[0], label, limits)


def as_image(picture: Picture, label: str, limits: Limits) -> Image:
    """Return a picture as bytes of a PNG or JPEG file that holds its pixels and nothing else.

    Parameters
    ----------
    picture : PIL.Image.Image
    label : str
    limits : Limits
        ``image_side`` bounds its longer side.
    """
    modes = needed("PIL.Image", "an image")
    picture = _flat(picture)
    if max(picture.size) > limits.image_side:
        scale = limits.image_side / max(picture.size)
        width, height = (max(1, round(side * scale)) for side in picture.size)
        picture = picture.resize((width, height), modes.Resampling.LANCZOS)
    # into a new picture, which has no place for comments, profiles and thumbnails of the old one
    clean = modes.new(picture.mode, picture.size)
    clean.paste(picture)
    file = io.BytesIO()
    clean.save(file, "PNG")
    media_type = "image/png"
    if file.tell() > _LARGE_PNG:
        file = io.BytesIO()
        clean.save(file, "JPEG", quality=_JPEG_QUALITY)
        media_type = "image/jpeg"
    return Image(file.getvalue(), media_type, picture.width, picture.height, label)


def _open(data: bytes, limits: Limits) -> tuple[Picture, list[tuple[str, str | None]]]:
    opener = needed("PIL.Image", "an image")
    turned = needed("PIL.ImageOps", "an image")
    kind = image_format(data[:16])
    if kind is None:
        raise DocumentError("it is no image of a kind that is read: save it as PNG or JPEG")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = opener.open(io.BytesIO(data), formats=[kind])
            limits.check("pixels", picture.width * picture.height, "pixels")
            picture.load()
            exif = picture.getexif()
            dates = [(label, _exif_day(exif.get(tag))) for tag, label in _EXIF_DATES]
            return turned.exif_transpose(picture), dates
    except DocumentError:
        raise
    except opener.DecompressionBombError:
        raise DocumentError(f"it has more pixels than an image needs ({limits.pixels:,})") from None
    except Exception:  # Pillow's plug-ins raise whatever a damaged file makes them stumble over
        raise DocumentError(f"it is a damaged {kind} image: save it again") from None


def _exif_day(value: object) -> str | None:
    return str(value)[:10].replace(":", "-") if value else None


def _flat(picture: Picture) -> Picture:
    """Return the picture in grey or colours, on white where it was transparent."""
    if picture.mode in ("L", "RGB"):
        return picture
    if picture.mode in ("I;16", "I", "F"):
        return picture.convert("F").point(lambda value: value / 257).convert("L")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        modes = needed("PIL.Image", "an image")
        layers = picture.convert("RGBA")
        paper: Picture = modes.new("RGBA", layers.size, "white")
        paper.alpha_composite(layers)
        return paper.convert("RGB")
    return picture.convert("L" if picture.mode == "1" else "RGB")
