"""Pictures that were drawn elsewhere, and figures with stretches that are shaded."""

import base64
import json
import re
import struct
import zlib

import pytest

from engine.errors import ShapeError
from engine.report import Band, Figure, Image, Section, Series, render

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04"]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + chunk(b"IDAT", zlib.compress(b"\x00\xff"))
    + chunk(b"IEND", b"")
)


def page(*figures) -> str:
    return render("T", "", [Section("Brief", 1, figures=figures)])


def test_a_picture_is_part_of_the_page():
    html = page(Image("Index", PNG, "K-line of the index", "C1", "half"))
    (address,) = re.findall(r'<img class="picture" src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(address) == PNG
    assert 'alt="K-line of the index"' in html and "panel half" in html
    assert "img-src data:" in html and page(Image("Index", PNG, "K-line of the index", "C1", "half")) == html


def test_what_a_picture_says_cannot_become_markup():
    html = page(Image("<b>", PNG, '"><script>alert(1)</script>'))
    assert "<script>alert(1)" not in html and "<h3><b>" not in html


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image("A", b"<svg onload=x>", "text"), "'A': its bytes are no PNG file"),
        (Image("A", PNG, " "), "say in `text` what it shows"),
        (Image("A", PNG + bytes(9 * 2**20), "text"), "at most 8,388,608"),
    ],
)
def test_what_is_no_picture_is_refused(image, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        page(image)


def figure(*bands: Band) -> Figure:
    return Figure("Kept", DAYS, [Series("a", [1, 2, 3])], bands=bands)


def test_bands_reach_the_script_and_their_absence_leaves_no_trace():
    html = page(figure(Band(0, 1, "bull", "up"), Band(1, 2)))
    data = json.loads(re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.S)[1])
    assert data["charts"][0]["bands"] == [
        {"first": 0, "last": 1, "label": "bull", "colour": "up"},
        {"first": 1, "last": 2, "label": "", "colour": "muted"},
    ]
    assert '"bands"' not in page(figure())


@pytest.mark.parametrize("band", [Band(-1, 1), Band(2, 1), Band(0, 3)])
def test_a_band_lies_on_the_axis(band):
    with pytest.raises(ShapeError, match="does not lie on the 3 points"):
        page(figure(band))


def test_a_band_has_a_colour_of_the_page():
    with pytest.raises(ValueError, match="colour 'red'"):
        page(figure(Band(0, 1, "x", "red")))
