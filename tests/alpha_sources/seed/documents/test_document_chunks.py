"""Chunks: everything is in one, none is too long, and no word is cut."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from document_makers import CHINESE, ENGLISH, pdf_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from alpha_sources.seed.documents import (
    Document,
    DocumentError,
    Kind,
    Language,
    Page,
    chunk_document,
)
from alpha_sources.seed.documents.chunks import spans
from alpha_sources.seed.documents.cleaning import clean
from alpha_sources.seed.documents.language import language_of
from alpha_sources.seed.documents.paragraphs import join_lines


def document(*texts: str) -> Document:
    pages = tuple(Page(number, text) for number, text in enumerate(texts, 1))
    return Document("00", "a.txt", Kind.TEXT, "a", None, pages)


WORDS = st.text(alphabet="abcxyz0159é", min_size=1, max_size=18)
ENGLISH_TEXTS = st.lists(
    st.tuples(WORDS, st.sampled_from([" ", " ", " ", ". ", ", ", "\n", "\n\n"])), min_size=1, max_size=80
).map(lambda pairs: "".join(word + mark for word, mark in pairs))
MIXED_TEXTS = st.text(alphabet="动量收益率，。；！ab c1.\n😀é\u0301", max_size=400)


@given(ENGLISH_TEXTS, st.integers(20, 120), st.floats(0, 0.5))
def test_english_chunks_hold_whole_words(text: str, size: int, share: float) -> None:
    found = spans(text, size=size, overlap=int(share * size))
    words = set(text.split())
    for start, end in found:
        assert end - start <= size
        assert set(text[start:end].split()) <= words


@given(MIXED_TEXTS, st.integers(20, 60), st.floats(0, 0.5))
@settings(max_examples=300)
def test_every_character_is_in_a_chunk_and_chunks_go_forward(text: str, size: int, share: float) -> None:
    overlap = int(share * size)
    found = spans(text, size=size, overlap=overlap)
    inside = {at for start, end in found for at in range(start, end)}
    assert {at for at, each in enumerate(text) if not each.isspace()} <= inside
    for (start, end), (later, last) in pairwise(found):
        assert start < later
        assert end < last
        assert end - later <= overlap
    for start, end in found:
        assert 0 < end - start <= size
        assert text[start:end] == text[start:end].strip()
        # an accent stays with its letter
        assert text[start] != "\u0301" or start == 0 or text[start - 1].isspace()


@given(st.text(max_size=300), st.integers(20, 60))
def test_any_text_can_be_cut_and_written(text: str, size: int) -> None:
    kept = clean(text)
    assert clean(kept) == kept
    pieces = [kept[start:end] for start, end in spans(kept, size=size, overlap=5)]
    for piece in pieces:
        assert piece.encode("utf-8").decode("utf-8") == piece  # no half of a character
    assert bool(pieces) == bool(kept.strip())


def test_chinese_is_cut_at_the_ends_of_sentences() -> None:
    text = "".join(CHINESE) * 20
    for start, end in spans(text, size=100, overlap=0):
        assert text[end - 1] == "。"
        assert start == 0 or text[start - 1] == "。"


def test_english_is_cut_at_the_ends_of_sentences() -> None:
    text = " ".join(ENGLISH * 20)
    found = spans(text, size=200, overlap=0)
    assert all(text[end - 1] == "." for _, end in found)


def test_the_overlap_is_a_whole_paragraph_where_one_is_short_enough() -> None:
    text = "\n\n".join(f"Paragraph {number}: {ENGLISH[number % 3]}" for number in range(30))
    found = spans(text, size=500, overlap=120)
    assert len(found) > 3
    for (_, end), (start, _) in pairwise(found):
        assert text[start:].startswith("Paragraph")
        assert 0 < end - start <= 120


def test_a_word_longer_than_a_chunk_is_cut_and_nothing_is_lost() -> None:
    text = "a" * 95
    assert spans(text, size=30, overlap=0) == ((0, 30), (30, 60), (60, 90), (90, 95))


def test_chunks_know_their_pages() -> None:
    text = document("one " * 30, "", "three " * 20, "four")
    chunks = chunk_document(text, size=140, overlap=0)
    assert chunks[0].pages == (1,)
    assert chunks[-1].pages[-1] == 4
    for each in chunks:
        assert each.text == text.text[each.start : each.end]
        assert each.document == "00"
        for page in text.pages:
            word = page.text.split()[:1]
            assert not word or (page.number in each.pages) == (word[0] in each.text)
    assert [each.number for each in chunks] == list(range(1, len(chunks) + 1))


def test_chunks_that_cannot_be_are_refused() -> None:
    for size, overlap in ((19, 0), (100, 51), (100, -1)):
        with pytest.raises(DocumentError, match="overlap"):
            chunk_document(document("text"), size=size, overlap=overlap)
    assert chunk_document(document("", "")) == ()


def test_lines_of_a_printed_paragraph_are_joined_and_tables_are_not() -> None:
    page = (
        "Momentum of the past twelve months predicts the returns of\n"
        "the next month. The effect is strong among small stocks of\n"
        "low turnover.\nYear Profit\n2021 7\n2022 9\n"
        "过去十二个月的动量（剔除最近一个月）可以预测下个月的收益\n率，换手率越低越显著。\n"
    )
    assert join_lines(page) == (
        "Momentum of the past twelve months predicts the returns of the next month. The effect is strong "
        "among small stocks of low turnover.\n\nYear Profit\n2021 7\n2022 9\n"
        "过去十二个月的动量（剔除最近一个月）可以预测下个月的收益率，换手率越低越显著。\n\n"
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("".join(CHINESE), Language.ZH),
        (" ".join(ENGLISH), Language.EN),
        ("".join(CHINESE) + " ".join(ENGLISH), Language.MIXED),
        ("贵州茅台（600519.SH）的ROE为30%，高于行业平均水平，PE为25倍。", Language.ZH),
        ("1 2 3 + - =", Language.NONE),
        ("", Language.NONE),
    ],
)
def test_language_by_counting(text: str, language: Language) -> None:
    assert language_of(text) is language


def test_cleaning_keeps_what_can_be_seen() -> None:
    assert clean("a\r\nb\rc\x00\x0cd  \n\n\n\ne\ud800 ⼀") == "a\nb\nc\n\nd\n\ne\ufffd 一"


MEASURE = """
import re, sys, time
from pathlib import Path
from alpha_sources.seed.documents import chunk_document, read_document
start = time.process_time()
chunks = chunk_document(read_document(sys.argv[1]))
# not ru_maxrss: it counts the process that this one was forked from, too
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())
print(len(chunks), time.process_time() - start, peak[1] if peak else 0)
"""


def test_two_hundred_pages_take_less_than_ten_seconds_and_half_a_gigabyte(tmp_path: Path) -> None:
    lines = [*ENGLISH * 7, *CHINESE * 7]
    path = tmp_path / "long.pdf"
    path.write_bytes(
        pdf_bytes([[f"{number} {line}" for line in lines] for number in range(200)], charts=[3, 9])
    )
    said = subprocess.run(
        [sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True
    ).stdout.split()
    count, seconds, kilobytes = int(said[0]), float(said[1]), int(said[2])
    assert count > 100
    assert seconds < 10
    assert kilobytes < 500_000
