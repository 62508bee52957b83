"""When a document may first be known: too late costs little, too early is the future."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from document_makers import ENGLISH, docx_bytes, pdf_bytes, xlsx_bytes
from hypothesis import given
from hypothesis import strategies as st

from alpha_sources.seed.documents import DateSource, DocumentError, Publication, read_document
from alpha_sources.seed.documents.dating import date_in_name, decide, from_metadata, read_date


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2023-05-12", date(2023, 5, 12)),
        ("2023/5/2", date(2023, 5, 2)),
        ("2023-05-12T15:59:59Z", date(2023, 5, 12)),
        ("2023-05-12T16:00:00Z", date(2023, 5, 13)),  # midnight in Shanghai
        ("2023-05-12T22:00:00-05:00", date(2023, 5, 13)),
        ("2023-05-13T00:30:00+0800", date(2023, 5, 13)),
        ("2023-05-12 23:00", date(2023, 5, 12)),
        ("D:20230512233000+00'00'", date(2023, 5, 13)),
        ("D:20230512", date(2023, 5, 12)),
        ("20230512", date(2023, 5, 12)),
        ("2023年5月12日", date(2023, 5, 12)),
        ("2023年2月", date(2023, 2, 28)),
        ("2024-02", date(2024, 2, 29)),
        ("2023", date(2023, 12, 31)),
        ("2023-02-30", None),
        ("2023-13", None),
        ("0000", None),
        ("tomorrow", None),
        ("", None),
    ],
)
def test_dates_are_read_as_days_in_shanghai(text: str, day: date | None) -> None:
    assert read_date(text) == day


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("20230512_note.pdf", date(2023, 5, 12)),
        ("note-2023-05-12.pdf", date(2023, 5, 12)),
        ("note 2023.5.2.pdf", date(2023, 5, 2)),
        ("中信证券2023年5月12日.pdf", date(2023, 5, 12)),
        ("月报2023年5月.pdf", date(2023, 5, 31)),
        ("monthly_2023-05.pdf", date(2023, 5, 31)),
        ("2021-01-04 to 2021-02-01.pdf", date(2021, 2, 1)),
        ("600519 annual report 2022.pdf", None),  # about 2022, out in 2023
        ("600519.pdf", None),
        ("202305121.pdf", None),
        ("20231345.pdf", None),
        ("2409.06289.pdf", None),
    ],
)
def test_dates_in_names(name: str, day: date | None) -> None:
    assert date_in_name(name) == day


@given(st.text(max_size=60))
def test_any_text_is_a_day_or_none(text: str) -> None:
    assert isinstance(read_date(text), date | None)
    assert isinstance(date_in_name(text), date | None)


@given(st.dates(date(1990, 1, 1), date(2090, 1, 1)))
def test_a_day_written_in_a_name_is_found(day: date) -> None:
    for name in (f"a{day:%Y%m%d}b.pdf", f"{day}.pdf", f"{day:%Y_%m_%d} v2.pdf"):
        assert date_in_name(name) == day


def test_of_doubtful_dates_the_latest_wins_and_a_stated_one_wins_over_all() -> None:
    name = Publication(date(2022, 1, 5), DateSource.FILE_NAME, "")
    metadata = Publication(date(2024, 3, 1), DateSource.METADATA, "")
    head = Publication(date(2023, 1, 1), DateSource.PAGE_HEAD, "")
    sidecar = Publication(date(2021, 12, 31), DateSource.SIDECAR, "")
    assert decide([name, metadata]) is metadata
    assert decide([name, metadata, head]) is head
    assert decide([name, metadata, head, sidecar]) is sidecar
    assert decide([]) is None


def test_dates_that_programs_write_when_they_know_none_are_none() -> None:
    said = [("CreationDate", "D:19700101000000Z"), ("ModDate", "D:20000101000000+00'00'"), ("x", None)]
    assert from_metadata(said) == ()


def test_metadata_of_files_dates_them(tmp_path: Path) -> None:
    moment = datetime(2023, 5, 12, 20, tzinfo=UTC)
    files = {
        "a.pdf": pdf_bytes([ENGLISH], created="D:20230512200000+00'00'"),
        "a.docx": docx_bytes(created=moment),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        publication = read_document(tmp_path / name).publication
        assert publication is not None
        assert (publication.day, publication.source) == (date(2023, 5, 13), DateSource.METADATA)


def test_a_workbook_is_as_old_as_its_last_change(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx_bytes(modified=datetime(2001, 2, 3)))
    # openpyxl writes the moment of saving as the last change
    published = read_document(path).published
    assert published is not None
    assert published > date(2020, 1, 1)


@pytest.mark.parametrize(
    "said", ["published: soon", "date: 2023-05-12", "[1, 2]", "", "{", "published: 2023-05-12\nother: 1"]
)
def test_a_wrong_sidecar_is_an_error(tmp_path: Path, said: str) -> None:
    path = tmp_path / "note.txt"
    path.write_text(ENGLISH[0])
    (tmp_path / "note.txt.meta.yaml").write_text(said)
    with pytest.raises(
        DocumentError, match=r"^note\.txt: its sidecar note\.txt\.meta\.yaml.*published: 2023"
    ):
        read_document(path)
