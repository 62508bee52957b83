"""Notifications: telling people what an account does, on the channels they have."""

from live.notify.config import ChannelConfig, NotifyConfig
from live.notify.message import Delivery, Kind, Level, Message, Outcome
from live.notify.notifier import Notifier

__all__ = ["ChannelConfig", "Delivery", "Kind", "Level", "Message", "Notifier", "NotifyConfig", "Outcome"]
