"""A folder of documents, a model that reads them, and the market that formulas are tried on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

_TESTS = Path(__file__).parents[2]
sys.path += [str(_TESTS / "llm"), str(_TESTS / "seed" / "documents")]

from llm_server import KEY, LlmServer  # noqa: E402
from seed_folder import configured, write_documents  # noqa: E402
from seed_model import Mine, Model  # noqa: E402

from alpha_sources.llm import Door  # noqa: E402
from alpha_sources.seed import Examiner, Factory, FactorySettings  # noqa: E402
from alpha_sources.seed.documents import Document, read_document, read_folder  # noqa: E402
from alpha_sources.seed.known import KnownForms, forms_of  # noqa: E402
from alphaloom import load_panel  # noqa: E402
from alphaloom.config import RunConfig  # noqa: E402
from alphaloom.seeds import Mining, mine_seeds  # noqa: E402
from engine.market import MarketPanel  # noqa: E402

NOW = datetime(2024, 3, 1, 7, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def panel() -> MarketPanel:
    return load_panel("sse50")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHALOOM_HOME", str(tmp_path / "home"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def server(model: Model) -> Iterator[LlmServer]:
    running = LlmServer(answer=model)
    yield running
    running.close()


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    folder = tmp_path / "documents"
    write_documents(folder)
    return folder


@pytest.fixture
def settings(server: LlmServer, tmp_path: Path) -> Callable[..., RunConfig]:
    """A configuration whose model is the local server."""

    def made(mode: str = "record", **options: Any) -> RunConfig:
        return configured(server, tmp_path / "cassette.db", mode, **options)

    return made


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Document, ...]:
    """The documents of the folder, read once."""
    folder = tmp_path_factory.mktemp("read") / "documents"
    write_documents(folder)
    return read_folder(folder).read


@pytest.fixture(scope="session")
def known() -> KnownForms:
    return forms_of(["paper_seeds"])


@pytest.fixture
def ask(
    panel: MarketPanel, known: KnownForms, settings: Callable[..., RunConfig]
) -> Callable[..., SimpleNamespace]:
    """Mine documents that were read in this process, without a file."""

    def asked(
        given: Path | Sequence[Document],
        *,
        factory: dict[str, Any] | None = None,
        config: RunConfig | None = None,
        environ: dict[str, str] | None = None,
    ) -> SimpleNamespace:
        chosen = FactorySettings(against=("paper_seeds",), **(factory or {}))
        examiner = Examiner(panel.view(len(panel.dates) - 1), chosen, known=known)
        read = [read_document(given)] if isinstance(given, Path) else given
        keys = {"TEST_LLM_KEY": KEY} if environ is None else environ
        with Door.open((config or settings()).llm, environ=keys) as door:
            made = Factory(examiner, chosen, today=NOW.date(), door=door)
            return SimpleNamespace(mined=made.mine(read), costs=door.costs())

    return asked


@pytest.fixture
def mine(panel: MarketPanel, settings: Callable[..., RunConfig], tmp_path: Path) -> Mine:
    def mined(documents: Path, name: str = "seeds.yaml", **options: Any) -> Mining:
        config = options.pop("config", None) or settings()
        return mine_seeds(
            [documents],
            tmp_path / name,
            config,
            now=options.pop("now", NOW),
            environ=options.pop("environ", {"TEST_LLM_KEY": KEY}),
            panel=panel,
            factory=FactorySettings(**{"against": ("paper_seeds",), **options.pop("factory", {})}),
            **options,
        )

    return mined
