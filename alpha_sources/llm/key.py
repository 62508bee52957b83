"""`Key`: the one secret, read from the environment, and taken out of all that leaves the client."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from alpha_sources.llm.config import Profile
from alpha_sources.llm.errors import MissingKeyError

_MASK = "[key]"
#: A shorter one (``EMPTY``, ``none``) is a stand-in for servers that want no key, and an ordinary word.
_SHORTEST_SECRET = 8
_STAND_IN = "none"


class Key:
    """A key that neither prints nor pickles.

    Parameters
    ----------
    variable : str or None
        Where it came from: what messages name.
    value : str
    """

    __slots__ = ("_value", "variable")

    def __init__(self, variable: str | None, value: str) -> None:
        self.variable = variable
        self._value = value

    @classmethod
    def of(cls, profile: Profile, environ: Mapping[str, str]) -> Key:
        """Read the key of a profile.

        Raises
        ------
        MissingKeyError
            If the variable is not set, empty, or holds what no header can.
        """
        variable = profile.key_variable
        if variable is None:
            return cls(None, _STAND_IN)
        value = environ.get(variable, "").strip()
        if not value:
            raise MissingKeyError(
                f"the key for {profile.host} is missing: set the environment variable {variable}, or use "
                "mode offline or replay"
            )
        if not (value.isascii() and value.isprintable()):
            raise MissingKeyError(
                f"the environment variable {variable} holds characters that no key has; set it to the key of "
                f"{profile.host} alone"
            )
        return cls(variable, value)

    def __repr__(self) -> str:
        return f"Key({self.variable or 'none needed'})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key is not written anywhere; read it from the environment again")

    def reveal(self) -> str:
        """Return the secret: for the client that sends it, and nothing else."""
        return self._value

    def hide(self, text: str) -> str:
        """Return `text` without the key: a server may echo it."""
        if not self.is_in(text):
            return text
        for form in self._forms():
            text = text.replace(form, _MASK)
        return text

    def is_in(self, text: str) -> bool:
        """Whether the key stands in `text`."""
        return any(form in text for form in self._forms())

    def _forms(self) -> tuple[str, ...]:
        if len(self._value) < _SHORTEST_SECRET:
            return ()
        escaped = self._value.replace("\\", "\\\\").replace('"', '\\"').replace("/", "\\/")
        return tuple(dict.fromkeys((self._value, quote(self._value, safe=""), escaped)))
