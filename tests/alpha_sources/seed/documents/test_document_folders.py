"""A folder as users have it: everything in it is accounted for, and nothing in it stops the rest."""

from __future__ import annotations

import hashlib
import os
import random
from datetime import date
from pathlib import Path

import pytest
from document_makers import (
    CHINESE,
    ENGLISH,
    HTML,
    docx_bytes,
    pdf_bytes,
    png_bytes,
    recording_bytes,
    repacked,
    swelling_pdf_bytes,
    xlsx_bytes,
)

from alpha_sources.seed.documents import (
    DateSource,
    Document,
    DocumentError,
    Kind,
    Limits,
    each_document,
    folder,
    read_folder,
)

NOTE = " ".join(ENGLISH)


def put(top: Path, name: str, data: bytes | str) -> None:
    path = top / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)


def test_a_folder_of_everything(tmp_path: Path) -> None:
    top = tmp_path / "documents"
    put(top, "note 2023-05-12.pdf", pdf_bytes([ENGLISH], title="A note"))
    put(top, "研报/动量_20220304.txt", "\n".join(CHINESE).encode("gb18030"))
    put(top, "charts/chart.png", png_bytes())
    put(top, "call.wav", recording_bytes(0.5))
    put(top, "b copy.docx", docx_bytes())
    put(top, "a.docx", (top / "b copy.docx").read_bytes())
    put(top, "page.html", HTML)
    put(top, "statement.xlsx", xlsx_bytes())
    put(top, "page.html.meta.yaml", "published: 2023-06-01\ntitle: Seen in June\n")
    # and what cannot be read
    put(top, "locked.pdf", pdf_bytes([ENGLISH], password="secret"))
    put(top, "empty.txt", b"")
    put(top, "archive.zip", repacked(docx_bytes(), {})[:100])
    put(top, "bomb.docx", repacked(docx_bytes(), {"word/x.bin": bytes(60 * 2**20)}))
    put(top, "gone.pdf.meta.yaml", "published: 2023-06-01\n")
    put(top, "bad.txt", NOTE)
    put(top, "bad.txt.meta.yaml", "published: soon\n")
    put(top, ".git/config", "[core]")
    put(top, "~$a.docx", "lock")
    with (top / "large.pdf").open("wb") as file:
        file.truncate(2 * 2**30)
    (top / "loop").symlink_to(top)
    (top / "link.txt").symlink_to("/etc/hostname")
    (top / "self").symlink_to("self")
    os.mkfifo(top / "pipe.pdf")

    documents = read_folder(top)

    names = [each.name for each in documents.read]
    assert names == [
        "a.docx",
        "call.wav",
        "charts/chart.png",
        "note 2023-05-12.pdf",
        "page.html",
        "statement.xlsx",
        "研报/动量_20220304.txt",
    ]
    by_name = {each.name: each for each in documents.read}
    assert by_name["a.docx"].other_names == ("b copy.docx",)
    assert by_name["page.html"].title == "Seen in June"
    assert by_name["page.html"].published == date(2023, 6, 1)
    assert by_name["note 2023-05-12.pdf"].published == date(2023, 5, 12)
    for each in documents.read:
        assert each.hash == hashlib.sha256((top / each.name).read_bytes()).hexdigest()

    reasons = {each.path: each.reason for each in documents.skipped}
    assert list(reasons) == sorted(reasons)
    for path, says in {
        "locked.pdf": "encrypted",
        "empty.txt": "empty",
        "archive.zip": "damaged",
        "bomb.docx": "unpacked_ratio",
        "gone.pdf.meta.yaml": "a sidecar of a document that is not there",
        "bad.txt": "bad.txt.meta.yaml: published is no date",
        ".git": "hidden",
        "~$a.docx": "hidden or temporary",
        "large.pdf": "media_bytes",
        "loop": "symbolic link",
        "link.txt": "symbolic link",
        "self": "symbolic link",
        "pipe.pdf": "no regular file",
    }.items():
        assert says in reasons.pop(path)
    assert reasons == {}
    assert read_folder(top) == documents


def test_of_the_dates_of_two_copies_the_later_counts(tmp_path: Path) -> None:
    put(tmp_path, "a 2021-01-04.txt", NOTE)
    put(tmp_path, "b 2022-06-30.txt", NOTE)
    (document,) = read_folder(tmp_path).read
    assert document.published == date(2022, 6, 30)
    assert document.publication is not None
    assert document.publication.source is DateSource.FILE_NAME
    assert document.publication.detail == "b 2022-06-30.txt"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_skipped(tmp_path: Path) -> None:
    put(tmp_path, "secret.txt", NOTE)
    (tmp_path / "secret.txt").chmod(0)
    (skipped,) = read_folder(tmp_path).skipped
    assert "Permission denied" in skipped.reason


def test_files_spoiled_anywhere_never_stop_the_others(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = {
        "pdf": pdf_bytes([ENGLISH, CHINESE], charts=[1]),
        "docx": docx_bytes(),
        "xlsx": xlsx_bytes(),
        "png": png_bytes(80, 60),
        "html": HTML.encode(),
        "mp4": recording_bytes(0.4, format_="mp4"),
    }
    written = 0
    for suffix, data in whole.items():
        for number in range(12):
            spoiled = bytearray(data)
            for _ in range(chance.choice((1, 8, 64))):
                spoiled[chance.randrange(len(data))] = chance.randrange(256)
            put(tmp_path, f"{number}.{suffix}", bytes(spoiled[: chance.choice((len(data), len(data) // 2))]))
            written += 1
    put(tmp_path, "whole.txt", NOTE)
    documents = read_folder(tmp_path)
    read = sum(1 + len(each.other_names) for each in documents.read)
    assert read + len(documents.skipped) == written + 1
    assert read > 10
    assert "whole.txt" in [each.name for each in documents.read]
    assert not [each for each in documents.skipped if "reader failed" in each.reason]


def _die_at_d(group, limits):
    name = group[0].name
    if name == "d.txt":
        os.abort()
    if name == "e.txt":
        bytearray(8 * 2**30)
    return folder._answer(group, limits)


def _answer_all_but(say, groups, limits):
    folder._bound_memory(limits.reading_bytes)
    say(None)
    for group in groups:
        try:
            say(_die_at_d(group, limits))
        except MemoryError:
            say(folder.Skipped(group[0].name, "memory"))


def test_a_reader_that_hangs_or_dies_costs_one_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for letter in "acdef":
        put(tmp_path, f"{letter}.txt", f"{NOTE} {letter}")
    put(tmp_path, "b.pdf", swelling_pdf_bytes())
    monkeypatch.setattr(folder, "_answer_all", _answer_all_but)
    documents = read_folder(tmp_path, limits=Limits(reading_seconds=2))
    assert [each.name for each in documents.read] == ["a.txt", "c.txt", "f.txt"]
    b, d, e = documents.skipped
    assert "not read within 2 s (limit reading_seconds)" in b.reason
    assert "was killed by SIGABRT" in d.reason
    assert e.reason == "memory"


def test_documents_come_one_by_one(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", NOTE)
    put(tmp_path, "b.md", f"# {NOTE}")
    stream = each_document(tmp_path)
    first = next(stream)
    assert isinstance(first, Document)
    assert (first.name, first.kind) == ("a.txt", Kind.TEXT)
    stream.close()  # type: ignore[attr-defined]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="is no folder"):
        read_folder(tmp_path / "none")
    assert read_folder(tmp_path) == folder.Documents((), ())
