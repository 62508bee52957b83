"""Every kind of file, made for real, and what is read of it."""

from __future__ import annotations

import io
import socket
import struct
import sys
import wave
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from document_makers import (
    CHINESE,
    ENGLISH,
    HTML,
    INJECTION,
    docx_bytes,
    pdf_bytes,
    png_bytes,
    recording_bytes,
    repacked,
    song_bytes,
    xlsx_bytes,
)
from PIL import Image

from alpha_sources.seed.documents import (
    DateSource,
    Document,
    DocumentError,
    Kind,
    Language,
    Limits,
    read_document,
)


def put(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def refusal(path: Path, **limits: int) -> str:
    with pytest.raises(DocumentError) as caught:
        read_document(path, limits=Limits(**limits))
    message = str(caught.value)
    assert message.startswith(f"{path.name}: ")
    assert "\n" not in message
    return message


def test_a_pdf_has_its_words_by_page_in_both_languages(tmp_path: Path) -> None:
    pdf = pdf_bytes([ENGLISH, CHINESE], title="Momentum 动量")
    document = read_document(put(tmp_path, "note.pdf", pdf))
    assert document.kind is Kind.PDF
    assert document.title == "Momentum 动量"
    assert [page.number for page in document.pages] == [1, 2]
    assert " ".join(document.pages[0].text.split()) == " ".join(ENGLISH)
    assert "".join(document.pages[1].text.split()) == "".join(CHINESE)
    assert document.language is Language.MIXED


def test_a_pdf_page_is_kept_as_a_picture_where_it_has_a_chart_or_no_text(tmp_path: Path) -> None:
    pdf = pdf_bytes([ENGLISH, ENGLISH, [], []], charts=[2], scans=[3])
    document = read_document(put(tmp_path, "note.pdf", pdf))
    assert [len(page.images) for page in document.pages] == [0, 1, 1, 0]  # the fourth is empty
    chart = document.pages[1].images[0]
    drawn = np.asarray(Image.open(io.BytesIO(chart.data)).convert("L"))
    assert max(drawn.shape) == 1280
    assert 0.05 < (drawn < 128).mean() < 0.5


def test_a_scanned_pdf_says_so_and_keeps_its_pages(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "scan.pdf", pdf_bytes([[], []], scans=[1, 2])))
    assert document.notes == ("it is scanned: its pages are pictures without text",)
    assert len(document.images) == 2
    assert document.language is Language.NONE


def test_a_pdf_that_only_its_author_may_change_can_be_read(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "note.pdf", pdf_bytes([ENGLISH], owner="me")))
    assert ENGLISH[0] in document.text


def test_images_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    path = put(tmp_path, "scan.pdf", pdf_bytes([[], [], []], scans=[1, 2, 3]))
    document = read_document(path, limits=Limits(images=2))
    assert len(document.images) == 2
    assert "1 images beyond the first 2 were left out (limit images)" in document.notes


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (pdf_bytes([ENGLISH], password="secret"), "encrypted"),
        (pdf_bytes([ENGLISH])[:700], "damaged PDF"),
        (b"%PDF-1.7\n", "damaged PDF"),
        (pdf_bytes([[]]), "neither text nor pictures"),
        (b"", "empty"),
        (b" \n \n", "neither text nor pictures"),
    ],
    ids=["encrypted", "cut", "only a head", "blank", "no byte", "white space"],
)
def test_a_pdf_that_says_nothing_is_refused_with_the_reason(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in refusal(put(tmp_path, "note.pdf", data))


def test_too_many_pages_are_refused_with_the_limit_named(tmp_path: Path) -> None:
    message = refusal(put(tmp_path, "note.pdf", pdf_bytes([ENGLISH] * 3)), pages=2)
    assert "3 pages, and pages allows 2" in message


def test_html_gives_what_a_reader_sees(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "page.html", HTML))
    assert document.kind is Kind.HTML
    assert document.title == "Momentum in China"
    assert document.text == (
        f"{ENGLISH[0]}\n\n{CHINESE[0]}\n\n| Year | Profit |\n| --- | --- |\n| 2021 | 7 |"
    )
    assert document.tables[0].header == ("Year", "Profit")
    assert INJECTION not in document.text
    # half past eight in the evening of the 12th in London is the 13th in Shanghai
    assert document.published == date(2023, 5, 13)
    assert document.publication is not None
    assert document.publication.source is DateSource.PAGE_HEAD


def test_html_in_gbk_says_so_itself(tmp_path: Path) -> None:
    page = f'<html><head><meta charset="gb2312"></head><body><p>{CHINESE[1]}</p></body></html>'
    document = read_document(put(tmp_path, "page.htm", page.encode("gbk")))
    assert document.text == CHINESE[1]
    assert document.notes == ("its text is gb18030",)


def test_html_nested_without_end_does_no_harm(tmp_path: Path) -> None:
    page = "<html><body><p>top</p>" + "<div>" * 50_000 + "deep"
    assert read_document(put(tmp_path, "page.html", page)).text.startswith("top")


def test_a_docx_keeps_order_pages_tables_and_pictures(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "note.docx", docx_bytes()))
    assert document.kind is Kind.DOCX
    assert document.title == "A note on liquidity"
    first, second = document.pages
    assert first.text.startswith("Liquidity\n\n" + "\n\n".join(ENGLISH))
    assert first.text.endswith("| 2022 | 120 | 9 |")
    assert second.text == CHINESE[0]
    assert [len(page.images) for page in document.pages] == [0, 1]
    assert document.tables[0].rows == (("2021", "100", "7"), ("2022", "120", "9"))
    assert document.published is None  # the template's date is no date of the document


def test_word_s_own_page_breaks_split_a_paragraph(tmp_path: Path) -> None:
    plain = docx_bytes(breaks=False)
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        body = archive.read("word/document.xml").decode()
    text = ENGLISH[1]
    before, after = text[:20], text[20:]
    broken = body.replace(
        f"<w:t>{text}</w:t>",
        f'<w:t xml:space="preserve">{before}</w:t></w:r><w:r><w:lastRenderedPageBreak/><w:t>{after}</w:t>',
    )
    assert broken != body
    data = repacked(plain, {"word/document.xml": broken.encode()})
    document = read_document(put(tmp_path, "note.docx", data))
    assert len(document.pages) == 2
    assert document.pages[0].text.endswith(before.rstrip())
    assert document.pages[1].text.startswith(after)


def test_linked_pictures_of_a_docx_are_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("a document made us call somebody")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    plain = docx_bytes()
    name = "word/_rels/document.xml.rels"
    with zipfile.ZipFile(io.BytesIO(plain)) as archive:
        relations = archive.read(name).decode()
    linked = relations.replace(
        'Target="media/image1.png"', 'Target="http://127.0.0.1:9/x.png" TargetMode="External"'
    )
    assert linked != relations
    document = read_document(put(tmp_path, "note.docx", repacked(plain, {name: linked.encode()})))
    assert document.images == ()
    assert CHINESE[0] in document.text
    read_document(put(tmp_path, "page.html", HTML))


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    bomb = repacked(docx_bytes(), {"word/media/zeros.bin": bytes(80 * 2**20)})
    assert len(bomb) < 2**20
    path = put(tmp_path, "bomb.docx", bomb)
    assert "times its size when unpacked, and unpacked_ratio allows 200" in refusal(path)
    assert "bytes when unpacked, and unpacked_bytes allows 1,000,000" in refusal(path, unpacked_bytes=10**6)
    sheet = repacked(xlsx_bytes(), {"xl/media/zeros.bin": bytes(80 * 2**20)})
    assert "unpacked_ratio" in refusal(put(tmp_path, "bomb.xlsx", sheet))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_in_office_files_are_refused_before_any_parser_sees_them(
    tmp_path: Path, encoding: str
) -> None:
    secret = put(tmp_path, "secret.txt", "the secret")
    attack = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [<!ENTITY x SYSTEM "{secret}">]><a>&x;</a>'
    )
    for name, data, part in (
        ("note.docx", docx_bytes(), "word/document.xml"),
        ("book.xlsx", xlsx_bytes(), "xl/sharedStrings.xml"),
    ):
        message = refusal(put(tmp_path, name, repacked(data, {part: attack.encode(encoding)})))
        assert "document type declaration" in message
        assert "the secret" not in message


@pytest.mark.parametrize("name", ["note.docx", "book.xlsx"])
def test_damaged_office_files_are_refused(tmp_path: Path, name: str) -> None:
    data = docx_bytes() if name == "note.docx" else xlsx_bytes()
    main = "word/document.xml" if name == "note.docx" else "xl/worksheets/sheet1.xml"
    assert "damaged" in refusal(put(tmp_path, name, data[: len(data) // 2]))
    assert "damaged" in refusal(put(tmp_path, name, repacked(data, {main: b"<w:"})))


def test_old_and_encrypted_office_files_say_what_to_do(tmp_path: Path) -> None:
    head = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    assert "save it as DOCX or XLSX" in refusal(put(tmp_path, "old.doc", head))
    locked = head + "EncryptedPackage".encode("utf-16-le")
    assert "without a password" in refusal(put(tmp_path, "locked.xlsx", locked))


def test_a_statement_keeps_caption_and_header_on_every_page(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "statement.xlsx", xlsx_bytes(rows=200)))
    assert document.kind is Kind.XLSX
    (table,) = document.tables
    assert table.name == "利润表"
    assert table.caption == "利润表 单位：万元"
    assert table.header == ("项目", "2021-12-31", "2022-12-31")
    assert table.rows[1] == ("营业收入1", "1001.1", "1201")
    assert len(table.rows) == 200
    assert len(document.pages) > 1
    for page in document.pages:
        assert page.text.startswith(
            "利润表 单位：万元\n| 项目 | 2021-12-31 | 2022-12-31 |\n| --- | --- | --- |\n"
        )
    rows = [line for page in document.pages for line in page.text.splitlines() if "营业收入" in line]
    assert len(rows) == 200
    assert document.pages[0].label.startswith("利润表, rows 1-")


def test_formulas_that_were_never_computed_are_counted(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["项目", "2022"], ["收入", 3], ["合计", "=SUM(B2:B2)"]):
        book.active.append(row)
    file = io.BytesIO()
    book.save(file)
    document = read_document(put(tmp_path, "book.xlsx", file.getvalue()))
    assert document.tables[0].rows == (("收入", "3"), ("合计", ""))
    assert document.notes == ("1 formulas have no computed value: open and save it",)


def test_too_many_cells_are_refused(tmp_path: Path) -> None:
    assert "cells allows 100" in refusal(put(tmp_path, "book.xlsx", xlsx_bytes(rows=90)), cells=100)
    text = "a,b,c\n" + "1,2,3\n" * 50
    assert "cells allows 100" in refusal(put(tmp_path, "table.csv", text), cells=100)


def test_csv_in_gbk_with_quoted_commas(tmp_path: Path) -> None:
    text = '代码,名称,备注\n600519,贵州茅台,"高,稳"\n000001,平安银行,\n'
    document = read_document(put(tmp_path, "list.csv", text.encode("gbk")))
    assert document.kind is Kind.CSV
    assert document.tables[0].header == ("代码", "名称", "备注")
    assert document.tables[0].rows == (("600519", "贵州茅台", "高,稳"), ("000001", "平安银行", ""))
    assert document.language is Language.ZH


def test_markdown_front_matter_gives_title_and_date(tmp_path: Path) -> None:
    text = f"---\ntitle: On value\ndate: 2022-03-04\n---\n# Value\n\n{ENGLISH[0]}\n"
    document = read_document(put(tmp_path, "value.md", text))
    assert (document.kind, document.title) == (Kind.MARKDOWN, "On value")
    assert document.text == f"# Value\n\n{ENGLISH[0]}"
    assert document.published == date(2022, 3, 4)
    assert document.publication is not None
    assert document.publication.detail == "date: 2022-03-04"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_is_decoded(tmp_path: Path, encoding: str) -> None:
    text = "\r\n".join(CHINESE)
    document = read_document(put(tmp_path, "note.txt", text.encode(encoding)))
    assert document.text == "\n".join(CHINESE)
    assert document.language is Language.ZH


def test_western_text_is_not_taken_for_chinese(tmp_path: Path) -> None:
    text = "Société Générale über Märkte: naïve café résumé"
    assert read_document(put(tmp_path, "note.txt", text.encode("cp1252"))).text == text


def test_one_wrong_byte_does_not_spoil_a_text(tmp_path: Path) -> None:
    text = "".join(CHINESE)
    spoiled = bytearray(text.encode())
    spoiled[0] = 0xFF
    document = read_document(put(tmp_path, "note.txt", bytes(spoiled)))
    assert document.text.lstrip("\ufffd") == text[1:]
    assert document.notes == ("its text is damaged UTF-8",)


def test_html_keeps_the_lines_of_formulas(tmp_path: Path) -> None:
    page = "<html><body><p>One:</p><pre><code>rank(close)\n  - rank(volume)</code></pre></body></html>"
    text = read_document(put(tmp_path, "page.html", page)).text
    assert text == "One:\n\nrank(close)\n- rank(volume)"


def test_an_image_is_made_small_and_loses_its_comments(tmp_path: Path) -> None:
    data = png_bytes(2600, 650, comment=INJECTION)
    document = read_document(put(tmp_path, "chart.png", data))
    (image,) = document.images
    assert document.kind is Kind.IMAGE
    assert (image.width, image.height) == (1280, 320)
    opened = Image.open(io.BytesIO(image.data))
    assert opened.size == (1280, 320)
    assert opened.info.get("Comment") is None
    assert INJECTION.encode() not in image.data


def test_an_image_of_too_many_pixels_is_not_even_opened(tmp_path: Path) -> None:
    assert "pixels allows 1,000" in refusal(put(tmp_path, "chart.png", png_bytes()), pixels=1000)
    assert "damaged PNG" in refusal(put(tmp_path, "chart.png", png_bytes()[:200]))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_images_of_any_mode_are_taken(tmp_path: Path, mode: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (40, 30)).save(file, "TIFF" if mode == "CMYK" else "PNG")
    (image,) = read_document(put(tmp_path, "any", file.getvalue())).images
    assert image.media_type == "image/png"


def test_sound_becomes_parts_of_16_khz_mono(tmp_path: Path) -> None:
    path = put(tmp_path, "call.wav", recording_bytes(2.5))
    document = read_document(path, limits=Limits(part_seconds=1))
    assert document.kind is Kind.AUDIO
    assert [(round(part.start, 2), round(part.seconds, 1)) for part in document.sounds] == [
        (0, 1),
        (1, 1),
        (2, 0.5),
    ]
    with wave.open(io.BytesIO(document.sounds[0].data)) as part:
        assert (part.getframerate(), part.getnchannels(), part.getsampwidth()) == (16_000, 1, 2)
        heard = np.frombuffer(part.readframes(16_000), dtype=np.int16)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == 440  # one second: a bin is a hertz
    spoken = document.transcribed(("Sales grew.", "利润增长。", ""))
    assert spoken.sounds == ()
    assert spoken.pages[1].text == "利润增长。"
    with pytest.raises(DocumentError, match="2 transcripts for 3 parts"):
        document.transcribed(("a", "b"))


def test_a_film_gives_sound_and_evenly_spaced_frames(tmp_path: Path) -> None:
    path = put(tmp_path, "call.mp4", recording_bytes(4, format_="mp4"))
    document = read_document(path, limits=Limits(frames=4))
    assert document.kind is Kind.VIDEO
    assert sum(part.seconds for part in document.sounds) == pytest.approx(4, abs=0.2)
    shades = [np.asarray(Image.open(io.BytesIO(image.data)).convert("L")).mean() for image in document.images]
    # frames at 0.5, 1.5, 2.5, 3.5 s are the 3rd, 8th, 13th and 18th, each ten shades lighter than the last
    assert shades == pytest.approx([30, 80, 130, 180], abs=8)


def test_the_cover_of_a_song_does_not_make_it_a_film(tmp_path: Path) -> None:
    document = read_document(put(tmp_path, "song.mp3", song_bytes()))
    assert document.kind is Kind.AUDIO
    assert document.images == ()
    assert document.sounds[0].seconds == pytest.approx(1.04, abs=0.1)


def test_a_long_or_damaged_recording_is_refused(tmp_path: Path) -> None:
    data = recording_bytes(3)
    assert "3 seconds, and media_seconds allows 2" in refusal(put(tmp_path, "a.wav", data), media_seconds=2)
    film = recording_bytes(1, format_="mp4")
    assert "damaged recording" in refusal(put(tmp_path, "a.mp4", film[: len(film) // 2]))


def test_a_title_that_is_no_utf8_can_be_stored(tmp_path: Path) -> None:
    title = "二季度 call".encode("gbk") + b"\0"
    info = b"INFOINAM" + struct.pack("<I", len(title)) + title + bytes(len(title) % 2)
    sound = recording_bytes(0.5) + b"LIST" + struct.pack("<I", len(info)) + info
    path = put(tmp_path, "call.wav", b"RIFF" + struct.pack("<I", len(sound) - 8) + sound[8:])
    said = read_document(path).title
    assert said.endswith(" call")
    assert said.encode()  # no lone surrogates


def test_a_play_list_is_text_and_opens_nothing(tmp_path: Path) -> None:
    secret = put(tmp_path, "secret.wav", recording_bytes(0.2))
    document = read_document(put(tmp_path, "list.mp4", f"ffconcat version 1.0\nfile {secret}\n"))
    assert (document.kind, document.sounds) == (Kind.TEXT, ())
    assert "it is named .mp4 but is of kind text" in document.notes


@pytest.mark.parametrize(
    ("name", "make", "kind"),
    [
        ("note.txt", lambda: pdf_bytes([ENGLISH]), Kind.PDF),
        ("note.pdf", png_bytes, Kind.IMAGE),
        ("photo.jpg", docx_bytes, Kind.DOCX),
        ("statement.xls", lambda: b"a\tb\tc\n1\t2\t3\n4\t5\t6\n", Kind.CSV),
        ("statement.docx", xlsx_bytes, Kind.XLSX),
        ("export.xls", lambda: HTML.encode(), Kind.HTML),
        ("nothing", lambda: ENGLISH[0].encode(), Kind.TEXT),
    ],
)
def test_a_kind_is_known_by_content(tmp_path: Path, name: str, make, kind: Kind) -> None:
    assert read_document(put(tmp_path, name, make())).kind is kind


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\x1f\x8b\x08" + bytes(20), "gzip archive: unpack it"),
        (b"PK\x03\x04" + bytes(60), "damaged"),
        (b"\x7fELF" + bytes(60), "a program"),
        (bytes(range(256)) * 4, "of no kind that is read"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "save it as PNG or JPEG"),
        (b"{\\rtf1 text}", "save it as DOCX or PDF"),
    ],
)
def test_other_files_are_refused_with_a_remedy(tmp_path: Path, data: bytes, says: str) -> None:
    assert says in refusal(put(tmp_path, "some.pdf", data))


@pytest.mark.parametrize(
    ("module", "make", "says"),
    [
        ("pypdfium2", lambda: pdf_bytes([ENGLISH]), "a PDF file cannot be read without pypdfium2"),
        ("docx", docx_bytes, "a DOCX file cannot be read without docx"),
        ("openpyxl", xlsx_bytes, "an XLSX file cannot be read without openpyxl"),
        ("av", lambda: recording_bytes(0.1), "a sound or a film cannot be read without av"),
        ("PIL.Image", png_bytes, "an image cannot be read without"),
        ("lxml.html", lambda: HTML.encode(), "an HTML page cannot be read without"),
    ],
)
def test_a_missing_reader_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, make, says: str
) -> None:
    path = put(tmp_path, "file", make())
    monkeypatch.setitem(sys.modules, module, None)
    message = refusal(path)
    assert says in message
    assert message.endswith("pip install 'alphaloom[documents]'")


def test_two_gigabytes_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "large.pdf"
    with path.open("wb") as file:
        file.truncate(2 * 2**30)  # a sparse file: no disk is used
    assert "2,147,483,648 bytes, and media_bytes allows" in refusal(path)
    with path.open("wb") as file:
        file.truncate(70 * 2**20)
    assert "bytes, and file_bytes allows" in refusal(path)


def test_a_folder_or_a_missing_file_is_no_document(tmp_path: Path) -> None:
    assert "regular file" in refusal(tmp_path)
    assert "cannot be opened: No such file" in refusal(tmp_path / "none.pdf")


def test_reading_twice_gives_equal_documents(tmp_path: Path) -> None:
    for name, data in (
        ("a.pdf", pdf_bytes([ENGLISH, CHINESE], charts=[1])),
        ("a.docx", docx_bytes(created=datetime(2023, 1, 2, tzinfo=UTC))),
        ("a.xlsx", xlsx_bytes()),
        ("a.mp4", recording_bytes(1, format_="mp4")),
    ):
        path = put(tmp_path, name, data)
        first, second = read_document(path), read_document(path)
        assert isinstance(first, Document)
        assert first == second


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(DocumentError, match=r"limits\.pages is 0"):
        Limits(pages=0)
