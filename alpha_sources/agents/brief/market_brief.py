"""`MarketBrief`: what was known of a market at the close of one session."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alpha_sources.agents.brief.errors import BriefError
from alpha_sources.agents.brief.item import BriefItem, ItemKind
from alpha_sources.agents.brief.sentiment import Asked, TextMask
from alpha_sources.agents.charts.chart import Chart
from alpha_sources.evaluation.regimes import Regime
from alpha_sources.llm.characters import one_line
from alpha_sources.llm.fencing import Envelope, broken, fence
from engine.hashing import hash_json

if TYPE_CHECKING:
    from alpha_sources.llm.attachment import Attachment

_LONGEST_LINE = 4000


@dataclass(frozen=True, eq=False, slots=True)
class Picture:
    """An image out of a user's document.

    Parameters
    ----------
    id : str
        ``P1`` and so on.
    date : date
        Of the document.
    source, label : str
        The document, and where in it.
    media_type : str
    data : bytes
        Empty where a brief was read back: what is written down is the hash.
    sha256 : str
    """

    id: str
    date: date
    source: str
    label: str
    media_type: str
    data: bytes = field(repr=False)
    sha256: str = ""

    def __post_init__(self) -> None:
        if not self.sha256:
            object.__setattr__(self, "sha256", hashlib.sha256(self.data).hexdigest())

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON, without the bytes."""
        names = ("id", "source", "label", "media_type", "sha256")
        return {"date": self.date.isoformat(), **{name: getattr(self, name) for name in names}}

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Picture:
        """Return what `to_payload` wrote down."""
        return cls(**{**payload, "date": date.fromisoformat(payload["date"])}, data=b"")


@dataclass(frozen=True, eq=False)
class MarketBrief:
    """What was known, item by item; nothing in it is later than 15:00 of its session.

    Parameters
    ----------
    session : date
    index_symbol : str or None
    items : tuple of BriefItem
        Of our own making first, then what others wrote.
    state : mapping of str to float or None
        The market state of the session, by feature; see `alpha_sources.market_state`.
    regime : Regime
    sessions_in_regime : int
    charts : tuple of Chart
    pictures : tuple of Picture
    asked : tuple of Asked
        What models were asked to make it: prompts and cassette keys.
    notes : tuple of str
        What a reader should know: texts left out, files skipped, who scored.
    masked : bool
        It was made for models that must not recognise the market.
    mask : TextMask or None
        Not written down; needed to show a masked brief to a model.
    """

    session: date
    index_symbol: str | None
    items: tuple[BriefItem, ...]
    state: Mapping[str, float | None]
    regime: Regime
    sessions_in_regime: int
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Picture, ...] = ()
    asked: tuple[Asked, ...] = ()
    notes: tuple[str, ...] = ()
    masked: bool = False
    mask: TextMask | None = field(default=None, repr=False)

    @property
    def ids(self) -> tuple[str, ...]:
        """All that a reason may cite: items, charts, pictures."""
        items, charts = (one.id for one in self.items), (one.id for one in self.charts)
        return (*items, *charts, *(one.id for one in self.pictures))

    @cached_property
    def hash(self) -> str:
        """Sha256 of what is written down: equal briefs have equal hashes."""
        return hash_json(self.to_payload())

    def item(self, id_: str) -> BriefItem:
        """Return an item by its id.

        Raises
        ------
        BriefError
            If there is none.
        """
        for one in self.items:
            if one.id == id_:
                return one
        raise BriefError(f"the brief of {self.session} has no item {id_!r}; it has B1 to B{len(self.items)}")

    def of_kind(self, kind: ItemKind) -> tuple[BriefItem, ...]:
        """Return the items of a kind."""
        return tuple(one for one in self.items if one.kind is kind)

    def words(self) -> str:
        """Return our own items for a plain placeholder of a prompt, one a line, headed by their ids.

        Masked where the brief is.

        Raises
        ------
        BriefError
            If it is masked and was read back from what was written down, so that its mask is gone.
        """
        shown = self._shown()
        lines = [
            f"{one.id} [{one.kind}, {one.date}] {one.text}" for one in self.items if not one.kind.foreign
        ]
        # names of industries come from a user's file: nothing in them may look like a fence
        return "\n".join(broken(one_line(shown(line, self.session), _LONGEST_LINE)) for line in lines)

    def envelopes(self) -> tuple[Envelope, ...]:
        """Return what others wrote for a ``{{data:...}}`` placeholder, an envelope each.

        The source of each begins with its id and date; masked where the brief is.

        Raises
        ------
        BriefError
            As `words`.
        """
        shown = self._shown()
        return tuple(
            fence(
                shown(one.text, one.date),
                source=shown(f"{one.id}, {one.date}, {one.source}", one.date),
                kind=one.kind.fenced_as,
            )
            for one in self.items
            if one.kind.foreign
        )

    def attachments(self) -> tuple[Attachment, ...]:
        """Return charts and pictures for a model that sees, in the order of `chart_titles`."""
        from alpha_sources.llm.attachment import Attachment

        pictures = (Attachment(one.media_type, one.data) for one in self.pictures)
        return (*(chart.attachment() for chart in self.charts), *pictures)

    def chart_titles(self) -> str:
        """Return what the attachments show, one a line, headed by their ids; masked where the brief is."""
        shown = self._shown()
        lines = [f"{one.id} [chart, {one.date}] {one.title}" for one in self.charts]
        lines += [f"{one.id} [picture out of a document, {one.date}]" for one in self.pictures]
        return "\n".join(broken(one_line(shown(line, self.session), _LONGEST_LINE)) for line in lines)

    def _shown(self) -> Callable[[str, date], str]:
        if not self.masked:
            return lambda text, _: text
        if self.mask is None:
            raise BriefError(
                f"the brief of {self.session} is masked and was read back without its mask: make it anew"
            )
        return self.mask.apply

    def to_payload(self) -> dict[str, Any]:
        """Return plain values for JSON: charts as their numbers, pictures as their hashes."""
        return {
            "session": self.session.isoformat(),
            "index_symbol": self.index_symbol,
            "items": [one.to_payload() for one in self.items],
            "state": dict(self.state),
            "regime": self.regime.label,
            "sessions_in_regime": self.sessions_in_regime,
            "charts": [one.to_payload() for one in self.charts],
            "pictures": [one.to_payload() for one in self.pictures],
            "asked": [one.to_payload() for one in self.asked],
            "notes": list(self.notes),
            "masked": self.masked,
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> MarketBrief:
        """Return the brief that `to_payload` wrote down."""
        return cls(
            session=date.fromisoformat(payload["session"]),
            index_symbol=payload["index_symbol"],
            items=tuple(map(BriefItem.from_payload, payload["items"])),
            state=dict(payload["state"]),
            regime=Regime[payload["regime"].upper()],
            sessions_in_regime=payload["sessions_in_regime"],
            charts=tuple(map(Chart.from_payload, payload["charts"])),
            pictures=tuple(map(Picture.from_payload, payload["pictures"])),
            asked=tuple(map(Asked.from_payload, payload["asked"])),
            notes=tuple(payload["notes"]),
            masked=payload["masked"],
        )
