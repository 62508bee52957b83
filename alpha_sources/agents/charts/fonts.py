"""Fonts: the one that comes with the renderer, and a Chinese one where the machine has it."""

from __future__ import annotations

from pathlib import Path

#: Families with simplified Chinese, the plainest first.
_CHINESE = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "SimHei",
    "Noto Sans CJK JP",
    "Droid Sans Fallback",
    "Noto Serif CJK SC",
    "SimSun",
)


def latin_font() -> Path:
    """Return the font of all labels: it comes with matplotlib, so that it is there and always the same."""
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


def chinese_font() -> Path | None:
    """Return a font with Chinese characters, or None where the machine has none."""
    from matplotlib.font_manager import fontManager

    # of a family's weights the first by file name that is regular
    found: dict[str, str] = {}
    for entry in sorted(fontManager.ttflist, key=lambda one: one.fname):
        if entry.style == "normal" and str(entry.weight) in ("400", "normal", "regular"):
            found.setdefault(entry.name, entry.fname)
    return next((Path(found[name]) for name in _CHINESE if name in found), None)
