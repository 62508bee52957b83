"""The configurations that come with the package, found wherever it is installed."""

from __future__ import annotations

from pathlib import Path

import alphaloom


def shipped_config(name: str) -> Path | None:
    """Return the file of a shipped configuration: ``name``, ``name.yaml`` or ``configs/name.yaml``."""
    path = Path(name)
    if path.parent not in (Path(), Path("configs")):
        return None
    file = _folder() / f"{path.name.removesuffix('.yaml')}.yaml"
    return file if file.is_file() else None


def shipped_names() -> list[str]:
    """Names of all of them."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def _folder() -> Path:
    # a wheel carries them inside the package, a checkout beside it
    package = Path(alphaloom.__file__).resolve().parent
    inside = package / "configs"
    return inside if inside.is_dir() else package.parent / "configs"
