"""Market data: panels, views, the calendar, instruments, membership, and how they are read."""

from engine.market.board import Board, board_of, parse_symbol
from engine.market.calendar import Calendar
from engine.market.config import DataConfig, data_config
from engine.market.corporate import CorporateAction, CorporateActions
from engine.market.instruments import Instruments
from engine.market.load import LoadedMarket, check_file, load_market, panel_from_frames
from engine.market.panel import MarketPanel
from engine.market.text import Text
from engine.market.validate import Finding, InvalidDataError, ValidationReport
from engine.market.view import MarketView

__all__ = [
    "Board",
    "Calendar",
    "CorporateAction",
    "CorporateActions",
    "DataConfig",
    "Finding",
    "Instruments",
    "InvalidDataError",
    "LoadedMarket",
    "MarketPanel",
    "MarketView",
    "Text",
    "ValidationReport",
    "board_of",
    "check_file",
    "data_config",
    "load_market",
    "panel_from_frames",
    "parse_symbol",
]
