"""`RunFolder`: a folder that appears whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from engine.errors import OutputError


def check_writable(folder: Path) -> None:
    """Refuse early what could not be saved after a long run.

    Raises
    ------
    OutputError
        If the folder holds something, is a file, or cannot be made.
    """
    nearest = folder
    try:
        if folder.is_file():
            raise OutputError(f"{folder} is a file; name a new or empty folder")
        if folder.is_dir() and any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty; name a new folder, or remove it first")
        nearest = next(p for p in (folder, *folder.absolute().parents) if p.exists())
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as problem:
        raise OutputError(f"cannot write to {nearest}: {problem.strerror}; choose another --out") from None


class RunFolder:
    """Context manager: write into the yielded folder; on success it becomes `folder`, on failure it goes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def __enter__(self) -> Path:
        check_writable(self.folder)
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            self._partial = Path(tempfile.mkdtemp(prefix=f".{self.folder.name}-", dir=self.folder.parent))
            self._partial.chmod(0o755)
        except OSError as problem:
            raise OutputError(f"cannot write to {self.folder}: {problem.strerror}") from None
        return self._partial

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            try:
                if self.folder.is_dir():
                    self.folder.rmdir()
                self._partial.rename(self.folder)
                return
            except OSError as problem:
                shutil.rmtree(self._partial, ignore_errors=True)
                raise OutputError(f"cannot write {self.folder}: {problem.strerror}") from None
        shutil.rmtree(self._partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise OutputError(f"cannot write {self.folder}: {error.strerror or error}") from error
