"""What others wrote: known on its day, and not a minute before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from alpha_sources.agents.brief import (
    Archive,
    BriefConfig,
    BriefError,
    DatedDocument,
    FutureItemError,
    ItemKind,
    MacroFigure,
    make_brief,
    read_archive,
    read_macro,
)
from engine.errors import LookAheadError
from engine.market.text import Text

INDEX = "000016.SH"
DAY = "2023-02-20"


def note(published_at, title="A note", text="Words.", **more):
    return DatedDocument(published_at, title, text, "notes.txt", **more)


def brief_of(panel, day=DAY, **more):
    return make_brief(panel.view(day), index_symbol=INDEX, **more)


def foreign(brief):
    return [one for one in brief.items if one.kind.foreign]


def test_texts_of_the_view_are_shown_from_15_00_on(world):
    assert [one.text for one in foreign(brief_of(world, "2023-01-10"))] == [
        "Banks rally. Profit growth beat expectations."
    ]
    assert "After the close" not in str(brief_of(world, DAY).to_payload())
    (item,) = foreign(brief_of(world, "2023-02-21"))
    assert (item.kind, item.date, item.source, item.symbol) == (
        ItemKind.ANNOUNCEMENT,
        date(2023, 2, 20),
        "wire",
        "600003.SH",
    )


@pytest.mark.parametrize(
    "moment", [datetime(2023, 2, 20, 15, 1), datetime(2023, 2, 21), datetime(2031, 1, 1)]
)
def test_a_document_from_the_future_is_refused_by_name_and_date(world, moment):
    late = note(moment, "Tomorrow's news")
    with pytest.raises(
        FutureItemError, match=f"Tomorrow's news.*notes.txt.*{moment:%Y-%m-%d %H:%M}"
    ) as error:
        brief_of(world, documents=[note(datetime(2023, 2, 1)), late])
    assert isinstance(error.value, LookAheadError)


def test_a_macro_figure_from_the_future_is_refused_by_name_and_date(world):
    figure = MacroFigure(datetime(2023, 2, 20, 16), "M2", 12.6, "2023-01", "%")
    with pytest.raises(FutureItemError, match="'M2' was published at 2023-02-20 16:00"):
        brief_of(world, figures=[figure])
    assert foreign(brief_of(world, "2023-02-21", figures=[figure]))


@pytest.mark.parametrize("nothing", [None, pd.NaT, "2023-01-01"])
def test_what_has_no_date_is_refused_by_name(nothing):
    with pytest.raises(BriefError, match=r"'Rumour' \(notes.txt\) has no date"):
        note(nothing, "Rumour")
    with pytest.raises(BriefError, match="'CPI' has no date"):
        MacroFigure(nothing, "CPI", 2.1)


def test_a_moment_elsewhere_is_told_in_shanghai(world):
    abroad = datetime(2023, 2, 20, 6, 59, tzinfo=UTC)
    assert note(abroad).published_at == datetime(2023, 2, 20, 14, 59)
    brief_of(world, documents=[note(abroad)])
    with pytest.raises(FutureItemError):
        brief_of(world, documents=[note(abroad + timedelta(minutes=2))])


def test_an_archive_shows_each_session_what_was_out_by_then(world):
    archive = Archive(
        tuple(note(datetime(2023, m, 8), f"Month {m}") for m in (1, 2, 3)),
        tuple(MacroFigure(datetime(2023, m, 8, 10), "CPI", m, f"2023-{m - 1:02d}") for m in (2, 3)),
    )
    assert [one.text for one in foreign(brief_of(world, "2023-02-03", documents=archive))] == [
        "Month 1. Words.",
        "Banks rally. Profit growth beat expectations.",
    ]
    assert [one.text for one in foreign(brief_of(world, "2023-03-08", documents=archive))] == [
        "CPI of 2023-02: 3, after 2 of 2023-01",
        "After the close. Default.",
        "Month 3. Words.",
    ]
    assert not foreign(brief_of(world.truncate("2023-01-06"), "2023-01-06", documents=archive))


def test_the_newest_texts_are_kept_and_the_others_counted(world):
    notes = [note(datetime(2023, 2, 1) + timedelta(hours=h), f"No. {h:02d}") for h in range(40)]
    brief = brief_of(world, documents=notes, config=BriefConfig(most_texts=5))
    assert [one.text[:6] for one in foreign(brief)] == [f"No. {h}" for h in range(35, 40)]
    assert brief.notes == ("35 older texts are left out: most_texts is 5",)
    assert not foreign(brief_of(world, documents=notes, config=BriefConfig(most_texts=0)))


def test_a_text_that_was_handed_over_twice_stands_once(world):
    known = Text(datetime(2023, 2, 20, 10), "A note", "Words.", "wire")
    brief = brief_of(replace(world, texts=(known,)), documents=[note(datetime(2023, 2, 20))])
    assert len(foreign(brief)) == 1


def test_items_are_numbered_and_every_one_has_date_and_source(world):
    figures = [MacroFigure(datetime(2023, 1, 5), "PMI", 47.0, source="NBS")]
    brief = brief_of(world, documents=[note(datetime(2023, 2, 1))], figures=figures)
    assert [one.id for one in brief.items] == [f"B{n}" for n in range(1, len(brief.items) + 1)]
    assert all(one.source and one.text and one.date <= brief.session for one in brief.items)
    assert brief.item("B1").kind is ItemKind.REGIME
    with pytest.raises(BriefError, match="no item 'B99'"):
        brief.item("B99")


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_a_folder_holds_documents_news_and_figures(world, tmp_path):
    write(
        tmp_path,
        **{
            "announcements__600519.md": "---\ndate: 2023-02-16\ntitle: Dividend\n---\nIt was declared.",
            "2023-02-17 outlook.txt": "Outlook: demand recovers.",
            "news.csv": "published,title,body,symbol,kind\n"
            '2023-02-20 14:30,"Rates, cut","Easing\nat last",,\n2023-02-20 15:30,Too late,,600000.SH,post\n',
            "data__cn.macro.csv": "published,name,value,period,unit\n2023-02-10,CPI yoy,2.1,2023-01,%\n",
        },
    )
    archive = read_archive(tmp_path)
    assert [(one.kind.value, one.title) for one in archive.documents] == [
        ("announcement", "Dividend"),
        ("document", "2023-02-17 outlook"),
        ("news", "Rates, cut"),
        ("post", "Too late"),
    ]
    assert not archive.skipped
    brief = brief_of(world, documents=archive)
    assert [(one.source, one.text) for one in foreign(brief)] == [
        ("data/cn.macro.csv", "CPI yoy of 2023-01: 2.1 %"),
        ("announcements/600519.md", "Dividend. It was declared."),
        ("2023-02-17 outlook.txt", "2023-02-17 outlook. Outlook: demand recovers."),
        ("news.csv, line 3", "Rates, cut. Easing at last"),
    ]


def test_an_empty_folder_leaves_a_brief_of_numbers(world, tmp_path):
    brief = brief_of(world, documents=read_archive(tmp_path))
    assert not foreign(brief) and brief.items
    assert brief.hash == brief_of(world).hash


def test_an_undated_file_in_a_folder_is_refused_by_name(tmp_path):
    write(tmp_path, **{"posts__rumour.txt": "They say it will rise."})
    with pytest.raises(BriefError, match=r"posts/rumour.txt has no date.*rumour.txt.meta.yaml"):
        read_archive(tmp_path)
    write(tmp_path, **{"posts__rumour.txt.meta.yaml": "published: 2023-02-01\n"})
    assert read_archive(tmp_path).documents[0].kind is ItemKind.POST


def test_a_file_that_cannot_be_read_is_noted(world, tmp_path):
    (tmp_path / "2023-02-01.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    brief = brief_of(world, documents=read_archive(tmp_path))
    assert brief.notes[0].startswith("2023-02-01.pdf was not read: ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("published,name\n", "lacks the column 'value'"),
        ("published,name,value,colour\n", "a column 'colour' that nothing reads"),
        ("published,name,value,name\n", "two columns named 'name'"),
        ("published,name,value\n2023-02-10,CPI,2.1\n,PPI,1.0\n", "line 3: 'PPI' has no date"),
        ("published,name,value\nFebruary,CPI,2.1\n", "line 2: 'CPI': 'February' is no date"),
        ("published,name,value\n2023-02-10,CPI,two\n", "line 2: 'two' is no number"),
        ("published,name,value\n2023-02-10,CPI,nan\n", "line 2: 'nan' is not finite"),
        ("published,name,value\n2023-02-10,,2\n", "line 2: the cell under 'name' is empty"),
        ("published,name,value\n2023-02-10,CPI,2,1\n", "line 2: 4 cells under 3 columns"),
    ],
)
def test_a_broken_table_of_figures_is_refused_with_the_line(tmp_path, text, message):
    path = tmp_path / "macro.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BriefError, match=message):
        read_macro(path, "macro.csv")


def test_chinese_tables_may_be_gb18030(tmp_path):
    path = tmp_path / "macro.csv"
    path.write_bytes("published,name,value,unit\n2023-02-10,居民消费价格,2.1,%\n".encode("gb18030"))
    assert read_macro(path)[0].name == "居民消费价格"


def test_a_revised_figure_counts_from_its_own_day(world):
    figures = (
        MacroFigure(datetime(2023, 1, 10), "GDP", 3.0, "2022Q3"),
        MacroFigure(datetime(2023, 2, 1), "GDP", 2.9, "2022Q4"),
        MacroFigure(datetime(2023, 2, 15), "GDP", 3.1, "2022Q4"),
    )
    archive = Archive(figures=figures)
    said = [foreign(brief_of(world, day, documents=archive))[0] for day in ("2023-02-14", "2023-02-15")]
    assert [one.values for one in said] == [{"value": 2.9, "before": 3.0}, {"value": 3.1, "before": 3.0}]
    assert [one.date.isoformat() for one in said] == ["2023-02-01", "2023-02-15"]


def test_a_kind_of_news_that_nobody_knows_is_refused(tmp_path):
    write(tmp_path, **{"news.csv": "published,title,kind\n2023-02-10,Hm,gossip\n"})
    with pytest.raises(BriefError, match="line 2: 'gossip' is no kind of text; known: news, announcement"):
        read_archive(tmp_path)
